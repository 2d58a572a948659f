import type { SignatureList } from '../objects/signed.ts'
import { signedMessage, verifySigned } from '../signed-object.ts'
import { type Value, voteBody } from './vote.ts'

/** Whether `signature` is that of the member over a vote's body. */
export type VerifyVote = (member: number, body: Uint8Array, signature: Uint8Array) => boolean

/** The signatures of a quorum over one vote: prepared (PREPARE) or decided (COMMIT). */
export interface Certificate {
  readonly kind: 'prepare' | 'commit'
  readonly round: number
  readonly value: Value
  readonly signatures: SignatureList
}

/**
 * Whether at least `quorum` members signed this vote of instance `iid` (03 §5). `verify` refuses indices that are
 * no members. One bad signature, or one member twice, spoils the list.
 */
export function certifies(
  { kind, round, value, signatures }: Certificate,
  iid: Uint8Array,
  quorum: number,
  verify: VerifyVote,
): boolean {
  if (signatures.length < quorum) return false
  if (new Set(signatures.map(([member]) => member)).size < signatures.length) return false
  const body = voteBody(iid, { kind, round, value, preparedRound: 0 })
  return signatures.every(([member, signature]) => verify(member, body, signature))
}

/** Signs votes as type `qb` of a network (03 §1.1); `sign` makes a guest's Ed25519 signature over a message. */
export const voteSigner =
  (
    networkId: Uint8Array,
    sign: (message: Uint8Array) => Uint8Array,
  ): ((body: Uint8Array) => Uint8Array) =>
  (body) =>
    sign(signedMessage('qb', networkId, body))

/** Verifies votes under the guest keys of members, by index (03 §1.1). */
export const voteVerifier =
  (networkId: Uint8Array, keys: ReadonlyMap<number, Uint8Array>): VerifyVote =>
  (member, body, signature) => {
    const key = keys.get(member)
    return key !== undefined && verifySigned('qb', networkId, body, key, signature)
  }
