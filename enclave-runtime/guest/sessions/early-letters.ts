import type { PartyIndex } from '../../../protocols/session/faults.ts'
import { MESSAGE_TYPES } from '../../../protocols/session/numbers.ts'
import type { Letter } from './post.ts'
import type { Unread } from './unread.ts'

/** A first round of every other participant of a few sessions at once, no more. */
const MAX_LETTERS_PER_PEER = 128
/** A key generation's or signature's first round is 64 to 200 bytes; P1 is 97. */
const MAX_BYTES_PER_PEER = 256 * 1024
/** An open that has not come by then will not: the opener's own attempt budget is shorter. */
const KEPT_MS = 15_000
/** Declined openings of the last seconds, oldest out: more than can come while their letters are on their way. */
const MAX_DECLINED = 4_096

interface Early {
  readonly from: PartyIndex
  readonly letter: Letter
  readonly until: number
}

/** Letters of sessions that this guest has not opened yet: a follower may hear another one before its leader. */
export class EarlyLetters {
  #letters: Early[] = []
  /** Sessions by name, until when. */
  readonly #declined = new Map<string, number>()
  readonly #unread: Unread

  constructor(unread: Unread = () => undefined) {
    this.#unread = unread
  }

  /** Keeps a letter; false when nobody will read it, or the peer's share of the room is full. */
  put(from: PartyIndex, letter: Letter, now: number): boolean {
    this.#remove(({ until }) => until <= now)
    if ((this.#declined.get(hex(letter.session)) ?? 0) > now) return false
    const theirs = this.#letters.filter((early) => early.from === from)
    const bytes = theirs.reduce((sum, early) => sum + early.letter.body.length, 0)
    if (theirs.length >= MAX_LETTERS_PER_PEER) return false
    if (bytes + letter.body.length > MAX_BYTES_PER_PEER) return false
    this.#letters.push({ from, letter, until: now + KEPT_MS })
    return true
  }

  /** Takes out what waited for this session, in order of arrival. */
  claim(instanceId: Uint8Array, now: number): Pick<Early, 'from' | 'letter'>[] {
    const id = hex(instanceId)
    this.#declined.delete(id)
    this.#remove(({ until }) => until <= now)
    const claimed = this.#letters.filter(({ letter }) => hex(letter.session) === id)
    this.#letters = this.#letters.filter(({ letter }) => hex(letter.session) !== id)
    return claimed
  }

  /**
   * The opening of this session was declined. Its participants have sent their first rounds, and will say that it
   * ended: kept, they would take the room of sessions that begin. An opening that is good claims it all the same.
   */
  decline(instanceId: Uint8Array, now: number): void {
    const id = hex(instanceId)
    this.#declined.delete(id) // to the end: the order of the map is that of time
    this.#declined.set(id, now + KEPT_MS)
    for (const [oldest, until] of this.#declined) {
      if (until > now && this.#declined.size <= MAX_DECLINED) break
      this.#declined.delete(oldest)
    }
    this.#remove(({ letter }) => hex(letter.session) === id)
  }

  /** A restarted peer's letters belong to nothing. */
  drop(peer: PartyIndex): void {
    this.#remove(({ from }) => from === peer)
  }

  /** What nobody will read is wiped: a second round may hold a share. */
  #remove(isGone: (early: Early) => boolean): void {
    for (const early of this.#letters.filter(isGone)) {
      const { from, letter } = early
      if (letter.type === MESSAGE_TYPES.round) this.#unread(from, letter.round, letter.body)
      letter.body.fill(0)
    }
    this.#letters = this.#letters.filter((early) => !isGone(early))
  }

  get size(): number {
    return this.#letters.length
  }
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')
