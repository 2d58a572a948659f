import { bytesToHex } from '@noble/hashes/utils.js'
import { decodeCanonical, encodeCanonical } from '../../session/canonical-cbor.ts'
import { DecodeError } from '../../session/codec.ts'
import { bytesField, objectFields } from '../fields.ts'
import { index } from '../objects/items.ts'
import { Vote as Body } from '../objects/vote.ts'
import type { VerifyVote } from './certificate.ts'
import { MAX_MESSAGE_BYTES } from './message.ts'
import { type SignedVote, valueKey, voteBody } from './vote.ts'

/** Two votes of one member that no honest member makes, as stored under `equiv/<iid>/<from>` (03 §5). */
export const encodeEquivocation = (iid: Uint8Array, a: SignedVote, b: SignedVote): Uint8Array =>
  encodeCanonical([
    'equivocation',
    1,
    a.from,
    voteBody(iid, a.vote),
    a.signature,
    voteBody(iid, b.vote),
    b.signature,
  ])

/**
 * The member that these bytes convict: it signed two different votes of one kind in one round of one instance. A
 * `DecodeError` says why they convict nobody.
 */
export function convicted(bytes: Uint8Array, verify: VerifyVote): number {
  const [from, bodyA, signatureA, bodyB, signatureB] = objectFields(
    decodeCanonical(bytes, MAX_MESSAGE_BYTES),
    'equivocation',
    5,
  )
  const member = index.read(from, 'index')
  const a = bodyField(bodyA)
  const b = bodyField(bodyB)
  if (a.slot !== b.slot) throw new DecodeError('votes that a member may make both')
  if (a.said === b.said) throw new DecodeError('one vote twice')
  for (const [{ bytes }, signature] of [
    [a, signatureA],
    [b, signatureB],
  ] as const)
    if (!verify(member, bytes, bytesField(signature, 'signature', 64)))
      throw new DecodeError('not signed by that member')
  return member
}

/** A signed body, taken apart into what may occur once and what was said there. */
function bodyField(value: unknown): { bytes: Uint8Array; slot: string; said: string } {
  if (!(value instanceof Uint8Array)) throw new DecodeError('no vote')
  const vote = Body.decode(value)
  const slot = [bytesToHex(vote.iid), vote.kind, vote.round].join('/')
  const said = vote.kind === 3 ? `${vote.pr}/${valueKey(vote.pv)}` : valueKey(vote.v)
  return { bytes: value, slot, said }
}
