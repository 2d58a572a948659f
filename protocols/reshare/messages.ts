import { type FixedCodec, fixed } from '../session/codec.ts'
import { type DirectRound, direct } from '../session/round.ts'
import {
  Certify,
  Commit,
  Deal,
  dealLengths,
  POINT_BYTES,
  Prove,
  PublicDeal,
} from '../sharing/messages.ts'

/** K1 of a receiver that does not deal. */
export interface Nonce {
  readonly nonce: Uint8Array
}

/** K2 to a newcomer: with what it has to know of the keys, which it believes nobody unproven. */
export interface Introduction extends Deal {
  /** Per key: keyId 32 ‖ old F 33t ‖ cc 32. */
  readonly known: Uint8Array
}

export interface ReshareRounds {
  readonly commit: DirectRound<Commit>
  readonly nonce: DirectRound<Nonce>
  /** To a receiver of the old committee. */
  readonly deal: DirectRound<Deal>
  /** To a receiver that is new, or lost what it had. */
  readonly introduce: DirectRound<Introduction>
  /** To a dealer that leaves. */
  readonly show: DirectRound<PublicDeal>
  readonly prove: DirectRound<Prove>
  readonly certify: DirectRound<Certify>
}

/** Bytes that introduce one key. */
export const knownBytes = (oldThreshold: number): number => 32 + POINT_BYTES * oldThreshold + 32

/** K1 to K4 of a chunk of `count` keys from one threshold to another (02 §8). Not everyone speaks in every round. */
export const rounds = (oldThreshold: number, threshold: number, count: number): ReshareRounds => ({
  commit: direct('reshare/1-commit', Commit),
  nonce: direct('reshare/1-nonce', fixed<Nonce>({ nonce: 32 })),
  deal: direct('reshare/2-deal', Deal(threshold, count)),
  introduce: direct('reshare/2-introduce', Introduction(oldThreshold, threshold, count)),
  show: direct('reshare/2-show', PublicDeal(threshold, count)),
  prove: direct('reshare/3-prove', Prove(count)),
  certify: direct('reshare/4-certify', Certify),
})

const Introduction = (
  oldThreshold: number,
  threshold: number,
  count: number,
): FixedCodec<Introduction> =>
  fixed({ ...dealLengths(threshold, count), known: count * knownBytes(oldThreshold) })
