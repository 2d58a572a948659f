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
  /** `priority`: 0 signing, 1 resharing, 2 what nobody waits for. */
  send(to: PartyIndex, letter: Letter, signal: AbortSignal, priority?: 0 | 1 | 2): Promise<void>
  onMessage(take: (from: PartyIndex, letter: Letter) => void): void
  /** The peer's guest started again: its memory, and with it every session and setup, is gone. */
  onRestarted(take: (peer: PartyIndex) => void): void
  /** What the peer's guest said of itself, once there was a channel with it. */
  facts(peer: PartyIndex): { readonly bootId: Uint8Array } | undefined
}
