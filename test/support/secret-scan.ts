/** How a secret of 32 bytes could show itself in bytes that somebody else sees. */
export function formsOf(secret: Uint8Array): Map<string, Buffer> {
  const raw = Buffer.from(secret)
  const reversed = Buffer.from(secret.toReversed())
  const hex = raw.toString('hex')
  const forms = new Map<string, Buffer>([
    ['raw', raw],
    ['reversed', reversed],
    ['hex', Buffer.from(hex)],
    ['upper-case hex', Buffer.from(hex.toUpperCase())],
    ['hex in UTF-16', Buffer.from(hex, 'utf16le')],
    ['decimal', Buffer.from(BigInt(`0x${hex}`).toString())],
  ])
  for (const encoding of ['base64', 'base64url'] as const)
    for (const before of [0, 1, 2]) {
      // Inside a longer text the three alignments look different; the ends depend on the neighbours.
      const text = Buffer.concat([Buffer.alloc(before), raw]).toString(encoding)
      forms.set(`${encoding} at ${before}`, Buffer.from(text.slice(before === 0 ? 0 : 4, 40)))
    }
  return forms
}

/** The names of the secrets that `bytes` contain, each with the form in which it stands there. */
export function found(
  secrets: ReadonlyMap<string, Uint8Array>,
  bytes: Uint8Array,
): { secret: string; form: string }[] {
  const haystack = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  return [...secrets].flatMap(([secret, value]) =>
    [...formsOf(value)]
      .filter(([, needle]) => haystack.includes(needle))
      .map(([form]) => ({ secret, form })),
  )
}
