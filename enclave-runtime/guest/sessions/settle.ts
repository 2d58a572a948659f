import {
  blamed,
  consequence,
  type Fault,
  type PartyIndex,
} from '../../../protocols/session/faults.ts'
import type { Holdings } from './abort-kinds.ts'
import type { Settle } from './session-router.ts'

export interface Consequences {
  /** Resolves when the ban is durable. */
  ban(peer: PartyIndex): Promise<void>
  /** Resolves when no ban is on its way to the disk. */
  bansSettled(): Promise<void>
  strike(party: PartyIndex): void
  /** Our half of the setup with this peer does not fit its, as a session found that was opened then. */
  renewPair(peer: PartyIndex, openedMs: number): void
  /** hi does not hold a correlation that was named here: what it holds is the rest. */
  corrUnknown(peer: PartyIndex, holdings: Holdings): void
  /** Our own state contradicts itself: a key, or the whole guest, stops. */
  halt(fault: Fault): void
}

/** What follows from the end of a session, before anyone else learns of it (02 §12, §2.8). */
export const settlement =
  (consequences: Consequences): Settle =>
  async (fault, session) => {
    const party = blamed(fault)
    const theirWord = session.told && fault === session.fault
    if (!theirWord && party !== undefined && party !== session.me) {
      const next = consequence(fault)
      if (next === 'ban') await consequences.ban(party)
      if (next === 'strike') consequences.strike(party)
      if (fault.kind === 'generation') consequences.renewPair(party, session.openedMs)
    }
    const { endedBy, holdings } = session
    if (endedBy !== undefined && holdings !== undefined) consequences.corrUnknown(endedBy, holdings)
    if (consequence(fault) === 'halt') consequences.halt(fault)
    await consequences.bansSettled()
  }
