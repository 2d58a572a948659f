import type { PartyIndex } from '../../protocols/session/faults.ts'

const FIRST_SUSPENSION_MS = 30_000 // 03 §9.1
const LONGEST_SUSPENSION_MS = 600_000 // 03 §9.1: nobody is avoided for ever because of silence
const STRIKE_WINDOW_MS = 3_600_000 // 02 §12
const STRIKES_AVOIDED = 5 // 02 §12: five an hour
const DOUBT_WINDOW_MS = 600_000 // as long as the longest suspension
const MAX_DOUBTS = 8 // of one party: more say nothing new
const UNHEARD_SUSPENDS = 2 // one report may be of the link between two others, or a lie about it
const MAX_FAILING_SUBSETS = 16 // enough to single out one of 16 members; older ones say little

/**
 * What this node remembers of failed attempts, in memory only. Times are monotonic milliseconds. It
 * changes who is asked first, never who may sign: bans are the guests' alone.
 */
export class Blame {
  readonly #timeouts = new Map<PartyIndex, { times: number; until: number }>()
  readonly #strikes = new Map<PartyIndex, number[]>()
  /** When a party was in a session that failed for a reason that nobody knows. */
  readonly #doubts = new Map<PartyIndex, number[]>()
  /** Sessions in which a party was not heard although its link is up: who else took part. */
  readonly #unheard = new Map<PartyIndex, { at: number; others: readonly PartyIndex[] }[]>()
  #failing: { at: number; signers: readonly PartyIndex[] }[] = []

  /** Silence of a party whose link is down suspends for 30 s, doubled each time up to 10 min. */
  timeout(party: PartyIndex, now: number): void {
    const times = (this.#timeouts.get(party)?.times ?? 0) + 1
    const length = Math.min(FIRST_SUSPENSION_MS * 2 ** (times - 1), LONGEST_SUSPENSION_MS)
    this.#timeouts.set(party, { times, until: now + length })
  }

  /**
   * Not heard in a session with `others`, though its link is up: so says one side. It may as well have waited
   * for one of the others that was silent to it alone. Suspends once two sessions say so that have no one
   * else in common.
   */
  unheard(party: PartyIndex, others: readonly PartyIndex[], now: number): void {
    const recent = (this.#unheard.get(party) ?? []).filter(({ at }) => now - at < DOUBT_WINDOW_MS)
    const all = [...recent, { at: now, others }].slice(-MAX_DOUBTS)
    this.#unheard.set(party, all)
    const [first] = all
    const common = first?.others.filter((other) => all.every((one) => one.others.includes(other)))
    if (all.length < UNHEARD_SUSPENDS || common?.length !== 0) return
    this.#unheard.delete(party)
    this.timeout(party, now)
  }

  /** In a session that failed without a reason that names anyone: others are preferred until it succeeds. */
  doubt(parties: readonly PartyIndex[], now: number): void {
    for (const party of parties) {
      const recent = (this.#doubts.get(party) ?? []).filter((at) => now - at < DOUBT_WINDOW_MS)
      this.#doubts.set(party, [...recent, now].slice(-MAX_DOUBTS))
    }
  }

  /** How many such sessions since its last success, of the last ten minutes. */
  doubts(party: PartyIndex, now: number): number {
    return (this.#doubts.get(party) ?? []).filter((at) => now - at < DOUBT_WINDOW_MS).length
  }

  /** One success, seen by the own guest, forgives every timeout and doubt. */
  success(parties: readonly PartyIndex[]): void {
    for (const party of parties) {
      this.#timeouts.delete(party)
      this.#doubts.delete(party)
      this.#unheard.delete(party)
    }
  }

  strike(party: PartyIndex, now: number): void {
    const recent = (this.#strikes.get(party) ?? []).filter((at) => now - at < STRIKE_WINDOW_MS)
    this.#strikes.set(party, [...recent, now].slice(-STRIKES_AVOIDED))
  }

  /** Whether others are to be preferred. */
  avoided(party: PartyIndex, now: number): boolean {
    return (this.#timeouts.get(party)?.until ?? 0) > now || this.#struck(party, now)
  }

  /** A session that ended `binding`, `sum` or `signature`: someone in it cheated, nothing shows who. */
  failing(signers: readonly PartyIndex[], now: number): void {
    this.#failing = [...this.#failing, { at: now, signers }]
      .filter(({ at }) => now - at < STRIKE_WINDOW_MS)
      .slice(-MAX_FAILING_SUBSETS)
  }

  /** The parties in every failing subset of the last hour: whom to suspect (02 §6.2). Empty below two subsets. */
  suspects(now: number): PartyIndex[] {
    const recent = this.#failing.filter(({ at }) => now - at < STRIKE_WINDOW_MS)
    const [first, ...rest] = recent
    if (first === undefined || rest.length === 0) return []
    return first.signers.filter((party) => rest.every(({ signers }) => signers.includes(party)))
  }

  suspended(now: number): PartyIndex[] {
    return [...this.#timeouts].filter(([, { until }]) => until > now).map(([party]) => party)
  }

  #struck(party: PartyIndex, now: number): boolean {
    const strikes = this.#strikes.get(party) ?? []
    return strikes.filter((at) => now - at < STRIKE_WINDOW_MS).length >= STRIKES_AVOIDED
  }
}
