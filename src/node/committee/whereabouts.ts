import type { PeerName } from '../channels/links.ts'
import { nodeRecordKey } from '../discovery/node-records.ts'
import type { Roster } from './roster.ts'

const MAX_HINTS = 256 // of guests that nobody vouches for

/** Where a guest's own record says that it lives: of a record at hand, and after a question to the directory. */
export interface NodeRecords {
  at(key: string): PeerName | undefined
  ask(key: string, signal: AbortSignal): Promise<PeerName | undefined>
}

/** Behind which peer a guest lives: as the own guest says, or its own record, or who spoke in its name. */
export class Whereabouts {
  readonly #roster: Roster
  readonly #records: NodeRecords
  readonly #hints = new Map<string, PeerName>()

  constructor(roster: Roster, records: NodeRecords) {
    this.#roster = roster
    this.#records = records
  }

  /** Nothing proves it: a liar keeps letters, none of which is secret, from a guest that nobody knows yet. */
  hint(guestSig: Uint8Array, peer: PeerName): void {
    if (this.#roster.ofGuest(guestSig) !== undefined) return
    const key = nodeRecordKey(guestSig)
    this.#hints.delete(key)
    this.#hints.set(key, peer)
    if (this.#hints.size > MAX_HINTS) this.#hints.delete(this.#hints.keys().next().value ?? '')
  }

  async find(guestSig: Uint8Array, signal: AbortSignal): Promise<PeerName | undefined> {
    const key = nodeRecordKey(guestSig)
    const near =
      this.#roster.ofGuest(guestSig)?.peerId ?? this.#records.at(key) ?? this.#hints.get(key)
    return near ?? this.#records.ask(key, signal)
  }
}
