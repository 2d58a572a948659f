import type { PartyIndex } from '../../protocols/session/faults.ts'
import type { Blame } from './blame.ts'
import type {
  Clock,
  Committee,
  CommitteeMember,
  CoordinatorGuest,
  LinkStates,
} from './collaborators.ts'
import { orAborted } from './deadline.ts'

const STATUS_FRESH_MS = 250 // of the guest's pairs and bans: one question for a burst of requests
const STATUS_USABLE_MS = 5_000 // so long it serves
const STATUS_TIMEOUT_MS = 2_000 // a guest that cannot say this in time cannot lead either
const UNKNOWN_RTT_MS = 1_000 // a link without a pong yet is the last choice, not the first

export interface StandingDependencies {
  readonly committee: Committee
  readonly guest: CoordinatorGuest
  readonly links: LinkStates
  readonly clock: Clock
  readonly blame: Blame
}

/** Who can be asked now, as far as this node knows. */
export class Standing {
  readonly #deps: StandingDependencies
  #pairs = new Map<PartyIndex, string>()
  #bans = new Set<string>()
  #readAt = Number.NEGATIVE_INFINITY
  #reading: Promise<void> | undefined
  #staled = 0

  constructor(deps: StandingDependencies) {
    this.#deps = deps
  }

  get me(): PartyIndex {
    return this.#deps.committee.me
  }

  get members(): readonly CommitteeMember[] {
    return this.#deps.committee.members
  }

  get threshold(): number {
    return this.#deps.committee.threshold
  }

  /**
   * Pairs and bans as the own guest has them, asked once for all meanwhile. What is a few seconds old serves, and
   * `renew` asks for it anew: the guest itself looks again at what is begun. Throws when the guest does not answer
   * where it is waited for.
   */
  async refresh(signal: AbortSignal): Promise<void> {
    if (this.#ageMs >= STATUS_USABLE_MS) await orAborted(this.#asked(), signal)
  }

  /** Asks anew what is no longer fresh, for the requests that come next: behind an attempt, which it would hold up. */
  renew(): void {
    if (this.#ageMs >= STATUS_FRESH_MS) void this.#asked()
  }

  /** The next `refresh` asks again: an attempt has just failed, and may have changed pairs or bans. */
  stale(): void {
    this.#readAt = Number.NEGATIVE_INFINITY
    this.#reading = undefined
    this.#staled += 1
  }

  get #ageMs(): number {
    return this.#deps.clock.monotonic() - this.#readAt
  }

  #asked(): Promise<void> {
    if (this.#reading !== undefined) return this.#reading
    const reading = this.#read().finally(() => {
      if (this.#reading === reading) this.#reading = undefined
    })
    reading.catch(() => undefined) // told to who waits for it; the next one asks again
    this.#reading = reading
    return reading
  }

  async #read(): Promise<void> {
    const { clock, guest } = this.#deps
    const asked = this.#staled
    const { pairs, bans } = await guest.status(AbortSignal.timeout(STATUS_TIMEOUT_MS))
    if (asked === this.#staled) this.#readAt = clock.monotonic()
    this.#pairs = new Map(pairs.map(({ party, state }) => [party, state]))
    this.#bans = new Set(bans.map(([a, b]) => pairName(a, b)))
  }

  /**
   * Members that could sign with this node, ascending, itself included: linked, set up, and with nothing against them.
   * Undefined where they are too few, or what is known of pairs is too old.
   */
  able(): PartyIndex[] | undefined {
    if (this.#ageMs >= STATUS_USABLE_MS) return undefined
    const suspects = this.suspects()
    const able = this.members
      .map(({ index }) => index)
      .filter(
        (party) =>
          this.reachable(party) &&
          this.paired(party) &&
          !this.avoided(party) &&
          !suspects.includes(party),
      )
    const isEnough = able.length >= this.threshold && able.includes(this.me)
    return isEnough ? able.sort((a, b) => a - b) : undefined
  }

  member(party: PartyIndex): CommitteeMember | undefined {
    return this.members.find(({ index }) => index === party)
  }

  /** Linked and not suspect; this node itself always. */
  reachable(party: PartyIndex): boolean {
    if (party === this.me) return true
    const member = this.member(party)
    if (member === undefined) return false
    const { up, suspect } = this.#deps.links.state(member.peerId)
    return up && !suspect
  }

  /** Whether the own guest has a pair setup with `party`, so that they can sign together. */
  paired(party: PartyIndex): boolean {
    return party === this.me || this.#pairs.get(party) === 'ready'
  }

  avoided(party: PartyIndex): boolean {
    return this.#deps.blame.avoided(party, this.#deps.clock.monotonic())
  }

  /** In every failing subset of the last hour, this node itself aside: it is in all of its own. */
  suspects(): PartyIndex[] {
    const { blame, clock } = this.#deps
    return blame.suspects(clock.monotonic()).filter((party) => party !== this.me)
  }

  /** Failed sessions since its last success. */
  doubts(party: PartyIndex): number {
    return this.#deps.blame.doubts(party, this.#deps.clock.monotonic())
  }

  banned(a: PartyIndex, b: PartyIndex): boolean {
    return this.#bans.has(pairName(a, b))
  }

  /** Milliseconds there and back; a guess where nothing was measured. */
  rttMs(party: PartyIndex): number {
    return party === this.me ? 0 : (this.#measuredMs(party) ?? UNKNOWN_RTT_MS)
  }

  /** The longest way to any of them that can be reached, for budgets: a guess would only make failures long. */
  slowestMs(parties: readonly PartyIndex[]): number {
    const others = parties.filter((party) => party !== this.me && this.reachable(party))
    return Math.max(0, ...others.map((party) => this.#measuredMs(party) ?? 0))
  }

  #measuredMs(party: PartyIndex): number | undefined {
    const member = this.member(party)
    return member === undefined ? undefined : this.#deps.links.state(member.peerId).rttMs
  }

  peers(parties: readonly PartyIndex[]): string[] {
    return parties.flatMap((party) => this.member(party)?.peerId ?? [])
  }
}

const pairName = (a: PartyIndex, b: PartyIndex): string => `${Math.min(a, b)}-${Math.max(a, b)}`
