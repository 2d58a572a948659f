import type { PartyIndex } from '../../../protocols/session/faults.ts'

/**
 * Sees each message of a round before it is wiped because its session is over, was refused, or never came to
 * be: a correlation named in it serves nobody any more (02 §4.4). It may have been read before.
 */
export type Unread = (from: PartyIndex, round: number, body: Uint8Array) => void
