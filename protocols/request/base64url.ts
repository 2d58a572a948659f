import { DecodeError } from '../session/codec.ts'

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
const VALUES: ReadonlyMap<string, number> = new Map(
  [...ALPHABET].map((char, value) => [char, value]),
)

/** Bytes in JSON (05 §1): base64url without padding, RFC 4648 §5. */
export function toBase64url(bytes: Uint8Array): string {
  const chars: string[] = []
  for (let at = 0; at < bytes.length; at += 3) {
    const [a = 0, b = 0, c = 0] = bytes.subarray(at, at + 3)
    const group = (a << 16) | (b << 8) | c
    const count = Math.min(3, bytes.length - at) + 1
    for (let i = 0; i < count; i++) chars.push(ALPHABET.charAt((group >> (18 - 6 * i)) & 63))
  }
  return chars.join('')
}

/** The bytes of the one text that `toBase64url` writes for them; anything else is a `DecodeError`. */
export function fromBase64url(text: string): Uint8Array {
  const length = Math.floor((text.length * 3) / 4)
  const bytes = new Uint8Array(length)
  let [bits, held, at] = [0, 0, 0]
  for (const char of text) {
    const value = VALUES.get(char)
    if (value === undefined) throw new DecodeError('not base64url without padding')
    bits = ((bits << 6) | value) & 0xfff // at most 12 bits are ever pending
    held += 6
    if (held < 8) continue
    held -= 8
    bytes[at++] = (bits >> held) & 0xff
  }
  const unused = bits & ((1 << held) - 1)
  if (text.length % 4 === 1 || unused !== 0) throw new DecodeError('not the canonical base64url')
  return bytes
}
