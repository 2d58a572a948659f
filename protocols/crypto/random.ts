/** A source of secret random bytes: the operating system's in guests and devices, a seeded one in tests. */
export type Random = (length: number) => Uint8Array
