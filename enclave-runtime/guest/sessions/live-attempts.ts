import { objectTags } from '../../../protocols/crypto/tags.ts'
import { objectHash } from '../../../protocols/crypto/transcript.ts'
import { encodeCanonical } from '../../../protocols/session/canonical-cbor.ts'
import type { PartyIndex } from '../../../protocols/session/faults.ts'
import { type Guest, guestAt } from '../../../protocols/session/guest.ts'
import type { Session } from './session.ts'

interface Live {
  readonly attempt: number
  readonly leader: PartyIndex
  session: Session | undefined
}

/** One live attempt per request in this guest (03 §9.1): the lower attempt wins, then the leader's turn and score. */
export class LiveAttempts {
  readonly #guests: readonly Guest[]
  readonly #live = new Map<string, Live>()

  constructor(guests: readonly Guest[]) {
    this.#guests = guests
  }

  /**
   * Takes the request's one place, ending a lesser attempt that holds it; undefined when the holder is
   * not lesser. The place is held until `release`.
   */
  claim(reqId: Uint8Array, attempt: number, leader: PartyIndex): Claim | undefined {
    const key = hex(reqId)
    const holder = this.#live.get(key)
    if (holder !== undefined) {
      if (!this.#beats(reqId, { attempt, leader }, holder)) return undefined
      holder.session?.end({ kind: 'cancelled', round: 'session/open' })
    }
    const live: Live = { attempt, leader, session: undefined }
    this.#live.set(key, live)
    return {
      run: (session) => {
        live.session = session
        if (this.#live.get(key) !== live) session.end({ kind: 'cancelled', round: 'session/open' })
      },
      release: () => {
        if (this.#live.get(key) === live) this.#live.delete(key)
      },
    }
  }

  has(reqId: Uint8Array): boolean {
    return this.#live.has(hex(reqId))
  }

  #beats(reqId: Uint8Array, a: Omit<Live, 'session'>, b: Omit<Live, 'session'>): boolean {
    if (a.attempt !== b.attempt) return a.attempt < b.attempt
    if (a.leader === b.leader) return false
    const order = leaderOrder(reqId, this.#guests)
    if (a.attempt > 0) {
      const turn = order[(a.attempt - 1) % order.length]
      if (turn === a.leader || turn === b.leader) return turn === a.leader
    }
    return order.indexOf(a.leader) < order.indexOf(b.leader)
  }
}

export interface Claim {
  /** The session that the claim is for; ended at once when a better attempt came meanwhile. */
  run(session: Session): void
  release(): void
}

/** Members by H(lead; [reqId, guestSig]), ascending: the a-th leads attempt a ≥ 1 (03 §9.1). */
export function leaderOrder(reqId: Uint8Array, guests: readonly Guest[]): PartyIndex[] {
  const scores = new Map(
    guests.map(({ index, id }) => [
      index,
      Buffer.from(objectHash(objectTags.lead, encodeCanonical([reqId, id]))),
    ]),
  )
  const scoreOf = (party: PartyIndex) => scores.get(party) ?? Buffer.from(guestAt(guests, party).id)
  return [...scores.keys()].sort((a, b) => Buffer.compare(scoreOf(a), scoreOf(b)))
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')
