import type { Random } from '../../../protocols/crypto/random.ts'
import type { Kernel } from '../../../protocols/kernel/kernel.ts'
import type { PartyIndex } from '../../../protocols/session/faults.ts'
import type { sign } from '../../../protocols/sign/sign.ts'
import type { ActivityLog } from '../accounts/activity-log.ts'
import type { Committee } from '../committee.ts'
import type { Tell } from '../events.ts'
import type { PairSetups } from '../pairs/pair-setups.ts'
import type { RoomBans } from '../pairs/room-bans.ts'
import type { PresignaturePool } from '../presignatures/presignature-pool.ts'
import type { Authorized } from '../requests/authorize.ts'
import type { ResultCache } from '../requests/result-cache.ts'
import type { Answers } from '../sessions/answers.ts'
import type { ChoiceRoom } from '../sessions/choice-room.ts'
import type { Clock } from '../sessions/clock.ts'
import type { Followers } from '../sessions/followers.ts'
import type { LiveAttempts } from '../sessions/live-attempts.ts'
import type { SessionRouter } from '../sessions/session-router.ts'
import type { CorrelationsForSigning } from './correlations-for-signing.ts'
import type { KeyShares } from './key-shares.ts'
import type { SignRequest } from './signing-plan.ts'

/** What signing works with; each part of it takes what it needs. */
export interface SigningCollaborators {
  readonly committee: Committee
  /** Of the other rooms that are open here. */
  readonly otherCommittees: () => readonly Committee[]
  readonly router: SessionRouter
  readonly answers: Answers
  readonly followers: Followers
  readonly live: LiveAttempts
  readonly room: ChoiceRoom
  readonly pairs: PairSetups
  readonly bans: RoomBans
  readonly shares: KeyShares
  readonly presignatures: PresignaturePool
  readonly correlations: CorrelationsForSigning
  readonly activities: ActivityLog
  readonly results: ResultCache
  readonly kernel: Kernel
  readonly random: Random
  readonly clock: Pick<Clock, 'after'>
  readonly tell: Tell
  /** Unix seconds. */
  readonly now: () => number
  readonly authorize: (request: Uint8Array) => Promise<Authorized>
  /** The same for a request that was done at this time, in unix seconds: it costs its account nothing here. */
  readonly authorizeDone: (request: Uint8Array, at: number) => Promise<Authorized>
  /** A request is live until the returned function is called: what is made ahead waits for it. */
  readonly requestBegan: () => () => void
  /** A signature was led here: what its key will need next may be made. */
  readonly onLed: (asked: SignRequest, signers: readonly PartyIndex[]) => void
  readonly onError: (error: unknown) => void
  /** Forms (a) and (b) of 02 §6. */
  readonly converse: typeof sign
}
