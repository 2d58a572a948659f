import {
  type Batch,
  CorrelationPool,
  type Taken,
} from '../../../../enclave-runtime/guest/correlations/correlation-pool.ts'

/** Numbers below `below`, the same for the same seed. */
export function dice(seed: number): (below: number) => number {
  let state = seed >>> 0 || 1
  return (below) => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return (state >>> 0) % below
  }
}

export type MakePool = (side: 0 | 1, wipe: (serial: number) => void) => CorrelationPool<number>

export interface Rules {
  readonly seed: number
  /** Correlations that are to be taken by lo. */
  readonly takes: number
  readonly makePool?: MakePool
  /** What a pool does with a correlation whose session aborted; ours do nothing. */
  readonly onAbort?: (pool: CorrelationPool<number>, taken: Taken<number>) => void
}

export interface Outcome {
  readonly taken: number
  readonly used: number
  readonly unknown: number
  readonly restarts: number
  readonly aborted: number
}

/** A correlation served two sessions, or two sides understood different ones. */
export class Reused extends Error {
  override readonly name = 'Reused'
}

const BATCH = 16
const LOW = 16
const MOST = 64
const LO = 0
const HI = 1

type Message =
  | { readonly kind: 'open'; readonly session: number }
  | { readonly kind: 'name'; readonly session: number; readonly id: Uint8Array }
  | { readonly kind: 'unknown'; readonly batches: readonly number[] }
  | { readonly kind: 'finished'; readonly batchNo: number }

/** On its way between two starts of the two guests; another start of either has other keys and never reads it. */
interface Carried {
  readonly to: 0 | 1
  readonly boots: readonly [number, number]
  readonly message: Message
}

interface Side {
  pool: CorrelationPool<number>
  boot: number
  /** The peer's start that this side has heard of. */
  peerBoot: number
  /** Sessions that run here, with what they hold. */
  sessions: Map<number, Taken<number> | undefined>
  /** Names that came before their opening. */
  early: Map<number, Uint8Array>
  /** Batches that wait for C5, while their run goes on. */
  runs: Map<number, Batch<number>>
}

/**
 * Two guests of a pair and what hosts and peers do to them: letters lost, doubled, reordered, sessions of two
 * leaders at once, sessions that abort anywhere, production that ends in the middle, restarts of either side
 * at any moment, and a lo that names twice. Throws `Reused` at the first correlation that serves two sessions.
 */
export class PairSimulation {
  readonly #rules: Rules
  readonly #roll: (below: number) => number
  readonly #sides: [Side, Side]
  /** By serial number of the correlation: the session that used it, at lo and at hi. */
  readonly #uses: readonly [Int32Array, Int32Array]
  #letters: Carried[] = []
  #serial = 0
  #batchNo = 0
  #session = 0
  #boots = 0
  #counts = { taken: 0, used: 0, unknown: 0, restarts: 0, aborted: 0 }

  constructor(rules: Rules) {
    this.#rules = rules
    this.#roll = dice(rules.seed)
    const room = 4 * rules.takes + 100_000
    this.#uses = [new Int32Array(room), new Int32Array(room)]
    this.#sides = [this.#boot(LO), this.#boot(HI)]
    this.#meet()
  }

  run(): Outcome {
    while (this.#counts.taken < this.#rules.takes) this.#step()
    this.#settle()
    return this.#counts
  }

  #step(): void {
    const roll = this.#roll(10_000)
    if (roll < 2_000) this.#lead(this.#roll(2) === 0 ? LO : HI)
    else if (roll < 8_800) this.#deliver()
    else if (roll < 9_300) this.#abortSome(this.#roll(2) === 0 ? LO : HI)
    else if (roll < 9_990) this.#produce()
    else if (roll < 9_996) this.#expireRuns()
    else if (roll < 9_998) this.#restart(this.#roll(2) === 0 ? LO : HI)
    else this.#nameAgain()
  }

  #boot(side: 0 | 1): Side {
    const wipe = () => undefined
    const pool = this.#rules.makePool?.(side, wipe) ?? new CorrelationPool<number>(MOST, wipe)
    const boot = ++this.#boots
    const nothing = { sessions: new Map(), early: new Map(), runs: new Map() }
    return { pool, boot, peerBoot: 0, ...nothing }
  }

  #meet(): void {
    for (const side of [LO, HI] as const) this.#hear(side, this.#sides[1 - side]?.boot ?? 0)
  }

  /** The first letter of a start tells of it: with the peer's memory, this side's half is worth nothing. */
  #hear(side: 0 | 1, boot: number): void {
    const here = this.#sides[side]
    if (here.peerBoot === boot) return
    here.peerBoot = boot
    here.pool.clear()
    for (const session of [...here.sessions.keys()]) this.#end(side, session)
    here.early.clear()
    here.runs.clear()
  }

  #send(to: 0 | 1, message: Message): void {
    this.#letters.push({ to, boots: [this.#sides[LO].boot, this.#sides[HI].boot], message })
  }

  #deliver(): void {
    if (this.#letters.length === 0) return
    const at = this.#roll(Math.min(this.#letters.length, 8)) // not in order
    const fate = this.#roll(100)
    const letter = this.#letters[at]
    if (letter === undefined) return
    if (fate >= 5) this.#letters.splice(at, 1) // the others come again
    if (fate >= 8) this.#take(letter) // a few are lost
    if (fate < 5) this.#take(letter)
  }

  #take({ to, boots, message }: Carried): void {
    const [lo, hi] = this.#sides
    if (lo.boot !== boots[LO] || hi.boot !== boots[HI]) return
    this.#hear(to, boots[1 - to] ?? 0)
    if (message.kind === 'open') this.#opened(to, message.session)
    else if (message.kind === 'name') this.#named(message.session, message.id)
    else if (message.kind === 'finished') this.#finished(message.batchNo)
    else lo.pool.keepOnly({ bootId: bootIdOf(boots[HI]), batches: message.batches })
  }

  /** Either side leads; often both at once, for sessions run on while others begin. */
  #lead(side: 0 | 1): void {
    const session = ++this.#session
    this.#send(side === LO ? HI : LO, { kind: 'open', session })
    this.#join(side, session)
  }

  #opened(side: 0 | 1, session: number): void {
    const here = this.#sides[side]
    if (here.sessions.has(session)) return
    const early = here.early.get(session)
    here.early.delete(session)
    if (this.#roll(20) === 0) {
      if (early !== undefined) here.pool.spend(early) // refused: what it named is spent
      return
    }
    this.#join(side, session)
    if (early !== undefined) this.#named(session, early)
  }

  #join(side: 0 | 1, session: number): void {
    const here = this.#sides[side]
    here.sessions.set(session, undefined)
    if (side === HI) return
    const taken = here.pool.take()
    if (taken === undefined) {
      here.sessions.delete(session)
      return
    }
    this.#counts.taken += 1
    this.#use(LO, taken.secret, session)
    here.sessions.set(session, taken)
    this.#send(HI, { kind: 'name', session, id: taken.id })
  }

  #named(session: number, id: Uint8Array): void {
    const hi = this.#sides[HI]
    if (!hi.sessions.has(session)) {
      // Kept until its opening comes; of a session that is over, or beyond the room, it is spent.
      if (this.#roll(2) === 0 && hi.early.size < 32) hi.early.set(session, id)
      else hi.pool.spend(id)
      return
    }
    if (hi.sessions.get(session) !== undefined) return // a second copy
    const taken = hi.pool.takeNamed(id)
    if (taken === undefined) {
      this.#counts.unknown += 1
      this.#send(LO, { kind: 'unknown', batches: hi.pool.batches })
      hi.sessions.delete(session)
      return
    }
    this.#use(HI, taken.secret, session)
    hi.sessions.set(session, taken)
    this.#counts.used += 1
    if (hi.sessions.size > 32) this.#finish(session)
  }

  #finish(session: number): void {
    for (const side of this.#sides) side.sessions.delete(session)
  }

  #abortSome(side: 0 | 1): void {
    const [session] = this.#sides[side].sessions.keys()
    if (session !== undefined) this.#end(side, session)
  }

  #end(side: 0 | 1, session: number): void {
    const here = this.#sides[side]
    const taken = here.sessions.get(session)
    here.sessions.delete(session)
    this.#counts.aborted += 1
    if (taken !== undefined) this.#rules.onAbort?.(here.pool, taken)
  }

  #produce(): void {
    const [lo, hi] = this.#sides
    if (lo.pool.ready >= LOW || lo.peerBoot !== hi.boot || hi.peerBoot !== lo.boot) return
    const batchNo = ++this.#batchNo
    const items = Array.from({ length: BATCH }, () => {
      const serial = ++this.#serial
      return { id: idOf(serial), secret: serial }
    })
    const made = (bootId: Uint8Array): Batch<number> => ({ bootId, batchNo, items })
    const theirs = made(bootIdOf(lo.boot))
    const { runs } = hi
    runs.set(batchNo, theirs)
    hi.pool.await(theirs, () => runs.delete(batchNo))
    if (this.#roll(10) === 0) return // C4 is lost: lo has nothing
    lo.pool.add(made(bootIdOf(hi.boot)))
    this.#send(HI, { kind: 'finished', batchNo })
  }

  /** C5. A batch that a name claimed before is in the pool already. */
  #finished(batchNo: number): void {
    const { runs, pool } = this.#sides[HI]
    const batch = runs.get(batchNo)
    pool.awaitNoMore({ batchNo })
    if (batch !== undefined && runs.delete(batchNo)) pool.add(batch)
  }

  /** No C5 by the deadline: the run ends and wipes its batch. */
  #expireRuns(): void {
    const { runs, pool } = this.#sides[HI]
    for (const batchNo of runs.keys()) pool.awaitNoMore({ batchNo })
    runs.clear()
  }

  #restart(side: 0 | 1): void {
    this.#counts.restarts += 1
    this.#sides[side] = this.#boot(side)
    this.#hear(side, this.#sides[1 - side]?.boot ?? 0)
    if (this.#roll(2) === 0) this.#meet() // else the other side learns of it with the next letter
    this.#letters = this.#letters.slice(-64)
  }

  /** A lo that cheats: something it named before, in another session. hi must not use it again. */
  #nameAgain(): void {
    const session = ++this.#session
    const serial = Math.max(1, this.#serial - this.#roll(64))
    this.#sides[HI].sessions.set(session, undefined)
    if (this.#uses[LO][serial] !== 0) this.#send(HI, { kind: 'name', session, id: idOf(serial) })
  }

  #use(side: 0 | 1, serial: number, session: number): void {
    const before = this.#uses[side][serial] ?? 0
    if (before !== 0 && before !== session) throw new Reused(`${serial} by one side`)
    this.#uses[side][serial] = session
  }

  /** No more losses: whatever happened before, a few answers of hi and both hold the same. */
  #settle(): void {
    const [lo, hi] = this.#sides
    this.#letters = []
    this.#meet()
    let unknown = 0
    for (let taken = lo.pool.take(); taken !== undefined; taken = lo.pool.take()) {
      const theirs = hi.pool.takeNamed(taken.id)
      if (theirs !== undefined && theirs.secret !== taken.secret)
        throw new Reused('two sides, two correlations')
      if (theirs === undefined) {
        unknown += 1
        lo.pool.keepOnly({ bootId: bootIdOf(hi.boot), batches: hi.pool.batches })
      }
    }
    if (unknown > BATCH * MOST) throw new Reused('the two sides never agreed')
  }
}

const idOf = (serial: number): Uint8Array => {
  const id = new Uint8Array(16)
  new DataView(id.buffer).setUint32(0, serial)
  return id
}

const bootIds = new Map<number, Uint8Array>()
const bootIdOf = (boot: number): Uint8Array => {
  const known = bootIds.get(boot) ?? idOf(boot)
  bootIds.set(boot, known)
  return known
}
