import type { produceCorrelations } from '../../../protocols/correlations/produce.ts'
import type { Random } from '../../../protocols/crypto/random.ts'
import type { Kernel } from '../../../protocols/kernel/kernel.ts'
import type { generateKeys } from '../../../protocols/keygen/generate-keys.ts'
import type { setUpPair } from '../../../protocols/pair-setup/set-up-pair.ts'
import type { sign } from '../../../protocols/sign/sign.ts'
import type { EpochName } from '../epochs/epoch-work.ts'
import type { Tell } from '../events.ts'
import type { KeyGate } from '../keys/key-gate.ts'
import type { SetupLimits } from '../pairs/pair.ts'
import type { Records } from '../records.ts'
import type { Clock } from '../sessions/clock.ts'
import type { GuestSettings } from '../settings.ts'
import type { RoomPlan, RoomPost } from './room-plan.ts'

/** What a guest works with, whatever the epoch. */
export interface GuestInit {
  /** Everything of the vault that belongs to no epoch. */
  readonly records: SharedRecords
  /** The vault as a room of this epoch sees it. */
  readonly recordsOf: (epoch: EpochName) => Records
  /** The channels of a room. */
  readonly connect: (plan: RoomPlan) => RoomPost
  readonly kernel: Kernel
  readonly random: Random
  readonly clock: Clock
  readonly tell: Tell
  readonly bootId: Uint8Array
  readonly settings: GuestSettings
  /** What the epoch protocol says about new keys; absent: of a committee that never changes. */
  readonly gate?: KeyGate
  /** Whether this guest knows what the others know: before it, it signs nothing (03 §9.4). Absent: it does. */
  readonly isCurrent?: () => boolean
  /** Whether clients can know the epoch that serves: its root signature and a stamp are there. Absent: they can. */
  readonly isShown?: () => boolean
  /** How long something held the main loop lately; absent: nobody looks. */
  readonly loopDelayMs?: () => number
  /** A defect, or a disk that does not take records: the guest cannot go on. */
  readonly onDefect: (error: unknown) => void
  /** Lower ones than those of 02 §2.7, for tests. */
  readonly setupLimits?: SetupLimits
  /** Other conversations, for tests. */
  readonly conversations?: Partial<Conversations>
}

export type SharedRecords = Pick<Records, 'critical' | 'criticalNames' | 'bulk' | 'write' | 'sign'>

export interface Conversations {
  readonly setUpPair: typeof setUpPair
  readonly produceCorrelations: typeof produceCorrelations
  readonly generateKeys: typeof generateKeys
  readonly sign: typeof sign
}
