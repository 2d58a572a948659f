import { tags } from '../crypto/tags.ts'
import { type Oracle, oracle } from '../crypto/transcript.ts'
import { u32 } from '../session/codec.ts'
import { Commit, Open, Transfer } from './messages.ts'

/** Something of both guests of a pair, lo first. */
export interface Both<T> {
  readonly lo: T
  readonly hi: T
}

/** RO(pair-com; guest, z, blind). */
export const commitmentTo = (
  guest: Uint8Array,
  z: Uint8Array,
  blind: Uint8Array,
  hash: Oracle = oracle,
): Uint8Array => hash(tags.pairCom, 32, guest, z, blind)

/** RO(pair-sid; …). Direction 0 is the one in which lo is Alice, so its A comes from hi (02 §2.2). */
export const pairSidOf = (
  networkId: Uint8Array,
  epochId: Uint8Array,
  attempt: number,
  guests: Both<Uint8Array>,
  { lo, hi }: Both<Commit>,
  hash: Oracle = oracle,
): Uint8Array =>
  hash(
    tags.pairSid,
    32,
    networkId,
    epochId,
    u32(attempt),
    guests.lo,
    guests.hi,
    lo.nonce,
    hi.nonce,
    hi.A,
    lo.A,
  )

/** RO(pair-tr; …): the whole bodies of P1, P2 and P3, of lo and of hi. */
export const transcriptOf = (
  p1: Both<Commit>,
  p2: Both<Transfer>,
  p3: Both<Open>,
  hash: Oracle = oracle,
): Uint8Array =>
  hash(
    tags.pairTranscript,
    32,
    Commit.encode(p1.lo),
    Commit.encode(p1.hi),
    Transfer.encode(p2.lo),
    Transfer.encode(p2.hi),
    Open.encode(p3.lo),
    Open.encode(p3.hi),
  )

/** setupId = RO(pair-id; pairSid, pair-tr). */
export const setupIdOf = (
  pairSid: Uint8Array,
  transcript: Uint8Array,
  hash: Oracle = oracle,
): Uint8Array => hash(tags.pairId, 32, pairSid, transcript)
