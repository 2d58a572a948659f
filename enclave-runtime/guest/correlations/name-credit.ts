import { blamed, type Fault, type PartyIndex } from '../../../protocols/session/faults.ts'
import { TokenBucket } from '../background/token-bucket.ts'
import type { Ended } from '../signing/correlations-for-signing.ts'

/** 02 §4.4: aborted names a minute, of each party. */
const NAMES_PER_MINUTE = 64
const MINUTE_MS = 60_000
/** What another party said is no finding: both the one who said it and the one whom it named pay a part. */
const TOLD = 1 / 2
/** The leader chose these signers, and did nothing else: it takes four that abort to use up its credit. */
const CHOSE = 1 / 4

/**
 * How many correlations each party may cost by aborting (02 §4.4). Charged are the signer that was late or
 * wrong or ended the session, and the leader: in part where somebody else is charged, else in full. Never the
 * pair: a pair's other side did nothing. Whoever has none left takes part in sessions of form (a) alone,
 * until a minute has passed.
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

  /** What named `names` correlations here ended without a result. */
  charge(names: number, ended: Ended): void {
    this.#aborted += names
    const now = this.#monotonicMs()
    for (const [party, part] of partsOf(ended)) this.#of(party, now).take(part * names, now)
  }

  #of(party: PartyIndex, now: number): TokenBucket {
    const known = this.#buckets.get(party)
    if (known !== undefined) return known
    const bucket = new TokenBucket(NAMES_PER_MINUTE / MINUTE_MS, NAMES_PER_MINUTE, now)
    this.#buckets.set(party, bucket)
    return bucket
  }
}

/** Who pays which part. */
function partsOf({ leader, fault, session }: Ended): ReadonlyMap<PartyIndex, number> {
  const told = session?.endedBy !== undefined && fault === session.fault
  const parts = told ? toldBy(session, leader) : found(fault)
  const others = [...parts.keys()].some((party) => party !== leader)
  if (!parts.has(leader)) parts.set(leader, others ? CHOSE : 1)
  return parts
}

const found = (fault: Fault | undefined): Map<PartyIndex, number> =>
  new Map(culprits(fault).map((party) => [party, 1]))

/** A leader passes on what ended its session first, so its word alone is no reason to charge it in full. */
function toldBy(
  { me, endedBy, waitsFor }: NonNullable<Ended['session']>,
  leader: PartyIndex,
): Map<PartyIndex, number> {
  const parts = new Map<PartyIndex, number>()
  if (endedBy === undefined) return parts
  const named = waitsFor !== undefined && waitsFor !== me
  parts.set(endedBy, named || endedBy === leader ? TOLD : 1)
  if (named) parts.set(waitsFor, TOLD)
  return parts
}

function culprits(fault: Fault | undefined): readonly PartyIndex[] {
  if (fault === undefined) return []
  if (fault.kind === 'timeout') return fault.missing
  const party = blamed(fault)
  return party === undefined ? [] : [party]
}
