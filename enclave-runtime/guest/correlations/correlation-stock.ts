import type { Correlation, CorrelationSource } from '../../../protocols/correlations/correlation.ts'
import { MAX_BATCH } from '../../../protocols/correlations/messages.ts'
import type { Handle } from '../../../protocols/kernel/kernel.ts'
import { DecodeError } from '../../../protocols/session/codec.ts'
import type { PartyIndex } from '../../../protocols/session/faults.ts'
import { ROUND_NUMBERS } from '../../../protocols/session/numbers.ts'
import { bundledIn } from '../../../protocols/session/side-by-side.ts'
import { CORRELATION_ID_BYTES, Name } from '../../../protocols/sign/messages.ts'
import type { CorrelationStatus } from '../../port/messages.ts'
import { type Committee, otherGuests } from '../committee.ts'
import { type Holdings, MAX_HELD } from '../sessions/abort-kinds.ts'
import type { Clock } from '../sessions/clock.ts'
import type { CorrelationsForSigning, Ended } from '../signing/correlations-for-signing.ts'
import { type Batch, CorrelationPool } from './correlation-pool.ts'
import { NameCredit } from './name-credit.ts'
import { SessionCorrelations } from './session-correlations.ts'

export type CorrelationSecret = Handle<'correlation'>

/** 02 §4.3. */
const MOST_PER_PAIR = 1_024
/** A pool is of batches, and one less than can be told of is held. */
const MOST_IN_BATCHES = (MAX_HELD - 1) * MAX_BATCH
/** What the kernel has slots for, but for batches on their way. */
const MOST_IN_ALL = 7_680
const NAME_ROUND = ROUND_NUMBERS['sign/1-name']
const NAMES_ROUND = ROUND_NUMBERS['presign/1-name']

export interface CorrelationStockInit {
  readonly committee: Committee
  readonly clock: Pick<Clock, 'monotonicMs'>
  readonly bootId: Uint8Array
  readonly wipe: (secret: CorrelationSecret) => void
  /** Something was taken from the pool with this peer. */
  readonly onTaken: (peer: PartyIndex) => void
}

/** The correlations that this guest holds with every other, and who may use them (02 §4.4). */
export class CorrelationStock {
  /** Correlations that are held with each peer at most: no level is above. */
  readonly most: number
  readonly #init: CorrelationStockInit
  readonly #pools: ReadonlyMap<PartyIndex, CorrelationPool<CorrelationSecret>>
  readonly #credit: NameCredit
  /** Of each peer, what running sessions have still to take. */
  readonly #promised = new Map<PartyIndex, number>()
  #made = 0
  #unknown = 0

  constructor(init: CorrelationStockInit) {
    this.#init = init
    const others = otherGuests(init.committee)
    const each = Math.floor(MOST_IN_ALL / Math.max(1, others.length))
    const most = Math.min(MOST_PER_PAIR, MOST_IN_BATCHES, each)
    this.most = most
    this.#pools = new Map(
      others.map(({ index }) => [index, new CorrelationPool<CorrelationSecret>(most, init.wipe)]),
    )
    this.#credit = new NameCredit(() => init.clock.monotonicMs())
  }

  /**
   * Whether a session of form (b) between this guest and `peers` may be begun, or joined: each pair has `count`
   * ready that no session before it will take, and neither the leader nor a signer has wasted its share.
   */
  serves(peers: readonly PartyIndex[], leader: PartyIndex, count = 1): boolean {
    if (![leader, ...peers].every((party) => this.#credit.allows(party))) return false
    return peers.every(
      (peer) => (this.#pools.get(peer)?.within ?? 0) >= (this.#promised.get(peer) ?? 0) + count,
    )
  }

  /** The same for what nobody waits for: whoever leads it, `kept` with every peer are left to requests. */
  toSpare(kept: number): CorrelationsForSigning {
    return {
      serves: (peers, leader, count = 1) =>
        this.serves(peers, leader, count) &&
        peers.every((peer) => this.level(peer) >= Math.min(kept + count, this.most)),
      forSession: (leader, peers) => this.forSession(leader, peers),
      wasted: (names, ended) => this.wasted(names, ended),
    }
  }

  /** See `CorrelationsForSigning`. */
  wasted(names: number, ended: Ended): void {
    this.#credit.charge(names, ended)
  }

  /** What one session with `peers` takes from; one of each is promised to it from now on until its end. */
  forSession(leader: PartyIndex, peers: readonly PartyIndex[]): SessionCorrelations {
    const mine = new Set(peers)
    for (const peer of mine) this.#promise(peer, 1)
    const release = (peer: PartyIndex): void => {
      if (mine.delete(peer)) this.#promise(peer, -1)
    }
    const source: CorrelationSource & { over(): void } = {
      name: (peer) => {
        release(peer)
        return this.#taken(peer, this.#pools.get(peer)?.take())
      },
      named: (peer, id, isOurs) => {
        if (isOurs) release(peer)
        return this.#named(peer, id, isOurs)
      },
      over: () => mine.forEach(release),
    }
    return new SessionCorrelations(source, (names, ended) =>
      this.#credit.charge(names, { ...ended, leader }),
    )
  }

  /** Correlations with this peer that are ready. */
  level(peer: PartyIndex): number {
    return this.#pools.get(peer)?.ready ?? 0
  }

  /** Whether a batch of so many would make it more: a full pool drops the oldest. */
  gains(peer: PartyIndex, count: number): boolean {
    return this.#poolOf(peer).gains(count)
  }

  add(peer: PartyIndex, batch: Batch<CorrelationSecret>): void {
    if (batch.items.length === 0) return // a name claimed it before
    this.#made += 1
    this.#poolOf(peer).add(batch)
  }

  /** See `CorrelationPool.await`. */
  await(peer: PartyIndex, batch: Batch<CorrelationSecret>, claim: () => boolean): void {
    this.#poolOf(peer).await(batch, () => {
      const ours = claim()
      if (ours) this.#made += 1
      return ours
    })
  }

  awaitNoMore(peer: PartyIndex, batchNo: number): void {
    this.#poolOf(peer).awaitNoMore({ batchNo })
  }

  /** A message that no conversation reads any more: what it names here is spent. */
  unread(from: PartyIndex, round: number, body: Uint8Array): void {
    const pool = this.#pools.get(from)
    if (pool === undefined) return
    const { threshold } = this.#init.committee
    const bodies = round === NAMES_ROUND ? bundledIn(body) : round === NAME_ROUND ? [body] : []
    for (const id of bodies.flatMap((each) => namesIn(each, threshold)))
      if (pool.spend(id)) this.#init.onTaken(from)
  }

  /** What lo is told when it named one that is not held here, or when this side is short for long. */
  holdings(peer: PartyIndex): Holdings | undefined {
    const batches = this.#pools.get(peer)?.batches
    return batches && { bootId: this.#init.bootId, batches }
  }

  /** hi did not know a name: what it does not hold is dropped. */
  unknown(peer: PartyIndex, holdings: Holdings): void {
    this.#unknown += 1
    this.agree(peer, holdings)
  }

  /** hi says what it holds: what lo holds beside that serves nobody. */
  agree(peer: PartyIndex, holdings: Holdings): void {
    this.#pools.get(peer)?.keepOnly(holdings)
    this.#init.onTaken(peer)
  }

  /** The setup with this peer is gone, and with it all that was made on it. */
  drop(peer: PartyIndex): void {
    this.#pools.get(peer)?.clear()
  }

  get status(): CorrelationStatus {
    return {
      pools: Array.from(this.#pools, ([party, { ready }]) => ({ party, ready })),
      batches: this.#made,
      unknown: this.#unknown,
      aborted: this.#credit.aborted,
    }
  }

  #promise(peer: PartyIndex, change: 1 | -1): void {
    this.#promised.set(peer, (this.#promised.get(peer) ?? 0) + change)
  }

  #named(peer: PartyIndex, id: Uint8Array, isOurs: boolean): Correlation | undefined {
    const taken = this.#pools.get(peer)?.takeNamed(id)
    if (taken === undefined && !isOurs) return undefined // it is another pair's
    if (taken === undefined) this.#unknown += 1
    return this.#taken(peer, taken)
  }

  #taken(peer: PartyIndex, taken: Correlation | undefined): Correlation | undefined {
    this.#init.onTaken(peer)
    return taken
  }

  #poolOf(peer: PartyIndex): CorrelationPool<CorrelationSecret> {
    const pool = this.#pools.get(peer)
    if (pool === undefined) throw new Error(`bug: party ${peer} is no other guest`)
    return pool
  }
}

/** The names in an R1 of form (b); none in bytes that are no such message. */
function namesIn(body: Uint8Array, signers: number): Uint8Array[] {
  try {
    const { correlationIds } = Name(signers).decode(body)
    return Array.from({ length: correlationIds.length / CORRELATION_ID_BYTES }, (_, k) =>
      correlationIds.slice(CORRELATION_ID_BYTES * k, CORRELATION_ID_BYTES * (k + 1)),
    )
  } catch (cause) {
    if (!(cause instanceof DecodeError)) throw cause
    return []
  }
}
