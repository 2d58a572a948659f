import type { PartyIndex } from '../../../protocols/session/faults.ts'

/** A pair of this guest that an attempt at an epoch needs did not come about (03 §4.1 S4). */
export class SetupFailed extends Error {
  override readonly name = 'SetupFailed'
  readonly peer: PartyIndex

  constructor(peer: PartyIndex) {
    super(`no pair setup with party ${peer}`)
    this.peer = peer
  }
}
