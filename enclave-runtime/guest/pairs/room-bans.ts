import type { PartyIndex } from '../../../protocols/session/faults.ts'
import type { Committee } from '../committee.ts'
import type { Letter } from '../sessions/post.ts'
import type { IndexPair } from './ban-records.ts'
import type { PairBans } from './pair-bans.ts'

/** What bans need of the room of an epoch. */
export interface BansOfRoom {
  readonly committee: Committee
  /** Pairs whose earlier bans its record lifts (03 §1.2). */
  readonly unban: readonly IndexPair[]
  /** Tells every other guest of the epoch. */
  readonly tellAll: (letter: Letter) => void
  readonly send: (to: PartyIndex, letter: Letter) => void
  /** Ends what uses the setup with this peer and wipes it, in one turn. */
  readonly retire: (peer: PartyIndex) => void
  /** Two other guests are banned from each other. */
  readonly onOthers: (pair: IndexPair) => void
}

/** The bans that hold in one epoch. */
export class RoomBans {
  readonly #bans: PairBans
  readonly #room: BansOfRoom

  constructor(bans: PairBans, room: BansOfRoom) {
    this.#bans = bans
    this.#room = room
  }

  isBanned(a: PartyIndex, b: PartyIndex): boolean {
    return this.#bans.holds(this.#room, [a, b])
  }

  /** The first banned pair among `signers`. */
  among(signers: readonly PartyIndex[]): IndexPair | undefined {
    for (const a of signers)
      for (const b of signers) if (a < b && this.isBanned(a, b)) return [a, b]
    return undefined
  }

  get all(): readonly IndexPair[] {
    return this.#bans.all(this.#room)
  }

  /** See `PairBans.ban`. */
  ban(peer: PartyIndex): Promise<void> {
    return this.#bans.ban(this.#room, peer)
  }

  /** A peer that was away hears of the bans it missed. */
  announce(to: PartyIndex): void {
    this.#bans.announce((letter) => this.#room.send(to, letter))
  }

  /** A notice of another guest. */
  take(letter: Letter): Promise<void> {
    return this.#bans.take(this.#room, letter)
  }

  /** This epoch is over, or its attempt: nothing of it is told any more. */
  leave(): void {
    this.#bans.leave(this.#room)
  }
}
