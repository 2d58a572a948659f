import { ok, throws } from 'node:assert/strict'
import {
  CorrelationPool,
  type Taken,
} from '../../../../enclave-runtime/guest/correlations/correlation-pool.ts'
import { PairSimulation, Reused } from './pair-simulation.ts'

const TAKES = 1_000_000
/** A defect shows itself at once; it is given a tenth of the run. */
const BROKEN_TAKES = 100_000

/** lo looks, and forgets to remove. */
class Peeking extends CorrelationPool<number> {
  #last: Taken<number> | undefined
  #looks = 0

  override take(): Taken<number> | undefined {
    if (this.#last !== undefined && ++this.#looks % 1_000 === 0) return this.#last
    this.#last = super.take()
    return this.#last
  }
}

/** hi forgets once in a while that it gave something away. */
class Remembering extends CorrelationPool<number> {
  readonly #given = new Map<string, Taken<number>>()

  override takeNamed(id: Uint8Array): Taken<number> | undefined {
    const key = Buffer.from(id).toString('hex')
    const taken = super.takeNamed(id) ?? this.#given.get(key)
    if (taken !== undefined) this.#given.set(key, taken)
    return taken
  }
}

describe('single use of correlations', () => {
  it(`holds over ${TAKES} takes under loss, doubles, restarts, aborts and two leaders`, function () {
    this.timeout(120_000)
    const outcome = new PairSimulation({ seed: 20_261_121, takes: TAKES }).run()
    // The run was what it says: everything that may go wrong went wrong often.
    ok(outcome.used > TAKES / 2, JSON.stringify(outcome))
    for (const count of [outcome.unknown, outcome.restarts, outcome.aborted])
      ok(count > 500, JSON.stringify(outcome))
  })

  const broken: Readonly<Record<string, Partial<ConstructorParameters<typeof PairSimulation>[0]>>> =
    {
      'that only looks when it takes': { makePool: (_, wipe) => new Peeking(64, wipe) },
      'that gives a named one twice': { makePool: (_, wipe) => new Remembering(64, wipe) },
      'that takes back what a session did not finish': {
        onAbort: (pool, { id, secret }) =>
          pool.add({ bootId: id, batchNo: 0, items: [{ id, secret }] }),
      },
    }
  for (const [what, rules] of Object.entries(broken))
    it(`finds a pool ${what}`, () => {
      throws(() => new PairSimulation({ seed: 7, takes: BROKEN_TAKES, ...rules }).run(), Reused)
    })

  it('comes to the same end from several beginnings', () => {
    for (let seed = 1; seed <= 20; seed++) new PairSimulation({ seed, takes: 2_000 }).run()
  })
})
