import { blamed, type Fault, type PartyIndex } from '../../../protocols/session/faults.ts'
import { TokenBucket } from '../background/token-bucket.ts'

/** 02 §4.4: aborted names a minute, of each party. */
const NAMES_PER_MINUTE = 64
const MINUTE_MS = 60_000

/**
 * How many correlations each party may cost by aborting (02 §4.4). Charged are the signer that was late or
 * wrong and the leader, never the pair: a pair's other side did nothing. Whoever has none left takes part in
 * sessions of form (a) alone, until a minute has passed.
 */
export class NameCredit {
  readonly #monotonicMs: () => number
  readonly #buckets = new Map<PartyIndex, TokenBucket>()
  #aborted = 0

  constructor(monotonicMs: () => number) {
    this.#monotonicMs = monotonicMs
  }

  /** Names that served nobody, since the start. */
  get aborted(): number {
    return this.#aborted
  }

  allows(party: PartyIndex): boolean {
    const now = this.#monotonicMs()
    return this.#of(party, now).wait(now) === 0
  }

  /** A session that named `names` correlations here ended without a result. */
  charge(names: number, leader: PartyIndex, fault: Fault | undefined): void {
    this.#aborted += names
    const now = this.#monotonicMs()
    for (const party of new Set([leader, ...culprits(fault)])) this.#of(party, now).take(names, now)
  }

  #of(party: PartyIndex, now: number): TokenBucket {
    const known = this.#buckets.get(party)
    if (known !== undefined) return known
    const bucket = new TokenBucket(NAMES_PER_MINUTE / MINUTE_MS, NAMES_PER_MINUTE, now)
    this.#buckets.set(party, bucket)
    return bucket
  }
}

function culprits(fault: Fault | undefined): readonly PartyIndex[] {
  if (fault === undefined) return []
  if (fault.kind === 'timeout') return fault.missing
  const party = blamed(fault)
  return party === undefined ? [] : [party]
}
