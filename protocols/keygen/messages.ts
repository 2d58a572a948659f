import { type BroadcastRound, broadcast, type DirectRound, direct } from '../session/round.ts'
import { Certify, Commit, Deal, Prove } from '../sharing/messages.ts'

export interface KeygenRounds {
  readonly commit: BroadcastRound<Commit>
  readonly deal: DirectRound<Deal>
  readonly prove: BroadcastRound<Prove>
  readonly certify: BroadcastRound<Certify>
}

/** K1 to K4 of a run for `count` keys with this threshold (02 §5). */
export const rounds = (threshold: number, count: number): KeygenRounds => ({
  commit: broadcast('keygen/1-commit', Commit),
  deal: direct('keygen/2-deal', Deal(threshold, count)),
  prove: broadcast('keygen/3-prove', Prove(count)),
  certify: broadcast('keygen/4-certify', Certify),
})
