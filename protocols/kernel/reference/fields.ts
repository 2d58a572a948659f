/** Little-endian numbers of the layouts of 02 §1.2. */
export const u8 = (value: number): Uint8Array => Uint8Array.of(value)
export const u16 = (value: number): Uint8Array => Uint8Array.of(value & 0xff, value >>> 8)

export const isU16 = (value: number): boolean =>
  Number.isInteger(value) && value >= 0 && value <= 0xffff

export const bit = (bytes: Uint8Array, j: number): number => ((bytes[j >> 3] ?? 0) >> (j & 7)) & 1

/** Whether two byte strings are equal, looking at every byte. */
export function equal(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false
  let difference = 0
  for (let i = 0; i < a.length; i++) difference |= (a[i] ?? 0) ^ (b[i] ?? 0)
  return difference === 0
}
