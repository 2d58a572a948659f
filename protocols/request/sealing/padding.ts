import { DecodeError, Reader } from '../../session/codec.ts'

/** Sizes of a sealed request, so that a watcher learns one of eight, not the length (05 §3.1). */
export const PADDED_SIZES: readonly number[] = [0.25, 1, 2, 4, 16, 64, 256, 512].map(
  (kib) => kib * 1024,
)
const LENGTH_BYTES = 4

/** u32 length, the bytes, and zeros up to the next of the sizes. */
export function pad(bytes: Uint8Array): Uint8Array {
  const size = PADDED_SIZES.find((one) => one >= LENGTH_BYTES + bytes.length)
  if (size === undefined) throw new DecodeError('more than 512 KiB')
  const padded = new Uint8Array(size)
  new DataView(padded.buffer).setUint32(0, bytes.length, true)
  padded.set(bytes, LENGTH_BYTES)
  return padded
}

/** The bytes that `pad` turns into exactly `padded`; anything else is a `DecodeError`. */
export function unpad(padded: Uint8Array): Uint8Array {
  const reader = new Reader(padded)
  const bytes = reader.take(reader.u32(Math.max(0, padded.length - LENGTH_BYTES)))
  const rest = padded.subarray(LENGTH_BYTES + bytes.length)
  if (pad(bytes).length !== padded.length) throw new DecodeError('not the smallest size')
  if (rest.some((byte) => byte !== 0)) throw new DecodeError('padding that is not zero')
  return bytes
}
