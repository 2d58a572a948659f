import type { RootView } from '../../../../enclave-runtime/guest/root-key/domains.ts'
import { RootDesk, tellStamp } from '../../../../enclave-runtime/guest/root-key/root-desk.ts'
import type { RootRoom } from '../../../../enclave-runtime/guest/root-key/root-room.ts'
import { RootSigner } from '../../../../enclave-runtime/guest/root-key/root-signer.ts'
import { Stamps } from '../../../../enclave-runtime/guest/root-key/stamps.ts'
import { Answers } from '../../../../enclave-runtime/guest/sessions/answers.ts'
import { ChoiceRoom } from '../../../../enclave-runtime/guest/sessions/choice-room.ts'
import { Followers } from '../../../../enclave-runtime/guest/sessions/followers.ts'
import type { Letter, Post } from '../../../../enclave-runtime/guest/sessions/post.ts'
import { SessionRouter } from '../../../../enclave-runtime/guest/sessions/session-router.ts'
import { settlement } from '../../../../enclave-runtime/guest/sessions/settle.ts'
import { type EpochRecord, recordHash } from '../../../../protocols/agreement/objects/record.ts'
import type { Stamp } from '../../../../protocols/agreement/objects/root-signatures.ts'
import { baseOfRecord } from '../../../../protocols/agreement/rules/base.ts'
import { CHOICE_SLOTS, type Kernel } from '../../../../protocols/kernel/kernel.ts'
import { wasmKernel } from '../../../../protocols/kernel/load.ts'
import type { PartyIndex } from '../../../../protocols/session/faults.ts'
import { MESSAGE_TYPES } from '../../../../protocols/session/numbers.ts'
import { sign } from '../../../../protocols/sign/sign.ts'
import {
  committeeOf,
  generateFor,
  NETWORK,
  type SimulatedCommittee,
  type SimulatedGuest,
  type SimulatedKey,
  setUpPairs,
} from '../../../../protocols/simulation/committee.ts'
import { exampleFirst, exampleNext } from '../../../protocols/agreement/example-epochs.ts'
import { seeded } from '../../../support/seeded.ts'
import type { Carried, Tamper } from '../guest-net.ts'
import { TestClock } from '../test-clock.ts'

const START_S = 1_800_000_100
const QUIET_TURNS = 64 // so many turns without a letter are silence

/** What one guest knows; a test changes it. */
export interface Knowledge {
  tested: Uint8Array | undefined
  records: EpochRecord[]
  isReady: boolean
  /** By how much its clock is ahead of the others', ms. */
  skewMs: number
}

export class RootGuest {
  readonly index: PartyIndex
  readonly knows: Knowledge
  readonly signer: RootSigner
  readonly room: RootRoom
  readonly desk: RootDesk
  readonly stamps: Stamps
  readonly disk: Map<string, Uint8Array>
  readonly kept: Stamp[] = []
  readonly followed: string[] = []
  readonly errors: unknown[] = []
  /** Another share than its own, for a guest that cheats. */
  spoilShare: (bytes: Uint8Array) => Uint8Array = (bytes) => bytes
  /** Set by one that cheats, so that it does not notice that its share is another. */
  ownPoint: Uint8Array | undefined
  /** Another conversation than that of honest signers. */
  converse: typeof sign = sign
  take: (from: PartyIndex, letter: Letter) => void = () => undefined

  constructor(net: RootNet, index: PartyIndex, disk: Map<string, Uint8Array>) {
    const { clock } = net
    const mine = at(net.committee.guests, index - 1)
    const held = at([net.key.held.get(index)], 0)
    const record = at(held.keys, net.key.index)
    const bytes = net.shareOf(index)
    const { kernel } = mine
    const onError = (error: unknown): void => void this.errors.push(error)
    this.index = index
    this.disk = disk
    this.knows = { tested: undefined, records: [net.record], isReady: true, skewMs: 0 }
    const post: Post = {
      send: (to, letter) => net.send({ from: index, to, letter }),
      onMessage: (take) => {
        this.take = take
      },
      onRestarted: () => undefined,
      facts: () => undefined,
    }
    const router = new SessionRouter({ me: index, post, clock, onError })
    const note = (text: string): void => void this.followed.push(text)
    router.settleWith(
      settlement({
        ban: async (peer) => {
          note(`ban ${peer}`)
          net.bans.push([Math.min(index, peer), Math.max(index, peer)])
        },
        bansSettled: async () => undefined,
        strike: (party) => note(`strike ${party}`),
        renewPair: (peer) => note(`renew ${peer}`),
        corrUnknown: () => undefined,
        halt: ({ kind }) => note(`halt ${kind}`),
      }),
    )
    const guests = net.committee.guests.map(({ index: party, id }) => ({ index: party, id }))
    const view: RootView = {
      unixMs: () => clock.unixMs() + this.knows.skewMs,
      tested: (epochId) => (same(epochId, net.committee.epochId) ? this.knows.tested : undefined),
      decided: (epochId) => this.knows.records.find((known) => same(known.epochId, epochId)),
      newest: () => this.knows.records.at(-1),
      isReady: () => this.knows.isReady,
      lastStampMs: () => this.stamps.lastMs,
    }
    const choices = new ChoiceRoom({ me: index, threshold: net.t, total: CHOICE_SLOTS, clock })
    const random = seeded(`${net.seed}/${index}/random ${net.starts++}`)
    const blind: Kernel = {
      ...kernel,
      evaluateCommitment: (commitment, party) =>
        this.ownPoint ?? kernel.evaluateCommitment(commitment, party),
    }
    this.signer = new RootSigner({
      kernel: blind,
      random,
      choices,
      view,
      converse: (...given) => this.converse(...given),
    })
    this.room = {
      committee: {
        networkId: NETWORK,
        epochId: net.committee.epochId,
        me: { index, id: mine.id },
        guests,
        threshold: net.t,
      },
      rootKey: () => record,
      share: async () => kernel.shareIn(this.spoilShare(bytes.slice())),
      router,
      answers: new Answers(router),
      followers: new Followers({ router, kernel, clock, size: guests.length, onError }),
      pairs: {
        withAll: (peers) => pairsOf(mine.pairs, peers),
        missing: (peers) => peers.filter((peer) => !mine.pairs.has(peer)),
      },
      bans: {
        all: net.bans,
        among: (signers) => net.bans.find(([a, b]) => signers.includes(a) && signers.includes(b)),
      },
    }
    this.stamps = new Stamps({
      signer: this.signer,
      view,
      room: () => this.room,
      ready: () => guests.map(({ index: party }) => party).filter((party) => !net.down.has(party)),
      records: {
        critical: (name) => disk.get(name),
        write: async ({ critical }) => {
          for (const [name, value] of critical ?? []) if (value !== null) disk.set(name, value)
        },
      },
      clock,
      kept: (stamp) => this.kept.push(stamp),
      made: tellStamp,
      onError,
    })
    this.desk = new RootDesk({
      room: this.room,
      signer: this.signer,
      stamps: this.stamps,
      clock,
      onError,
    })
    router.on(MESSAGE_TYPES.open, (from, letter) => void this.desk.take(from, letter))
  }
}

/** n guests with a root key, real setups and the WASM kernel in one process; letters instead of channels. */
export class RootNet {
  readonly seed: string
  readonly t: number
  readonly committee: SimulatedCommittee
  readonly key: SimulatedKey
  readonly clock: TestClock = new TestClock(START_S)
  /** The record of the epoch that these guests are. */
  readonly record: EpochRecord
  readonly guests: RootGuest[] = []
  readonly bans: [PartyIndex, PartyIndex][] = []
  readonly down: Set<PartyIndex> = new Set()
  tamper: Tamper = (carried) => [carried]
  starts = 0
  readonly #letters: Carried[] = []
  readonly #shares = new Map<PartyIndex, Uint8Array>()

  private constructor(seed: string, t: number, committee: SimulatedCommittee, key: SimulatedKey) {
    this.seed = seed
    this.t = t
    this.committee = committee
    this.key = key
    const { epochId } = committee
    const first = exampleFirst(committee.guests.length, t).record
    this.record = { ...first, epochId, rootKey: this.publicKey, createdAt: START_S * 1000 }
  }

  static async create(
    seed: string,
    { n = 5, t = 3 }: { readonly n?: number; readonly t?: number } = {},
  ): Promise<RootNet> {
    const random = seeded(seed)
    const committee = committeeOf(
      n,
      t,
      random,
      (index): Kernel => wasmKernel(seeded(`${seed}/kernel ${index}`)),
    )
    await setUpPairs(committee)
    const [key] = await generateFor(committee, 1)
    const net = new RootNet(seed, t, committee, at([key], 0))
    net.reset()
    return net
  }

  /** Other processes with empty disks on the same kernels and setups; nothing is tampered with any more. */
  reset(): void {
    for (const { stamps } of this.guests) stamps.close()
    this.tamper = (carried) => [carried]
    this.down.clear()
    this.bans.length = 0
    this.#letters.length = 0
    this.guests.length = 0
    for (const { index } of this.committee.guests)
      this.guests.push(new RootGuest(this, index, new Map()))
  }

  /** How many secrets each kernel holds. */
  held(): number[] {
    return this.committee.guests.map(({ kernel }) => kernel.held)
  }

  get publicKey(): Uint8Array {
    const [held] = this.key.held.values()
    return at(at([held], 0).keys, this.key.index).publicKey
  }

  get hash(): Uint8Array {
    return recordHash(this.record)
  }

  /** A later record of the same committee, in the same room: for those who know more than others. */
  next(record: EpochRecord = this.record): EpochRecord {
    return { ...exampleNext(baseOfRecord(record)).record, rootKey: this.publicKey }
  }

  shareOf(index: PartyIndex): Uint8Array {
    const known = this.#shares.get(index)
    if (known !== undefined) return known
    const { kernel } = this.simulated(index)
    const { shares } = at([this.key.held.get(index)], 0)
    const bytes = kernel.shareOut(at(shares, this.key.index))
    this.#shares.set(index, bytes)
    return bytes
  }

  simulated(index: PartyIndex): SimulatedGuest {
    return at(this.committee.guests, index - 1)
  }

  guest(index: PartyIndex): RootGuest {
    return at(this.guests, index - 1)
  }

  /** The process starts anew on the same disk. */
  restart(index: PartyIndex): void {
    const before = this.guest(index)
    before.stamps.close()
    this.guests[index - 1] = new RootGuest(this, index, before.disk)
  }

  async send(carried: Carried): Promise<void> {
    if (this.down.has(carried.to) || this.down.has(carried.from)) throw new Error('UNREACHABLE')
    this.#letters.push(copyOf(carried))
  }

  inject(carried: Carried): void {
    this.#letters.push(carried)
  }

  /** Carries letters, and lets time pass when all is quiet, until the promise settles. */
  async run<T>(promise: Promise<T>): Promise<T> {
    let settled = false
    const mark = (): void => {
      settled = true
    }
    promise.then(mark, mark)
    for (let quiet = 0; !settled; ) {
      await new Promise((resolve) => setImmediate(resolve))
      if (this.#deliver()) quiet = 0
      else if (++quiet > QUIET_TURNS) {
        quiet = 0
        if (!this.clock.skip()) throw new Error('nothing will ever happen here')
      }
    }
    return promise
  }

  /** Carries letters until all is quiet; no time passes. */
  async calm(): Promise<void> {
    for (let quiet = 0; quiet < QUIET_TURNS; quiet++) {
      await new Promise((resolve) => setImmediate(resolve))
      if (this.#deliver()) quiet = 0
    }
  }

  #deliver(): boolean {
    const next = this.#letters.shift()
    if (next === undefined) return false
    for (const { from, to, letter } of this.tamper(next)) {
      const guest = this.guests[to - 1]
      if (guest !== undefined && !this.down.has(to))
        guest.take(from, copyOf({ from, to, letter }).letter)
    }
    return true
  }
}

function pairsOf<T>(
  pairs: ReadonlyMap<PartyIndex, T>,
  peers: readonly PartyIndex[],
): ReadonlyMap<PartyIndex, T> | undefined {
  return peers.every((peer) => pairs.has(peer)) ? pairs : undefined
}

function at<T>(items: readonly (T | undefined)[], index: number): T {
  const item = items[index]
  if (item === undefined) throw new Error(`nothing at ${index}`)
  return item
}

const same = (a: Uint8Array, b: Uint8Array): boolean => Buffer.from(a).equals(b)

const copyOf = ({ from, to, letter }: Carried): Carried => ({
  from,
  to,
  letter: { ...letter, body: letter.body.slice() },
})
