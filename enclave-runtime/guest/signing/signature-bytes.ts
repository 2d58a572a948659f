import type { Signature } from '../../../protocols/kernel/kernel.ts'
import { Reader } from '../../../protocols/session/codec.ts'

/** r ‖ s ‖ recovery: how guests tell each other a finished signature. */
export const encodeSignature = ({ r, s, recovery }: Signature): Uint8Array =>
  Buffer.concat([r, s, Uint8Array.of(recovery)])

/** Throws `DecodeError`. */
export function decodeSignature(bytes: Uint8Array): Signature {
  const reader = new Reader(bytes)
  return reader.end({ r: reader.take(32), s: reader.take(32), recovery: reader.u8(3) })
}
