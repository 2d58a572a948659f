import type { PartyIndex } from '../../../protocols/session/faults.ts'
import type { Clock } from './clock.ts'

/** Who makes room for what: a signature that somebody waits for, or what is made ahead. */
export type ChoiceUse = 'request' | 'ahead'

/** Gives the slots back; a second call does nothing. */
export type Leave = () => void

/** A batch of correlations is 16 multiplications: what one opener may hold of what is made ahead. */
const MOST_AHEAD_PER_OPENER = 16
/** This guest itself half a batch more, so that one peer is not waited for with all others; room stays for theirs. */
const MOST_AHEAD_OWN = 24

export interface ChoiceRoomInit {
  readonly me: PartyIndex
  /** t, the largest of the epochs in use: the longest session holds t − 1. */
  readonly threshold: number
  /** What the kernel has: `CHOICE_SLOTS`. */
  readonly total: number
  readonly clock: Pick<Clock, 'after'>
}

interface Waiting {
  readonly slots: number
  readonly resolve: (leave: Leave | undefined) => void
}

/**
 * The kernel's room for multiplications that wait for their second message (02 §14), given out before a
 * session begins, so that the kernel is never full in the middle of one. A signature or presignature in full
 * takes t − 1 slots, a batch of correlations N.
 *
 * What is made ahead has half, two batches: what signs from it takes no room. A quarter, or one session, is kept
 * for signatures led here. Of the rest an opener may hold as much as stays free for the others: however many sessions it leaves open, somebody else's
 * still finds room, and one alone is not held back.
 */
export class ChoiceRoom {
  readonly #init: ChoiceRoomInit
  readonly #mostAhead: number
  readonly #held = new Map<string, number>()
  #line: Waiting[] = []

  constructor(init: ChoiceRoomInit) {
    this.#init = init
    this.#mostAhead = Math.floor(init.total / 2)
  }

  /** Slots for one session that `opener` leads; undefined when there is no room for it now. */
  take(use: ChoiceUse, opener: PartyIndex, slots: number): Leave | undefined {
    if (use === 'request' && opener === this.#init.me && this.#line.length > 0) return undefined
    return this.#fits(use, opener, slots) ? this.#give(use, opener, slots) : undefined
  }

  /** The same for a signature led here, which waits in line for `ms` at most. */
  wait(slots: number, ms: number): Promise<Leave | undefined> {
    const now = this.take('request', this.#init.me, slots)
    if (now !== undefined) return Promise.resolve(now)
    const { promise, resolve } = Promise.withResolvers<Leave | undefined>()
    const disarm = this.#init.clock.after(ms, () => {
      this.#line = this.#line.filter((other) => other !== waiting)
      resolve(undefined)
    })
    const waiting: Waiting = {
      slots,
      resolve: (leave) => {
        disarm()
        resolve(leave)
      },
    }
    this.#line.push(waiting)
    return promise
  }

  /** The largest batch that there is room for now. */
  get batch(): number {
    const { me, total } = this.#init
    const free = Math.min(this.#mostAhead - this.#sum('ahead'), total - this.#kept - this.#others)
    const mine = MOST_AHEAD_OWN - this.#of('ahead', me)
    return Math.max(0, Math.min(free, mine, MOST_AHEAD_PER_OPENER))
  }

  /** Slots that are given out. */
  get held(): number {
    return this.#sum('request') + this.#sum('ahead')
  }

  #fits(use: ChoiceUse, opener: PartyIndex, slots: number): boolean {
    const { me, total } = this.#init
    const mine = this.#of('request', me)
    if (use === 'request' && opener === me)
      return this.held + slots <= total && (mine === 0 || mine + slots <= Math.floor(total / 2))
    const free = total - this.held - Math.max(0, this.#kept - mine) - slots
    if (free < 0) return false
    const theirs = this.#of(use, opener)
    if (use === 'request') return theirs === 0 || theirs + slots <= free
    const most = Math.max(slots, opener === me ? MOST_AHEAD_OWN : MOST_AHEAD_PER_OPENER)
    return this.#sum('ahead') + slots <= this.#mostAhead && theirs + slots <= most
  }

  #give(use: ChoiceUse, opener: PartyIndex, slots: number): Leave {
    this.#add(use, opener, slots)
    let over = false
    return () => {
      if (over) return
      over = true
      this.#add(use, opener, -slots)
      this.#next()
    }
  }

  #next(): void {
    const { me } = this.#init
    for (let [first] = this.#line; first !== undefined; [first] = this.#line) {
      if (!this.#fits('request', me, first.slots)) return
      this.#line.shift()
      first.resolve(this.#give('request', me, first.slots))
    }
  }

  get #kept(): number {
    const { threshold, total } = this.#init
    return Math.max(threshold - 1, Math.floor(total / 4))
  }

  /** Everything but signatures led here. */
  get #others(): number {
    return this.held - this.#of('request', this.#init.me)
  }

  #of(use: ChoiceUse, opener: PartyIndex): number {
    return this.#held.get(`${use}/${opener}`) ?? 0
  }

  #sum(use: ChoiceUse): number {
    let sum = 0
    for (const [key, slots] of this.#held) if (key.startsWith(use)) sum += slots
    return sum
  }

  #add(use: ChoiceUse, opener: PartyIndex, slots: number): void {
    const key = `${use}/${opener}`
    const held = this.#of(use, opener) + slots
    if (held === 0) this.#held.delete(key)
    else this.#held.set(key, held)
  }
}
