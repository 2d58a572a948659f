import { tags } from '../crypto/tags.ts'
import { type Oracle, oracle } from '../crypto/transcript.ts'
import { M1_BYTES, M2_BYTES } from '../ot/sizes.ts'
import { u8, u16 } from '../session/codec.ts'
import {
  type Answer,
  type Choose,
  CORRELATION_ID_BYTES,
  itemOf,
  type Multiply,
  type Propose,
} from './messages.ts'

/** Who takes part in a batch: ids and boots of the pair, and which of them began. */
export interface BatchParties {
  readonly networkId: Uint8Array
  readonly epochId: Uint8Array
  readonly guestLo: Uint8Array
  readonly guestHi: Uint8Array
  readonly initiatorIsHi: boolean
}

/**
 * RO(corr-sid; networkId, epochId, setupId, guestLo, guestHi, u8 initiatorIsHi, bootLo, bootHi, batchNo, N,
 * nonceI, nonceR). Both nonces are in it, so that it never repeats (02, pitfalls).
 */
export function batchSidOf(
  { networkId, epochId, guestLo, guestHi, initiatorIsHi }: BatchParties,
  c1: Propose,
  c2: Pick<Choose, 'bootId' | 'nonce'>,
  hash: Oracle = oracle,
): Uint8Array {
  const [bootLo, bootHi] = initiatorIsHi ? [c2.bootId, c1.bootId] : [c1.bootId, c2.bootId]
  return hash(
    tags.correlationSid,
    32,
    networkId,
    epochId,
    c1.setupId,
    guestLo,
    guestHi,
    u8(initiatorIsHi ? 1 : 0),
    bootLo,
    bootHi,
    c1.batchNo,
    c1.count,
    c1.nonce,
    c2.nonce,
  )
}

/** RO(corr-tr; …): m1s of C2, m1s of C3, m2s of C3, m2s of C4, each m1 and m2 one field. Two megabytes at the most. */
export const transcriptOf = (
  count: number,
  { m1s: chosen }: Pick<Choose, 'm1s'>,
  { m1s, m2s }: Multiply,
  { m2s: answered }: Answer,
  hash: Oracle = oracle,
): Uint8Array =>
  hash(
    tags.correlationTranscript,
    32,
    ...itemsOf(chosen, count, M1_BYTES),
    ...itemsOf(m1s, count, M1_BYTES),
    ...itemsOf(m2s, count, M2_BYTES),
    ...itemsOf(answered, count, M2_BYTES),
  )

const itemsOf = (list: Uint8Array, count: number, length: number): Uint8Array[] =>
  Array.from({ length: count }, (_, k) => itemOf(list, k, length))

/** corrId_k = RO(corr-id; batchSid, corr-tr, u16 k). */
export const correlationIdOf = (
  batchSid: Uint8Array,
  transcript: Uint8Array,
  k: number,
  hash: Oracle = oracle,
): Uint8Array => hash(tags.correlationId, CORRELATION_ID_BYTES, batchSid, transcript, u16(k))
