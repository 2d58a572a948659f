import { M1_BYTES, M2_BYTES } from '../ot/sizes.ts'
import { type FixedCodec, fixed } from '../session/codec.ts'
import { type DirectRound, direct } from '../session/round.ts'

export const BOOT_ID_BYTES = 16
export const CORRELATION_ID_BYTES = 16
/** Correlations of one batch: C3 stays below the largest envelope, 1 MiB (02 §4.3). */
export const MAX_BATCH = 16

/** C1, from the initiator: which batch, over which setup. */
export interface Propose {
  readonly setupId: Uint8Array
  readonly bootId: Uint8Array
  /** u32. */
  readonly batchNo: Uint8Array
  /** u16, N. */
  readonly count: Uint8Array
  readonly nonce: Uint8Array
}
/** C2, from the responder: its choices as Bob. */
export interface Choose {
  readonly bootId: Uint8Array
  readonly nonce: Uint8Array
  /** N × 9,232. */
  readonly m1s: Uint8Array
}
/** C3, from the initiator: its choices as Bob, and its answers as Alice. */
export interface Multiply {
  readonly m1s: Uint8Array
  /** N × 49,248. */
  readonly m2s: Uint8Array
}
/** C4, from the responder: its answers as Alice. */
export interface Answer {
  readonly m2s: Uint8Array
}
/** C5, from the initiator: the hash of all that was multiplied. */
export interface Confirm {
  readonly transcript: Uint8Array
}

export const Propose: FixedCodec<Propose> = fixed({
  setupId: 32,
  bootId: BOOT_ID_BYTES,
  batchNo: 4,
  count: 2,
  nonce: 32,
})
export const Choose = (count: number): FixedCodec<Choose> =>
  fixed({ bootId: BOOT_ID_BYTES, nonce: 32, m1s: M1_BYTES * count })
export const Multiply = (count: number): FixedCodec<Multiply> =>
  fixed({ m1s: M1_BYTES * count, m2s: M2_BYTES * count })
export const Answer = (count: number): FixedCodec<Answer> => fixed({ m2s: M2_BYTES * count })
export const Confirm: FixedCodec<Confirm> = fixed({ transcript: 32 })

export interface CorrelationRounds {
  readonly propose: DirectRound<Propose>
  readonly choose: DirectRound<Choose>
  readonly multiply: DirectRound<Multiply>
  readonly answer: DirectRound<Answer>
  readonly confirm: DirectRound<Confirm>
}

/** C1 to C5 of a batch of `count` correlations. */
export const rounds = (count: number): CorrelationRounds => ({
  propose: direct('correlations/1-propose', Propose),
  choose: direct('correlations/2-choose', Choose(count)),
  multiply: direct('correlations/3-multiply', Multiply(count)),
  answer: direct('correlations/4-answer', Answer(count)),
  confirm: direct('correlations/5-confirm', Confirm),
})

/** The k-th of a list of m1s or m2s. */
export const itemOf = (list: Uint8Array, k: number, length: number): Uint8Array =>
  list.subarray(length * k, length * (k + 1))
