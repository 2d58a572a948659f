import type { Committee } from '../../../../enclave-runtime/guest/committee.ts'
import type {
  AttemptFacts,
  EpochName,
  WorkEvents,
} from '../../../../enclave-runtime/guest/epochs/epoch-work.ts'
import { keyPart } from '../../../../enclave-runtime/guest/keys/key-part.ts'
import { shareName } from '../../../../enclave-runtime/guest/keys/pending-batch.ts'
import type { WorkVault } from '../../../../enclave-runtime/guest/resharing/chunk-store.ts'
import { leafOf } from '../../../../enclave-runtime/guest/resharing/key-leaf.ts'
import {
  Resharing,
  type RootWork,
  type WorkRoom,
  type WorkRooms,
} from '../../../../enclave-runtime/guest/resharing/resharing.ts'
import type { RoomPlan } from '../../../../enclave-runtime/guest/rooms/room-plan.ts'
import { openingName } from '../../../../enclave-runtime/guest/sessions/opening.ts'
import type { Letter } from '../../../../enclave-runtime/guest/sessions/post.ts'
import { SessionRouter } from '../../../../enclave-runtime/guest/sessions/session-router.ts'
import type { Vault } from '../../../../enclave-runtime/guest/vault/vault.ts'
import type { HeldKey } from '../../../../protocols/agreement/epoch/held-key.ts'
import type { Member } from '../../../../protocols/agreement/objects/member.ts'
import type { Kernel } from '../../../../protocols/kernel/kernel.ts'
import { wasmKernel } from '../../../../protocols/kernel/load.ts'
import type { PartyIndex } from '../../../../protocols/session/faults.ts'
import { MESSAGE_TYPES } from '../../../../protocols/session/numbers.ts'
import { seeded } from '../../../support/seeded.ts'
import { TestClock } from '../test-clock.ts'
import { NETWORK, TestNode } from '../vault/vault-fixture.ts'
import { type DealtKey, dealtKeys } from './dealt-keys.ts'

export type TaskDone = Parameters<WorkEvents['taskDone']>[0]
export type TaskFailed = Parameters<WorkEvents['taskFailed']>[0]

export interface Carried {
  readonly epoch: EpochName
  readonly from: PartyIndex
  readonly to: PartyIndex
  readonly letter: Letter
}

const COMMITTEE = new Uint8Array(32).fill(0xc0)
/** Chunks breathe between keys: so many turns without a letter are silence. */
const QUIET_TURNS = 2_000

/** One guest with its disk: what runs now is behind `work`. */
export class WorkGuest {
  readonly index: PartyIndex
  readonly node: TestNode
  readonly done: TaskDone[] = []
  readonly failed: TaskFailed[] = []
  readonly defects: unknown[] = []
  vault!: Vault
  kernel!: Kernel
  work!: Resharing
  rooms!: NetRooms
  isUp = true

  constructor(index: PartyIndex, node: TestNode) {
    this.index = index
    this.node = node
  }

  /** This guest's share of a key of an epoch, as only a thief of its memory sees it. */
  async share(epoch: EpochName, keyId: Uint8Array): Promise<Uint8Array> {
    const handle = await this.vault.loadShare(epoch, shareName(keyId))
    const bytes = this.kernel.shareOut(handle)
    this.kernel.wipe(handle)
    return bytes
  }
}

/** The rooms of one guest: real routers, no pair setups. */
export class NetRooms implements WorkRooms {
  readonly rooms: Map<string, WorkRoom & { readonly take: (carried: Carried) => void }> = new Map()
  serving: WorkRoom | undefined
  /** Who has no setup with this guest. */
  unpaired: PartyIndex | undefined
  readonly #net: ResharingNet
  readonly #guest: WorkGuest

  constructor(net: ResharingNet, guest: WorkGuest) {
    this.#net = net
    this.#guest = guest
  }

  open({ committee }: RoomPlan): WorkRoom {
    const { epoch, me } = committee
    const net = this.#net
    const guest = this.#guest
    const openings = new Map<string, (from: PartyIndex, letter: Letter) => void>()
    let receive: (from: PartyIndex, letter: Letter) => void = () => undefined
    const router = new SessionRouter({
      me: me.index,
      post: {
        send: (to, letter) => net.send({ epoch, from: me.index, to, letter }),
        onMessage: (take) => {
          receive = take
        },
        onRestarted: () => undefined,
        facts: () => undefined,
      },
      clock: net.clock,
      onError: (error) => guest.defects.push(error),
    })
    router.on(MESSAGE_TYPES.open, (from, letter) =>
      openings.get(openingName(letter.body))?.(from, letter),
    )
    const room = {
      ...{ committee, router },
      on: (name: string, take: (from: PartyIndex, letter: Letter) => void) => {
        openings.set(name, take)
      },
      setUpPairs: () => this.#setUpPairs(committee),
      retire: () => undefined,
      keepParts: async () => undefined,
      take: ({ from, letter }: Carried) => receive(from, letter),
    }
    this.rooms.set(keyOf(epoch), room)
    return room
  }

  at(epoch: EpochName): WorkRoom | undefined {
    return this.rooms.get(keyOf(epoch))
  }

  serve(epoch: EpochName): void {
    this.serving = this.at(epoch)
  }

  close(epoch: EpochName): void {
    const room = this.at(epoch)
    for (const index of this.#net.indices) room?.router.forget(index)
    this.rooms.delete(keyOf(epoch))
  }

  async #setUpPairs({ guests }: Committee): Promise<void> {
    if (this.unpaired === undefined || !guests.some(({ index }) => index === this.unpaired)) return
    const { SetupFailed } = await import('../../../../enclave-runtime/guest/pairs/setup-failed.ts')
    throw new SetupFailed(this.unpaired)
  }
}

/** Guests in one process: real vaults, kernels and conversations; letters instead of envelopes, a clock that is turned by hand. */
export class ResharingNet {
  readonly seed: string
  readonly clock: TestClock = new TestClock(1_800_000_000)
  readonly guests: Map<PartyIndex, WorkGuest> = new Map()
  /** What START and TAIL list, by attempt and key. */
  readonly lists: Map<string, ReadonlyMap<string, HeldKey>> = new Map()
  /** What happens to letters on their way. */
  tamper: (carried: Carried) => readonly Carried[] = (carried) => [carried]
  /** A write that guest `party` is about to make, in order; throwing is a disk that fails. */
  onWrite: (party: PartyIndex) => void = () => undefined
  /** One that is durable; throwing is a process that dies before it learns of it. */
  onWritten: (party: PartyIndex) => void = () => undefined
  /** A root key whose tests say something else. */
  root: RootWork = {
    attend: () => undefined,
    test: async () => ({ passed: true }),
    sign: async () => undefined,
  }
  /** What a guest does differently. */
  alterKernel: (party: PartyIndex, kernel: Kernel) => Kernel = (_, kernel) => kernel
  #starts = 0
  readonly #letters: Carried[] = []

  private constructor(seed: string) {
    this.seed = seed
  }

  static async create(seed: string, indices: readonly PartyIndex[]): Promise<ResharingNet> {
    const net = new ResharingNet(seed)
    for (const index of indices) {
      const node = new TestNode(`${seed}/${index}`)
      const vault = await node.open(null)
      vault.close()
      const guest = new WorkGuest(index, node)
      net.guests.set(index, guest)
      await net.start(index)
    }
    return net
  }

  get indices(): readonly PartyIndex[] {
    return [...this.guests.keys()]
  }

  guest(index: PartyIndex): WorkGuest {
    const found = this.guests.get(index)
    if (found === undefined) throw new Error(`no guest ${index}`)
    return found
  }

  member(index: PartyIndex): Member {
    const { vault } = this.guest(index)
    return {
      ...{ index, guestSig: vault.guestSig, guestEnc: vault.guestEnc, label: `guest ${index}` },
      peerId: `peer ${index}`,
      operatorKey: new Uint8Array(32).fill(index),
      measurement: new Uint8Array(32),
      evidenceHash: new Uint8Array(32),
    }
  }

  /** The process starts, again on the same disk. */
  async start(index: PartyIndex): Promise<void> {
    const guest = this.guest(index)
    const random = seeded(`${this.seed}/${index}/start ${this.#starts++}`)
    const kernel = this.alterKernel(index, wasmKernel(random))
    guest.kernel = kernel
    guest.vault = await guest.node.open(NETWORK, { kernel })
    guest.rooms = new NetRooms(this, guest)
    guest.isUp = true
    const { vault, rooms } = guest
    guest.work = new Resharing({
      context: {
        networkId: NETWORK,
        committeeId: COMMITTEE,
        development: true,
        guestSig: vault.guestSig,
      },
      setupsPerHour: () => 600,
      ...{ rooms, kernel, random, clock: this.clock },
      root: {
        attend: (room) => this.root.attend(room),
        test: (...asked) => this.root.test(...asked),
        sign: (...asked) => this.root.sign(...asked),
      },
      vault: this.#watched(index, vault),
      events: {
        taskDone: (done) => guest.done.push(done),
        taskFailed: (failed) => guest.failed.push(failed),
        rootSigned: () => undefined,
        logClosed: () => undefined,
        keyProved: () => undefined,
        keyMade: () => undefined,
      },
      workedWith: () => true,
      known: (epoch, keyId) => this.lists.get(keyOf(epoch))?.get(hex(keyId)),
      keys: { certify: () => undefined, release: () => undefined },
      isSigning: () => false,
      unfit: () => [],
      onError: (error) => guest.defects.push(error),
    })
  }

  /** The process dies: its memory is gone, its disk stays. */
  kill(index: PartyIndex): void {
    const guest = this.guest(index)
    guest.isUp = false
    for (const room of guest.rooms.rooms.values())
      for (const other of this.indices) room.router.forget(other)
    guest.vault.close()
    guest.kernel.wipeAll()
  }

  /** Every guest of `members` gets its shares of new keys under this epoch, from a dealer that everybody trusts. */
  async deal(
    epoch: EpochName,
    members: readonly PartyIndex[],
    count: number,
    t: number,
  ): Promise<readonly DealtKey[]> {
    const keys = dealtKeys(`${this.seed}/keys`, count, t)
    for (const index of members) {
      const { vault, kernel } = this.guest(index)
      await vault.makeEpoch(epoch)
      const shares = keys.map((key) => ({
        name: shareName(key.keyId),
        share: kernel.shareIn(key.shareOf(index)),
        part: keyPart(key, new Uint8Array(32)),
      }))
      await vault.writeShares(epoch, shares, 0)
      for (const { share } of shares) kernel.wipe(share)
    }
    return keys
  }

  /** What a START of these would say. */
  facts(fields: {
    readonly epoch: EpochName
    readonly base: EpochName
    readonly old: readonly PartyIndex[]
    readonly oldThreshold: number
    readonly to: readonly PartyIndex[]
    readonly threshold: number
    readonly dealers?: readonly PartyIndex[]
    readonly rootKey?: Uint8Array | null
  }): AttemptFacts {
    const { epoch, base, old, oldThreshold, to, threshold } = fields
    return {
      ...{ epoch, base, oldThreshold, threshold, unban: [] },
      epochId: seeded(`epoch ${keyOf(epoch)}`)(32),
      baseEpochId: seeded(`epoch ${keyOf(base)}`)(32),
      oldMembers: old.map((index) => this.member(index)),
      members: to.map((index) => this.member(index)),
      dealers: fields.dealers ?? old.slice(0, oldThreshold),
      rootKey: fields.rootKey ?? null,
    }
  }

  /** START is durable at these, which list these keys; all tasks of its chunks are asked for. */
  async begin(
    facts: AttemptFacts,
    keys: readonly HeldKey[],
    at: readonly PartyIndex[] = this.indices,
  ): Promise<void> {
    this.lists.set(keyOf(facts.epoch), new Map(keys.map((key) => [hex(key.keyId), key])))
    for (const index of at) await this.guest(index).work.attempt(facts)
    for (const index of at) this.ask(index, facts, keys)
  }

  ask(index: PartyIndex, { epoch, epochId }: AttemptFacts, keys: readonly HeldKey[]): void {
    for (let chunk = 0; chunk * 256 < keys.length; chunk++) {
      const ids = keys.slice(chunk * 256, (chunk + 1) * 256).map(({ keyId }) => keyId)
      this.guest(index).work.begin({ ...epoch, epochId, kind: 'chunk', chunk, keys: ids })
    }
  }

  /** Carries letters, and lets time pass when all is quiet. */
  async until(condition: () => boolean): Promise<void> {
    for (let quiet = 0; ; ) {
      await new Promise((resolve) => setImmediate(resolve))
      if (condition()) return
      if (this.#deliver()) quiet = 0
      else if (++quiet > QUIET_TURNS) {
        quiet = 0
        if (!this.clock.skip()) throw new Error('nothing will ever happen here')
      }
    }
  }

  async send(carried: Carried): Promise<void> {
    if (!this.guest(carried.from).isUp || !this.guest(carried.to).isUp)
      throw new Error('UNREACHABLE')
    this.#letters.push(copyOf(carried)) // senders wipe what has left
  }

  #deliver(): boolean {
    const next = this.#letters.shift()
    if (next === undefined) return false
    for (const carried of this.tamper(next)) {
      const guest = this.guest(carried.to)
      if (guest.isUp) guest.rooms.rooms.get(keyOf(carried.epoch))?.take(copyOf(carried))
    }
    return true
  }

  #watched(index: PartyIndex, vault: Vault): WorkVault {
    const writes = async <T>(write: () => Promise<T>): Promise<T> => {
      this.onWrite(index)
      const written = await write()
      this.onWritten(index)
      return written
    }
    return {
      critical: (name) => vault.critical(name),
      criticalNames: (prefix) => vault.criticalNames(prefix),
      bulk: (name) => vault.bulk(name),
      loadShare: (epoch, name) => vault.loadShare(epoch, name),
      sharePart: (epoch, name) => vault.sharePart(epoch, name),
      secret: (epoch, name) => vault.secret(epoch, name),
      sign: (message) => vault.sign(message),
      write: (changes) => writes(() => vault.write(changes)),
      writeShares: (...shares) => writes(() => vault.writeShares(...shares)),
      makeEpoch: (epoch) => writes(() => vault.makeEpoch(epoch)),
      destroyEpoch: (epoch) => writes(() => vault.destroyEpoch(epoch)),
    }
  }
}

export const leavesOf = (keys: readonly DealtKey[]): HeldKey[] => keys.map(leafOf)

export const keyOf = ({ e, k }: EpochName): string => `${e}.${k}`
export const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')

/** Every guest owns the bytes that it has, as behind a real channel. */
const copyOf = (carried: Carried): Carried => ({
  ...carried,
  letter: { ...carried.letter, body: carried.letter.body.slice() },
})
