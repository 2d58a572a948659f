import type { Committee } from '../../../enclave-runtime/guest/committee.ts'
import type { EpochName } from '../../../enclave-runtime/guest/epochs/epoch-work.ts'
import type { KeyGate } from '../../../enclave-runtime/guest/keys/key-gate.ts'
import { Member } from '../../../enclave-runtime/guest/member.ts'
import type { SetupLimits } from '../../../enclave-runtime/guest/pairs/pair.ts'
import type { Records } from '../../../enclave-runtime/guest/records.ts'
import type { RoomPlan, RoomPost } from '../../../enclave-runtime/guest/rooms/room-plan.ts'
import type { Letter } from '../../../enclave-runtime/guest/sessions/post.ts'
import type { GuestSettings } from '../../../enclave-runtime/guest/settings.ts'
import { FIRST_EPOCH } from '../../../enclave-runtime/guest/vault/epoch-name.ts'
import type { Vault, VaultChanges } from '../../../enclave-runtime/guest/vault/vault.ts'
import { DEFAULT_OPERATOR_SETTINGS } from '../../../enclave-runtime/port/guest-settings.ts'
import type { GuestEvent } from '../../../enclave-runtime/port/messages.ts'
import { quorums } from '../../../protocols/agreement/quorums.ts'
import { wasmKernel } from '../../../protocols/kernel/load.ts'
import { Slots } from '../../../protocols/kernel/reference/slots.ts'
import type { setUpPair } from '../../../protocols/pair-setup/set-up-pair.ts'
import type { PartyIndex } from '../../../protocols/session/faults.ts'
import { seeded } from '../../support/seeded.ts'
import { type OpenKernel, openKernel } from '../../support/trusted-setup.ts'
import { DealtSetups } from './dealt-setups.ts'
import { TestClock } from './test-clock.ts'
import { NETWORK, TestNode } from './vault/vault-fixture.ts'

export const START_S = 1_800_000_000

export const NOTHING_AHEAD: GuestSettings = {
  correlations: { low: 0, high: 0 },
  presignatures: { keep: 0, warmMinutes: 5 },
  readyKeys: 0,
  background: { cpuPercent: 100, mbitPerSecond: 10_000 },
  operator: DEFAULT_OPERATOR_SETTINGS,
}

/** Conversations breathe between the parts of a long computation: so many turns without a letter are silence. */
const QUIET_TURNS = 128

export interface Carried {
  readonly from: PartyIndex
  readonly to: PartyIndex
  readonly letter: Letter
  /** Of which room it is; without one: of the first epoch. */
  readonly epoch?: EpochName
}

/** Who hears what the channels of one room say. */
interface Ears {
  take: (from: PartyIndex, letter: Letter) => void
  restarted: (peer: PartyIndex) => void
  malformed: (peer: PartyIndex) => void
}

const NO_KEY = new Uint8Array(32)
const keyOf = ({ e, k }: EpochName): string => `${e}.${k}`

/** What hosts make of a letter: nothing, the same, several, others. */
export type Tamper = (carried: Carried) => readonly Carried[]

/** A write about to be made durable by guest `party`; throwing is a disk that fails. */
export type OnWrite = (party: PartyIndex, changes: VaultChanges) => void

export interface NetOptions {
  readonly n?: number
  readonly t?: number
  readonly setupsPerHour?: number
  readonly development?: boolean
  /** The conversation of 02 §2 instead of dealt setups. */
  readonly realSetups?: boolean
  /** The WASM kernel, into whose slots no dealer reaches: with `realSetups` only. */
  readonly wasm?: boolean
  readonly setupLimits?: SetupLimits
  /** Guests beyond the n members, with the indices after theirs. */
  readonly joiners?: number
  /** Nothing is made ahead unless a test asks for it. */
  readonly settings?: GuestSettings
  /** Guests that keep other numbers of keys ready than the settings say. */
  readonly readyKeys?: Readonly<Record<PartyIndex, number>>
  /** What the epoch protocol says about keys; absent: a committee that never changes. */
  readonly gate?: (index: PartyIndex) => KeyGate
  /** Whether a guest knows what the others know; absent: all do. */
  readonly isCurrent?: (index: PartyIndex) => boolean
}

/** A committee to come. */
export interface NextEpoch {
  readonly members: readonly PartyIndex[]
  readonly t: number
  readonly unban?: RoomPlan['unban']
}

/** One guest: what outlives it (device and disk), and the one that runs now. */
export class NetGuest {
  readonly index: PartyIndex
  readonly node: TestNode
  readonly vault: Vault
  readonly open: OpenKernel
  readonly member: Member
  readonly bootId: Uint8Array
  readonly events: GuestEvent[] = []
  readonly defects: unknown[] = []
  readonly net: GuestNet
  readonly #posts = new Map<string, Ears>()

  constructor(net: GuestNet, index: PartyIndex, node: TestNode, vault: Vault, open: OpenKernel) {
    this.index = index
    this.node = node
    this.vault = vault
    this.open = open
    this.bootId = seeded(`${net.seed}/boot ${net.starts}`)(16)
    const recordsOf = (epoch: EpochName): Records => {
      const ofVault = vault.inEpoch(epoch)
      return {
        ...ofVault,
        write: async (changes) => {
          net.onWrite(index, changes)
          await ofVault.write(changes)
        },
      }
    }
    this.net = net
    this.member = new Member({
      records: recordsOf(FIRST_EPOCH),
      recordsOf,
      connect: (plan) => this.#connect(plan),
      kernel: open.kernel,
      random: seeded(`${net.seed}/${index}/random ${net.starts++}`),
      clock: net.clock,
      bootId: this.bootId,
      settings: {
        ...net.options.settings,
        readyKeys: net.options.readyKeys[index] ?? net.options.settings.readyKeys,
      },
      tell: (code, party, number) =>
        this.events.push({
          code,
          ...(party === undefined ? {} : { party }),
          ...(number === undefined ? {} : { number }),
        }),
      onDefect: (error) => this.defects.push(error),
      ...(net.options.gate && { gate: net.options.gate(index) }),
      isCurrent: () => net.options.isCurrent?.(index) ?? true,
      ...(net.options.setupLimits && { setupLimits: net.options.setupLimits }),
      conversations: net.options.realSetups ? {} : { setUpPair: net.dealtSetup(index) },
    })
    if (index > net.options.n) return // nothing is known here but what is to come
    const committee = net.committeeOf(index)
    const channelMembers = committee.guests.map(({ index }) => ({ index, guestEnc: NO_KEY }))
    this.member.rooms.open({ committee, channelMembers, isForming: false, unban: [] })
    this.member.rooms.serve(committee.epoch)
  }

  /** The letters of the room of the first epoch, or of another one. */
  take(from: PartyIndex, letter: Letter, epoch: EpochName = FIRST_EPOCH): void {
    this.#posts.get(keyOf(epoch))?.take(from, letter)
  }

  restarted(peer: PartyIndex): void {
    for (const post of this.#posts.values()) post.restarted(peer)
  }

  /** It sealed something that is no message. */
  malformed(peer: PartyIndex): void {
    for (const post of this.#posts.values()) post.malformed(peer)
  }

  #connect({ committee: { epoch } }: RoomPlan): RoomPost {
    const { net, index } = this
    const ears: Ears = {
      take: () => undefined,
      restarted: () => undefined,
      malformed: () => undefined,
    }
    this.#posts.set(keyOf(epoch), ears)
    return {
      send: (to, letter) => net.send({ from: index, to, letter, epoch }),
      onMessage: (take) => {
        ears.take = take
      },
      onRestarted: (take) => {
        ears.restarted = take
      },
      onMalformed: (take) => {
        ears.malformed = take
      },
      facts: (peer) => net.guests[peer - 1],
      links: () => undefined,
      receive: () => undefined, // letters come without envelopes
      close: () => this.#posts.delete(keyOf(epoch)),
    }
  }
}

/** n guests in one process: letters instead of envelopes, a clock that is turned by hand, real vaults. */
export class GuestNet {
  readonly seed: string
  readonly options: Required<Omit<NetOptions, 'setupLimits' | 'gate' | 'isCurrent'>> &
    Pick<NetOptions, 'setupLimits' | 'gate' | 'isCurrent'>
  readonly clock: TestClock = new TestClock(START_S)
  readonly guests: NetGuest[] = []
  tamper: Tamper = (carried) => [carried]
  onWrite: OnWrite = () => undefined
  starts = 0
  /** Of guests that start from now on. */
  rootKey: Uint8Array | null = null
  readonly down: Set<PartyIndex> = new Set()
  readonly #ids: { index: PartyIndex; id: Uint8Array }[] = []
  readonly #letters: Carried[] = []
  readonly #dealt: DealtSetups

  private constructor(seed: string, options: NetOptions) {
    this.seed = seed
    this.#dealt = new DealtSetups(seed, (index) => this.guest(index).open)
    const defaults = {
      n: 5,
      t: 3,
      setupsPerHour: 600,
      development: true,
      joiners: 0,
      realSetups: false,
      wasm: false,
    }
    this.options = { ...defaults, settings: NOTHING_AHEAD, readyKeys: {}, ...options }
  }

  static async create(seed: string, options: NetOptions = {}): Promise<GuestNet> {
    const net = new GuestNet(seed, options)
    const nodes: TestNode[] = []
    for (let index = 1; index <= net.options.n + net.options.joiners; index++) {
      const node = new TestNode(`${seed}/${index}`)
      const vault = await node.open(null)
      net.#ids.push({ index, id: vault.guestSig })
      vault.close()
      nodes.push(node)
    }
    for (const [at, node] of nodes.entries()) net.guests.push(await net.#start(at + 1, node))
    return net
  }

  /** With all links up and all pairs ready. */
  static async ready(seed: string, options: NetOptions = {}): Promise<GuestNet> {
    const net = await GuestNet.create(seed, options)
    net.connect()
    await net.until(() => net.isPaired())
    return net
  }

  guest(index: PartyIndex): NetGuest {
    const found = this.guests[index - 1]
    if (found === undefined) throw new Error(`no guest ${index}`)
    return found
  }

  committeeOf(index: PartyIndex): Committee {
    const { n, t, setupsPerHour, development } = this.options
    const me = this.#ids[index - 1]
    if (me === undefined) throw new Error(`no guest ${index}`)
    return {
      networkId: NETWORK,
      epoch: FIRST_EPOCH,
      epochId: NETWORK,
      committeeId: new Uint8Array(32).fill(0xc0),
      me,
      guests: this.#ids.slice(0, n),
      threshold: t,
      quorum: quorums(n, t).q,
      development,
      setupsPerHour,
      rootKey: this.rootKey,
    }
  }

  /** What a guest opens the room of a later epoch with: `members` make it, from those of the first epoch. */
  planOf(index: PartyIndex, epoch: EpochName, next: NextEpoch): RoomPlan {
    const { members, t, unban = [] } = next
    const known = new Set([...this.#ids.keys()].slice(0, this.options.n).map((at) => at + 1))
    const me = this.#ids[index - 1]
    if (me === undefined) throw new Error(`no guest ${index}`)
    const committee: Committee = {
      ...this.committeeOf(1),
      ...{ epoch, me, threshold: t },
      epochId: seeded(`${this.seed}/epoch ${keyOf(epoch)}`)(32),
      guests: this.#ids.filter((guest) => members.includes(guest.index)),
      quorum: quorums(members.length, t).q,
    }
    const everyone = [...new Set([...known, ...members])].sort((a, b) => a - b)
    const channelMembers = everyone.map((other) => ({ index: other, guestEnc: NO_KEY }))
    return { committee, channelMembers, isForming: true, unban }
  }

  /** Tells every running guest which hosts are connected. */
  connect(): void {
    const up = this.guests.map(({ index }) => index).filter((index) => !this.down.has(index))
    for (const { index, member } of this.guests)
      if (!this.down.has(index)) member.links(up.filter((other) => other !== index))
  }

  isPaired(): boolean {
    const running = this.guests.filter(({ index }) => !this.down.has(index))
    return running.every(({ member }) =>
      member
        .status()
        .pairs.filter(({ party }) => !this.down.has(party))
        .every(({ state }) => state === 'ready' || state === 'banned'),
    )
  }

  /** The process dies: its memory is gone, its disk stays. */
  kill(index: PartyIndex): void {
    this.down.add(index)
    const { member, vault, open } = this.guest(index)
    member.close()
    vault.close()
    open.kernel.wipeAll()
  }

  /** Another guest on the same device and disk; the others learn of it with its first letter. */
  async restart(index: PartyIndex): Promise<void> {
    if (!this.down.has(index)) this.kill(index)
    const again = await this.#start(index, this.guest(index).node)
    this.guests[index - 1] = again
    this.down.delete(index)
    for (const other of this.guests)
      if (other.index !== index && !this.down.has(other.index)) other.restarted(index)
    this.connect()
  }

  async send(carried: Carried): Promise<void> {
    if (this.down.has(carried.to) || this.down.has(carried.from)) throw new Error('UNREACHABLE')
    this.#letters.push(copyOf(carried)) // senders wipe what has left
  }

  /** A letter that no honest guest wrote, as an authenticated envelope would bring it. */
  inject(carried: Carried): void {
    this.#letters.push(carried)
  }

  /** Carries letters, and lets time pass when all is quiet, until the promise settles. */
  async run<T>(promise: Promise<T>): Promise<T> {
    let settled = false
    const mark = () => {
      settled = true
    }
    promise.then(mark, mark)
    await this.until(() => settled)
    return promise
  }

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

  /** Carries letters until all is quiet; no time passes. */
  async calm(): Promise<void> {
    for (let quiet = 0; quiet < QUIET_TURNS; quiet++) {
      await new Promise((resolve) => setImmediate(resolve))
      if (this.#deliver()) quiet = 0
    }
  }

  /** How many secrets each guest holds; halves that the dealer placed and nobody took are the dealer's. */
  held(): number[] {
    return this.guests.map(({ open }) => open.kernel.held - this.#dealt.unclaimedBy(open))
  }

  /** A conversation of one small round, after which both sides hold what a trusted dealer gave them. */
  dealtSetup(me: PartyIndex): typeof setUpPair {
    return this.#dealt.converse(me)
  }

  #deliver(): boolean {
    const next = this.#letters.shift()
    if (next === undefined) return false
    for (const { from, to, letter, epoch } of this.tamper(next)) {
      const guest = this.guests[to - 1]
      if (guest !== undefined && !this.down.has(to))
        guest.take(from, copyOf({ from, to, letter }).letter, epoch ?? next.epoch)
    }
    return true
  }

  async #start(index: PartyIndex, node: TestNode): Promise<NetGuest> {
    const random = seeded(`${this.seed}/${index}/kernel ${this.starts++}`)
    const open = this.options.wasm
      ? { kernel: wasmKernel(random), slots: new Slots() }
      : openKernel(random)
    const vault = await node.open(NETWORK, { kernel: open.kernel })
    return new NetGuest(this, index, node, vault, open)
  }
}

/** Every guest owns the bytes that it has, as behind a real channel. */
const copyOf = (carried: Carried): Carried => ({
  ...carried,
  letter: { ...carried.letter, body: carried.letter.body.slice() },
})
