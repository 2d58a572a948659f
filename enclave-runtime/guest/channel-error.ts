import type { PartyIndex } from '../../protocols/session/faults.ts'

/** The message did not leave. */
export class ChannelError extends Error {
  override readonly name = 'ChannelError'
  readonly code: 'UNREACHABLE' | 'OVERLOADED'
  readonly peer: PartyIndex

  constructor(code: ChannelError['code'], peer: PartyIndex, options?: ErrorOptions) {
    super(`party ${peer}: ${code}`, options)
    this.code = code
    this.peer = peer
  }
}
