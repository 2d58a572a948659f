import type { PartyIndex } from '../../../protocols/session/faults.ts'
import type { Clock } from '../sessions/clock.ts'
import type { Join } from './chunk-letters.ts'

/** Who waits for a sub-attempt of one chunk, as far as it said so lately; one word of each member. */
export class Joins {
  readonly #clock: Pick<Clock, 'monotonicMs'>
  readonly #keptMs: number
  readonly #joins = new Map<PartyIndex, { readonly join: Join; readonly at: number }>()

  constructor(clock: Pick<Clock, 'monotonicMs'>, keptMs: number) {
    this.#clock = clock
    this.#keptMs = keptMs
  }

  put(from: PartyIndex, join: Join): void {
    this.#joins.set(from, { join, at: this.#clock.monotonicMs() })
  }

  /** Of this sub-attempt, rising by index. */
  at(a: number): (readonly [PartyIndex, Join])[] {
    const since = this.#clock.monotonicMs() - this.#keptMs
    return [...this.#joins]
      .filter(([, { join, at }]) => join.a === a && at >= since)
      .map(([index, { join }]) => [index, join] as const)
      .sort(([x], [y]) => x - y)
  }

  /** Whom most of them blame, these words counted as well; the lowest of several; 0: nobody. */
  suspect(a: number, own: readonly PartyIndex[]): PartyIndex {
    const votes = new Map<PartyIndex, number>()
    for (const suspect of [...own, ...this.at(a).map(([, join]) => join.suspect)])
      if (suspect !== 0) votes.set(suspect, (votes.get(suspect) ?? 0) + 1)
    const [most] = [...votes].sort(([x, m], [y, n]) => n - m || x - y)
    return most?.[0] ?? 0
  }

  /** The longest list of failed dealers that somebody knows of and that continues `known`: no longer than the sub-attempts before. */
  longest(
    a: number,
    known: readonly PartyIndex[],
    isAllowed: (failed: readonly PartyIndex[]) => boolean,
  ): readonly PartyIndex[] {
    let failed = known
    for (const [, join] of this.at(a)) {
      const continues = known.every((index, at) => join.failed[at] === index)
      const isLonger = join.failed.length > failed.length && join.failed.length <= a
      if (continues && isLonger && isAllowed(join.failed)) failed = join.failed
    }
    return failed
  }
}
