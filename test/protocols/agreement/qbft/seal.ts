import { sameBytes } from '../../../../protocols/agreement/compare-bytes.ts'
import type { VerifyVote } from '../../../../protocols/agreement/qbft/certificate.ts'

/**
 * Stands for a signature where thousands of schedules are searched: 64 bytes that depend on the member and the body. Nothing
 * here stops forgery but that nobody in a simulation calls it for a member it does not play.
 */
export function seal(member: number, body: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(64)
  const view = new DataView(bytes.buffer)
  let a = 0x811c9dc5 ^ member
  let b = 0x01000193 + member * 31
  for (const byte of body) {
    a = Math.imul(a ^ byte, 0x01000193)
    b = Math.imul(b + byte, 0x85ebca6b) ^ (b >>> 13)
  }
  view.setUint16(0, member)
  view.setInt32(4, a)
  view.setInt32(8, b)
  return bytes
}

/** Accepts the seals of these members only. */
export const sealVerifier =
  (members: readonly number[]): VerifyVote =>
  (member, body, signature) =>
    members.includes(member) && sameBytes(signature, seal(member, body))
