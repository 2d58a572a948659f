import { decodeCanonical, encodeCanonical } from '../../session/canonical-cbor.ts'
import { DecodeError } from '../../session/codec.ts'
import { AttemptFault } from '../objects/attempt.ts'
import { EpochCert } from '../objects/certificates.ts'
import type { ReadyEntry } from '../objects/ready.ts'
import type { EpochRecord } from '../objects/record.ts'
import { type Signed, signed } from '../objects/signed.ts'
import { Start } from '../objects/start.ts'
import { MAX_PROOF_BYTES } from '../qbft/message.ts'

/** What makes a value valid for members that did not know it (03 §5): READY of all, a fault, or two STARTs of one initiator. */
export type Proof =
  | { readonly shows: 'ready'; readonly record: EpochRecord; readonly ready: readonly ReadyEntry[] }
  | { readonly shows: 'fault'; readonly fault: Signed<AttemptFault> }
  | { readonly shows: 'starts'; readonly starts: readonly [Signed<Start>, Signed<Start>] }

const faultCodec = signed(AttemptFault)
const startCodec = signed(Start)

export function encodeProof(proof: Proof): Uint8Array {
  if (proof.shows === 'fault') return encodeCanonical([proof.shows, faultCodec.encode(proof.fault)])
  if (proof.shows === 'starts')
    return encodeCanonical([proof.shows, ...proof.starts.map((start) => startCodec.encode(start))])
  const { record, ready } = proof
  const undecided = { record, ready, round: 1, commits: [], recovery: [] }
  return encodeCanonical([proof.shows, EpochCert.encode(undecided)])
}

/** `null` for bytes that are no proof: the value that came with them stays invalid here. */
export function decodeProof(bytes: Uint8Array): Proof | null {
  try {
    const items = decodeCanonical(bytes, MAX_PROOF_BYTES)
    const [shows, one, other] = Array.isArray(items) ? (items as unknown[]) : []
    if (!(one instanceof Uint8Array)) return null
    if (shows === 'fault') return { shows, fault: faultCodec.decode(one) }
    if (shows === 'starts' && other instanceof Uint8Array)
      return { shows, starts: [startCodec.decode(one), startCodec.decode(other)] }
    if (shows !== 'ready') return null
    const { record, ready } = EpochCert.decode(one)
    return { shows, record, ready }
  } catch (error) {
    if (error instanceof DecodeError) return null
    throw error
  }
}
