import { objectTags } from '../../../protocols/crypto/tags.ts'
import { objectHash } from '../../../protocols/crypto/transcript.ts'
import { encodeCanonical } from '../../../protocols/session/canonical-cbor.ts'
import type { PartyIndex } from '../../../protocols/session/faults.ts'
import { type Guest, guestAt } from '../../../protocols/session/guest.ts'
import { BoundedMap } from '../bounded-map.ts'
import type { Session } from './session.ts'

/** Requests whose attempts are remembered: more than a guest works on before they expire. */
const MAX_REQUESTS = 16_384
/** Who held a place in vain leaves it to others for as long again, at most so long. */
const MAX_REST_MS = 10_000

/** From a presignature to correlations, and from those to a full signature. */
const FORMS_BELOW = 2

type Running = Pick<Session, 'end' | 'fault' | 'round'>

interface Live {
  readonly attempt: number
  readonly leader: PartyIndex
  readonly since: number
  readonly led: Led
  session: Running | undefined
}

/** What one leader did with one request, here. */
interface Led {
  /** The last attempt that came to a session; it and all before it are over. */
  highest: number
  lapses: number
  /** Sessions that ended because a peer did not know what was prepared: the next form follows at once. */
  unknown: number
  /** Ended another leader's session once. */
  preempted: boolean
  restUntil: number
}

const NOT_YET_LED: Readonly<Led> = {
  highest: -1,
  lapses: 0,
  unknown: 0,
  preempted: false,
  restUntil: 0,
}

export interface LiveAttemptsInit {
  readonly guests: readonly Guest[]
  readonly me: PartyIndex
  readonly monotonicMs: () => number
}

/**
 * One live attempt per request in this guest (03 §9.1): the lower attempt wins, then the leader's turn and
 * score. A winner ends another's session only before its second round, and once per request; an attempt
 * that was tried is never tried again; and who held the place in vain, by silence or repeatedly, leaves it
 * to others for a while. So no leader, whatever it claims, keeps the others from a request.
 */
export class LiveAttempts {
  readonly #init: LiveAttemptsInit
  readonly #live = new Map<string, Live>()
  readonly #led = new BoundedMap<Map<PartyIndex, Led>>(MAX_REQUESTS)

  constructor(init: LiveAttemptsInit) {
    this.#init = init
  }

  /** The number with which this guest leads: `attempt`, or the next one that it did not try yet. */
  ownAttempt(reqId: Uint8Array, attempt: number): number {
    const led = this.#led.get(reqId)?.get(this.#init.me)
    return Math.max(attempt, (led?.highest ?? -1) + 1)
  }

  /**
   * Takes the request's one place, ending a lesser attempt that holds it; undefined when the holder is
   * not lesser, or this leader had its turn. The place is held until `release`.
   */
  claim(reqId: Uint8Array, attempt: number, leader: PartyIndex): Claim | undefined {
    const key = hex(reqId)
    const since = this.#init.monotonicMs()
    const led = this.#ledBy(reqId, leader)
    if (attempt <= led.highest) return undefined
    if (leader !== this.#init.me && since < led.restUntil) return undefined
    const holder = this.#live.get(key)
    if (holder?.session?.fault !== undefined) {
      // Over, and about to be released: nobody waits for that.
      this.#lapse(holder)
    } else if (holder !== undefined) {
      const open = holder.session === undefined || !isPastFirstRound(holder.session)
      if (led.preempted || !open || !this.#beats(reqId, { attempt, leader }, holder))
        return undefined
      led.preempted = true
      holder.session?.end({ kind: 'cancelled', round: 'session/open' })
    }
    const live: Live = { attempt, leader, since, led, session: undefined }
    this.#live.set(key, live)
    return {
      run: (session) => {
        led.highest = Math.max(led.highest, attempt)
        live.session = session
        if (this.#live.get(key) !== live) session.end({ kind: 'cancelled', round: 'session/open' })
      },
      release: () => {
        if (this.#live.get(key) !== live) return
        this.#live.delete(key)
        this.#lapse(live)
      },
    }
  }

  has(reqId: Uint8Array): boolean {
    return this.#live.has(hex(reqId))
  }

  #lapse({ led, leader, since, session }: Live): void {
    const fault = session?.fault
    if (fault === undefined) return // it gave a result, or never was a session
    const unknown = fault.kind === 'presig-unknown' || fault.kind === 'corr-unknown'
    if (unknown && led.unknown++ < FORMS_BELOW) return
    led.lapses += 1
    const silent = fault.kind === 'timeout' && fault.missing.includes(leader)
    if (!silent && led.lapses < 2) return
    const now = this.#init.monotonicMs()
    led.restUntil = now + Math.min(now - since, MAX_REST_MS)
  }

  #ledBy(reqId: Uint8Array, leader: PartyIndex): Led {
    const known = this.#led.get(reqId) ?? new Map<PartyIndex, Led>()
    const led = known.get(leader) ?? { ...NOT_YET_LED }
    this.#led.set(reqId, known.set(leader, led))
    return led
  }

  #beats(reqId: Uint8Array, a: Standing, b: Standing): boolean {
    if (a.leader === b.leader) return false
    if (a.attempt !== b.attempt) return a.attempt < b.attempt
    const order = leaderOrder(reqId, this.#init.guests)
    if (a.attempt > 0) {
      const turn = order[(a.attempt - 1) % order.length]
      if (turn === a.leader || turn === b.leader) return turn === a.leader
    }
    return order.indexOf(a.leader) < order.indexOf(b.leader)
  }
}

type Standing = Pick<Live, 'attempt' | 'leader'>

export interface Claim {
  /** The session that the claim is for; ended at once when a better attempt came meanwhile. */
  run(session: Running): void
  release(): void
}

/**
 * A session is in `session/open` until its first round, which has the number 1 in its name; a signature from a
 * presignature has one round.
 */
const isPastFirstRound = ({ round }: Running): boolean =>
  round !== 'session/open' && round !== 'sign/online' && !round.includes('/1-')

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
