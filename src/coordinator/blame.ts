import type { PartyIndex } from '../../protocols/session/faults.ts'

const FIRST_SUSPENSION_MS = 30_000 // 03 §9.1
const LONGEST_SUSPENSION_MS = 600_000 // 03 §9.1: nobody is avoided for ever because of silence
const STRIKE_WINDOW_MS = 3_600_000 // 02 §12
const STRIKES_AVOIDED = 5 // 02 §12: five an hour
const MAX_FAILING_SUBSETS = 16 // enough to single out one of 16 members; older ones say little

/**
 * What this node remembers of failed attempts, in memory only. Times are monotonic milliseconds. It
 * changes who is asked first, never who may sign: bans are the guests' alone.
 */
export class Blame {
  readonly #timeouts = new Map<PartyIndex, { times: number; until: number }>()
  readonly #strikes = new Map<PartyIndex, number[]>()
  #failing: { at: number; signers: readonly PartyIndex[] }[] = []

  /** Silence suspends for 30 s, doubled each time up to 10 min. */
  timeout(party: PartyIndex, now: number): void {
    const times = (this.#timeouts.get(party)?.times ?? 0) + 1
    const length = Math.min(FIRST_SUSPENSION_MS * 2 ** (times - 1), LONGEST_SUSPENSION_MS)
    this.#timeouts.set(party, { times, until: now + length })
  }

  /** One success forgives every timeout. */
  success(parties: readonly PartyIndex[]): void {
    for (const party of parties) this.#timeouts.delete(party)
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
