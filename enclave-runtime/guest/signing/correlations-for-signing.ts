import type { CorrelationSource } from '../../../protocols/correlations/correlation.ts'
import type { Fault, PartyIndex } from '../../../protocols/session/faults.ts'

/** What one session of form (b) takes from; it is told when the session ended without a result. */
export interface SessionSource extends CorrelationSource {
  failed(fault: Fault | undefined): void
}

/** The correlations of this guest, as far as signing sees them (02 §4.4). */
export interface CorrelationsForSigning {
  /** Whether a session of form (b) with `peers` may be begun, or joined. */
  serves(peers: readonly PartyIndex[], leader: PartyIndex): boolean
  forSession(leader: PartyIndex): SessionSource
}
