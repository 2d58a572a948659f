import { type FixedCodec, fixed } from '../session/codec.ts'
import { type BroadcastRound, broadcast, type DirectRound, direct } from '../session/round.ts'
import {
  Certify,
  Commit,
  type Deal,
  dealLengths,
  Prove,
  SCALAR_BYTES,
} from '../sharing/messages.ts'
import { PART_OVERHEAD } from './sealed-part.ts'

/** K2 of a key generation: with the sealed part of each absent receiver, in party order; nobody here can read those. */
export interface KeygenDeal extends Deal {
  readonly sealed: Uint8Array
}

/** K1 and K2 of one dealer but for the shares in the open: what an absent receiver fetches of it (02 §5). */
export interface Posted extends Commit, Omit<KeygenDeal, 'shares'> {}

export interface KeygenRounds {
  readonly commit: BroadcastRound<Commit>
  readonly deal: DirectRound<KeygenDeal>
  readonly prove: BroadcastRound<Prove>
  readonly certify: BroadcastRound<Certify>
}

/** One absent receiver's part of K2. */
export const sealedBytes = (count: number): number => PART_OVERHEAD + SCALAR_BYTES * count

/** K1 to K4 of a run for `count` keys with this threshold, this many members being absent (02 §5). */
export const rounds = (threshold: number, count: number, absent = 0): KeygenRounds => ({
  commit: broadcast('keygen/1-commit', Commit),
  deal: direct(
    'keygen/2-deal',
    fixed({ ...dealLengths(threshold, count), sealed: absent * sealedBytes(count) }),
  ),
  prove: broadcast('keygen/3-prove', Prove(count)),
  certify: broadcast('keygen/4-certify', Certify),
})

export const Posted = (threshold: number, count: number, absent: number): FixedCodec<Posted> => {
  const { shares: _, ...open } = dealLengths(threshold, count)
  return fixed({ nonce: 32, commitment: 32, ...open, sealed: absent * sealedBytes(count) })
}
