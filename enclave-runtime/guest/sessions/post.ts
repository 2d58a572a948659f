import type { PartyIndex } from '../../../protocols/session/faults.ts'

/** What an envelope carries once it is open (04 §11). */
export interface Letter {
  /** The instanceId of the session, 32 bytes. */
  readonly session: Uint8Array
  readonly attempt: number
  readonly round: number
  readonly type: number
  readonly body: Uint8Array
}

/** The part of the channels that sessions use. A rejection means that the letter did not leave. */
export interface Post {
  send(to: PartyIndex, letter: Letter, signal: AbortSignal): Promise<void>
  onMessage(take: (from: PartyIndex, letter: Letter) => void): void
  /** The peer's guest started again: its memory, and with it every session and setup, is gone. */
  onRestarted(take: (peer: PartyIndex) => void): void
}
