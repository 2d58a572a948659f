import { Reader, u16 } from '../../../protocols/session/codec.ts'
import type { Finished } from '../requests/result-cache.ts'

const MAX_SIGNERS = 16

/** r ‖ s ‖ recovery ‖ number of signers ‖ their indices: how guests tell each other a finished signature. */
export const encodeFinished = ({ signature: { r, s, recovery }, signers }: Finished): Uint8Array =>
  Buffer.concat([r, s, Uint8Array.of(recovery, signers.length), ...signers.map(u16)])

/** Throws `DecodeError`. */
export function decodeFinished(bytes: Uint8Array): Finished {
  const reader = new Reader(bytes)
  const signature = { r: reader.take(32), s: reader.take(32), recovery: reader.u8(3) }
  const signers = Array.from({ length: reader.u8(MAX_SIGNERS) }, () => reader.u16())
  return reader.end({ signature, signers })
}
