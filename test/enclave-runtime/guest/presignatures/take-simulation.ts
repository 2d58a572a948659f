import {
  type MadePresignature,
  PresignaturePool,
  type PresignaturePoolInit,
} from '../../../../enclave-runtime/guest/presignatures/presignature-pool.ts'
import type { PartyIndex } from '../../../../protocols/session/faults.ts'
import { seeded } from '../../../support/seeded.ts'
import { idOf, madeFor, numberOf, purposeFor } from './made.ts'

export type Pool = Pick<
  PresignaturePool,
  'put' | 'nameOwn' | 'name' | 'isFor' | 'take' | 'spend' | 'dropWith'
>
export type MakePool = (init: PresignaturePoolInit, me: PartyIndex) => Pool

const MEMBERS: readonly PartyIndex[] = [1, 2, 3, 4, 5]
const THRESHOLD = 3
const KEYS = 4
const IN_FLIGHT = 64

/** An opening on its way, or one that a guest looks at: it waits for authorisation and for the disk. */
interface Step {
  readonly kind: 'opening' | 'at work'
  readonly at: PartyIndex
  readonly owner: PartyIndex
  readonly key: number
  readonly signers: readonly PartyIndex[]
  readonly number: number
  readonly digest: number
  readonly refused: boolean
}

export interface Takes {
  readonly takes: number
  /** Secrets that were used again in the guest that had used them, or for a second digest. */
  readonly reuses: number
  readonly unknown: number
  readonly crashes: number
}

/**
 * Five guests with a pool each: presignatures are made, named by their owners and taken, while letters are
 * duplicated and come in any order, requests are refused, guests crash between naming and taking, pairs get new
 * setups, and every so often an owner names again what it named before, for another digest.
 */
export function simulateTakes(seed: string, takes: number, makePool: MakePool): Takes {
  const random = dice(seed)
  const world = new World(makePool)
  const flights: Step[] = []
  const named: Step[] = []
  while (world.takes < takes) {
    const roll = random(1000)
    if (roll < 150) world.make(random)
    else if (roll < 290) {
      const opened = world.open(random)
      flights.push(...opened)
      const last = opened.at(-1)
      if (last !== undefined) named[random(256)] = last
    } else if (roll < 310) {
      const again = named[random(256)] // a cheat, or a second coordinator: the same name, another request
      if (again !== undefined)
        flights.push({ ...again, kind: 'opening', digest: world.nextDigest() })
    } else if (roll < 311) world.crash(pick(MEMBERS, random))
    else if (roll < 313) world.renew(pick(MEMBERS, random), pick(MEMBERS, random))
    else if (flights.length > 0) {
      const at = random(flights.length)
      const [step] = flights.splice(at, 1)
      if (step === undefined) continue
      if (step.kind === 'opening' && random(10) === 0) flights.push(step) // a duplicate, later
      const next = world.take(step)
      if (next !== undefined) flights.push(next)
    }
    while (flights.length > IN_FLIGHT) {
      const lost = flights.shift()
      if (lost?.kind === 'at work') world.end(lost)
    }
  }
  const { reuses, unknown, crashes } = world
  return { takes: world.takes, reuses, unknown, crashes }
}

class World {
  takes = 0
  reuses = 0
  unknown = 0
  crashes = 0
  readonly #makePool: MakePool
  readonly #pools = new Map<PartyIndex, Pool>()
  readonly #setups: Uint8Array[][] = [...MEMBERS, 0].map(() => [...MEMBERS, 0].map(() => idOf(0)))
  #renewals = 0
  /** By guest and presignature: the digest for which it was used there. */
  readonly #used = new Set<string>()
  #presignatures = 0
  #digests = 0
  #now = 0

  constructor(makePool: MakePool) {
    this.#makePool = makePool
    for (const me of MEMBERS) this.#start(me)
  }

  nextDigest(): number {
    return ++this.#digests
  }

  make(random: Dice): void {
    const signers = signersWith(pick(MEMBERS, random), random)
    const owner = pick(signers, random)
    const number = ++this.#presignatures
    const purpose = purposeFor(random(KEYS), signers)
    for (const me of signers) {
      if (random(50) === 0) continue // its last round was lost on the way to this one
      const setupId = (peer: PartyIndex) => this.#setupId(me, peer)
      const run = { id: idOf(number), owner, me, secret: number, setupId }
      this.#pool(me).put(madeFor(purpose, run))
    }
    this.#now += 10
  }

  /** A request at its entry node, which names one of its own. */
  open(random: Dice): Step[] {
    const owner = pick(MEMBERS, random)
    const signers = signersWith(owner, random)
    const key = random(KEYS)
    const id = this.#pool(owner).nameOwn(purposeFor(key, signers))
    if (id === undefined) return []
    const number = numberOf(id)
    const step = {
      owner,
      key,
      signers,
      number,
      digest: this.nextDigest(),
      refused: random(8) === 0,
    }
    const followers = signers.filter((signer) => signer !== owner)
    return [
      { ...step, kind: 'at work', at: owner },
      ...followers.map((at): Step => ({ ...step, kind: 'opening', at })),
    ]
  }

  /** An opening is named at once; what is at work is taken, or spent when the request was refused. */
  take(step: Step): Step | undefined {
    const pool = this.#pool(step.at)
    const id = idOf(step.number)
    if (step.kind === 'opening') {
      if (pool.name(id, step.owner)) return { ...step, kind: 'at work' }
      this.unknown++
      return undefined
    }
    const purpose = purposeFor(step.key, step.signers)
    if (!step.refused && pool.isFor(id, purpose)) this.#use(step, pool.take(id)?.take())
    pool.spend(id)
    return undefined
  }

  end({ at, number }: Step): void {
    this.#pool(at).spend(idOf(number))
  }

  /** Memory is gone, with whatever was between name and use; the others see the new start. */
  crash(party: PartyIndex): void {
    this.crashes++
    this.#start(party)
    for (const other of MEMBERS) if (other !== party) this.renew(party, other)
  }

  renew(a: PartyIndex, b: PartyIndex): void {
    if (a === b) return
    const [one = [], other = []] = [this.#setups[a], this.#setups[b]]
    one[b] = other[a] = idOf(++this.#renewals)
    this.#pool(a).dropWith(b)
    this.#pool(b).dropWith(a)
  }

  #use({ at, number }: Step, secret: unknown): void {
    if (secret === undefined) {
      this.unknown++
      return
    }
    this.takes++
    const place = `${at}/${number}`
    if (this.#used.has(place)) this.reuses++
    this.#used.add(place)
  }

  #start(me: PartyIndex): void {
    const init: PresignaturePoolInit = {
      me,
      members: MEMBERS.length,
      monotonicMs: () => this.#now,
      setupId: (peer) => this.#setupId(me, peer),
      wipe: () => undefined,
      onReplaced: () => undefined,
    }
    this.#pools.set(me, this.#makePool(init, me))
  }

  #setupId(a: PartyIndex, b: PartyIndex): Uint8Array {
    return this.#setups[a]?.[b] ?? idOf(0)
  }

  #pool(party: PartyIndex): Pool {
    const pool = this.#pools.get(party)
    if (pool === undefined) throw new Error(`no guest ${party}`)
    return pool
  }
}

/** A pool that looks first and removes later, or never: what a store with a delete of its own would be. */
export class BrokenPool extends PresignaturePool {
  readonly #copies = new Map<string, MadePresignature>()
  readonly #me: PartyIndex

  constructor(init: PresignaturePoolInit, me: PartyIndex) {
    super(init)
    this.#me = me
  }

  override put(made: MadePresignature): boolean {
    this.#copies.set(Buffer.from(made.presignature.id).toString('hex'), made)
    return super.put(made)
  }

  /** The removal did not happen: it is there again afterwards. */
  override take(id: Uint8Array): MadePresignature['presignature'] | undefined {
    const taken = super.take(id)
    const made = this.#copies.get(Buffer.from(id).toString('hex'))
    if (taken === undefined || made === undefined) return taken
    const { keyId, derived, signers } = made.presignature
    const purpose = { keyId, ...derived, signers, epochId: made.epochId }
    const run = { id, owner: made.owner, me: this.#me, secret: 1 }
    const setupId = (peer: PartyIndex) => made.setupIds.get(peer) ?? new Uint8Array()
    super.put(madeFor(purpose, { ...run, setupId }))
    return taken
  }
}

type Dice = (sides: number) => number

function dice(seed: string): Dice {
  const random = seeded(seed)
  let bytes = random(4096)
  let at = 0
  return (sides) => {
    if (at + 4 > bytes.length) {
      bytes = random(4096)
      at = 0
    }
    const value = new DataView(bytes.buffer, bytes.byteOffset + at, 4).getUint32(0)
    at += 4
    return value % sides
  }
}

function pick<T>(items: readonly T[], random: Dice): T {
  const item = items[random(items.length)]
  if (item === undefined) throw new Error('nothing to pick')
  return item
}

/** Few signer sets, so that what is made is also what is asked for. */
function signersWith(party: PartyIndex, random: Dice): PartyIndex[] {
  const shift = random(2) + 1
  const others = [1, 2].map((step) => ((party - 1 + step * shift) % MEMBERS.length) + 1)
  return [party, ...others].slice(0, THRESHOLD).sort((a, b) => a - b)
}
