import { compareBytes } from '../../protocols/agreement/compare-bytes.ts'
import { objectTags } from '../../protocols/crypto/tags.ts'
import { objectHash } from '../../protocols/crypto/transcript.ts'
import { encodeCanonical } from '../../protocols/session/canonical-cbor.ts'
import type { PartyIndex } from '../../protocols/session/faults.ts'

/** Where a member stands in the order for one request: a lower score leads earlier (03 §9.1). */
export const leaderScore = (reqId: Uint8Array, guestSig: Uint8Array): Uint8Array =>
  objectHash(objectTags.lead, encodeCanonical([reqId, guestSig]))

/** The members in the order in which they lead the attempts of one request, attempt 0 aside. */
export function rendezvousOrder<M extends { index: PartyIndex; guestSig: Uint8Array }>(
  reqId: Uint8Array,
  members: readonly M[],
): M[] {
  return members
    .map((member) => ({ member, score: leaderScore(reqId, member.guestSig) }))
    .sort((a, b) => compareBytes(a.score, b.score))
    .map(({ member }) => member)
}
