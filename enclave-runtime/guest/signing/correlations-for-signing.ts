import type { CorrelationSource } from '../../../protocols/correlations/correlation.ts'
import type { Fault, PartyIndex } from '../../../protocols/session/faults.ts'
import type { Session } from '../sessions/session.ts'

/** How something ended that took correlations, or a presignature made of them, and made no signature. */
export interface Ended {
  readonly leader: PartyIndex
  readonly fault?: Fault | undefined
  /** Absent: there was none, the opening was not taken part in. */
  readonly session?: Pick<Session, 'me' | 'fault' | 'endedBy' | 'waitsFor'> | undefined
}

/** What one session of form (b) takes from; it is told when the session ended, and when without a result. */
export interface SessionSource extends CorrelationSource {
  over(): void
  failed(ended: Omit<Ended, 'leader'>): void
}

/** The correlations of this guest, as far as signing sees them (02 §4.4). */
export interface CorrelationsForSigning {
  /** Whether a session of form (b) with `peers` may be begun, or joined, which takes `count` of each; one if absent. */
  serves(peers: readonly PartyIndex[], leader: PartyIndex, count?: number): boolean
  /** To be called in the same turn as `serves`: one of each peer is kept for the session. */
  forSession(leader: PartyIndex, peers: readonly PartyIndex[]): SessionSource
  /** A presignature that was named and not used: what it was made of is charged as if it were in the session. */
  wasted(names: number, ended: Ended): void
}
