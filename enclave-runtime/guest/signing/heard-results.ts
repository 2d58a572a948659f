import type { PartyIndex } from '../../../protocols/session/faults.ts'
import { type Announcement, announcedBytes } from './announcement.ts'

/** Of one member, the newest: minutes at the highest rate, and no member can push out what another told. */
const MAX_BYTES_PER_MEMBER: number = 4 * 1024 * 1024
/** Of one member and place: a request that comes waits while these are verified. */
const MAX_PER_PLACE = 2

/** What a member told, and when. */
export interface Heard extends Announcement {
  readonly from: PartyIndex
  /** Unix seconds. */
  readonly at: number
}

/** Results that other members told of and that nobody here asked for yet: kept as they came, believed by nobody. */
export class HeardResults {
  readonly #byPlace = new Map<string, Heard[]>()
  /** Oldest first. */
  readonly #byMember = new Map<PartyIndex, { bytes: number; readonly heard: Set<Heard> }>()

  get size(): number {
    return this.#byPlace.size
  }

  put(heard: Heard): void {
    const key = hex(heard.place)
    const there = this.#byPlace.get(key) ?? []
    const theirs = there.filter(({ from }) => from === heard.from)
    if (theirs.length >= MAX_PER_PLACE && theirs[0] !== undefined) this.#remove(theirs[0])
    this.#byPlace.set(key, [...(this.#byPlace.get(key) ?? []), heard])
    const member = this.#byMember.get(heard.from) ?? { bytes: 0, heard: new Set<Heard>() }
    this.#byMember.set(heard.from, member)
    member.heard.add(heard)
    member.bytes += announcedBytes(heard)
    for (const oldest of member.heard) {
      if (member.bytes <= MAX_BYTES_PER_MEMBER) return
      this.#remove(oldest)
    }
  }

  /** Takes out all that was told of this place. */
  take(place: Uint8Array): readonly Heard[] {
    const there = this.#byPlace.get(hex(place)) ?? []
    for (const heard of there) this.#remove(heard)
    return there
  }

  #remove(heard: Heard): void {
    const key = hex(heard.place)
    const left = (this.#byPlace.get(key) ?? []).filter((other) => other !== heard)
    if (left.length === 0) this.#byPlace.delete(key)
    else this.#byPlace.set(key, left)
    const member = this.#byMember.get(heard.from)
    if (member?.heard.delete(heard)) member.bytes -= announcedBytes(heard)
  }
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')
