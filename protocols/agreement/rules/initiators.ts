import { objectTags } from '../../crypto/tags.ts'
import { objectHash } from '../../crypto/transcript.ts'
import { encodeCanonical } from '../../session/canonical-cbor.ts'
import { compareBytes } from '../compare-bytes.ts'
import type { Base } from './base.ts'

/** The old members in the order in which they start attempts: by H(init; [baseHash, guestSig]) (03 §4.1 S3). */
export const initiatorOrder = ({ hash, members }: Base): number[] =>
  members
    .map(({ index, guestSig }) => ({
      index,
      score: objectHash(objectTags.init, encodeCanonical([hash, guestSig])),
    }))
    .toSorted((a, b) => compareBytes(a.score, b.score))
    .map(({ index }) => index)

/**
 * How many members stand before this one in attempt k: 0 for its initiator, i for the i-th that steps in;
 * undefined for no member.
 */
export function initiatorRank(base: Base, k: number, index: number): number | undefined {
  const order = initiatorOrder(base)
  const place = order.indexOf(index)
  const n = order.length
  return place === -1 ? undefined : (place - ((k - 1) % n) + n) % n
}
