import { ed25519 } from '@noble/curves/ed25519.js'
import { bytesToHex } from '@noble/hashes/utils.js'
import { EpochGuest } from '../../../../enclave-runtime/guest/composition/epoch-guest.ts'
import { roomChannels } from '../../../../enclave-runtime/guest/composition/room-channels.ts'
import type {
  CommitteeView,
  OperatorNotice,
} from '../../../../enclave-runtime/guest/epochs/epoch-work.ts'
import type { GuestEnd } from '../../../../enclave-runtime/guest/exit-codes.ts'
import { nodeSuite } from '../../../../enclave-runtime/guest/noise-suite.ts'
import type { RoomPlan, RoomPost } from '../../../../enclave-runtime/guest/rooms/room-plan.ts'
import type { Vault } from '../../../../enclave-runtime/guest/vault/vault.ts'
import type { GuestEvent } from '../../../../enclave-runtime/port/messages.ts'
import type { State } from '../../../../protocols/agreement/epoch/state.ts'
import {
  committeeIdOf,
  encodeGenesis,
  networkIdOf,
} from '../../../../protocols/agreement/genesis.ts'
import { Join, joinHash, type SignedJoin } from '../../../../protocols/agreement/objects/join.ts'
import type { Member } from '../../../../protocols/agreement/objects/member.ts'
import { Answer, type Proposal } from '../../../../protocols/agreement/objects/proposal.ts'
import { signObject } from '../../../../protocols/agreement/objects/signed.ts'
import { signedMessage } from '../../../../protocols/agreement/signed-object.ts'
import type { PartyIndex } from '../../../../protocols/session/faults.ts'
import {
  BUNDLE,
  exampleGenesis,
  exampleMember,
} from '../../../protocols/agreement/example-genesis.ts'
import { seeded } from '../../../support/seeded.ts'
import { type OpenKernel, openKernel } from '../../../support/trusted-setup.ts'
import { DealtSetups } from '../dealt-setups.ts'
import { NOTHING_AHEAD, START_S } from '../guest-net.ts'
import { TestClock } from '../test-clock.ts'
import { TestNode } from '../vault/vault-fixture.ts'

/** Conversations breathe between the parts of a long computation: so many turns without a letter are silence. */
const QUIET_TURNS = 128
const DRAIN_MS = 1_000

/** One machine with its host and its operator: what outlives the processes of its guest. */
export class CommitteeNode {
  readonly id: number
  readonly disk: TestNode
  readonly events: GuestEvent[] = []
  readonly notices: OperatorNotice[] = []
  readonly ends: GuestEnd[] = []
  readonly defects: unknown[] = []
  guest: EpochGuest | undefined
  view: CommitteeView | undefined
  open: OpenKernel
  vault!: Vault
  readonly #net: CommitteeNet
  readonly #operator: Uint8Array
  #starts = 0

  constructor(net: CommitteeNet, id: number) {
    this.#net = net
    this.id = id
    this.disk = new TestNode(`${net.seed}/${id}`)
    this.open = openKernel(seeded(`${net.seed}/${id}/kernel`))
    this.#operator = seeded(`${net.seed}/${id}/operator`)(32)
  }

  get up(): EpochGuest {
    if (this.guest === undefined) throw new Error(`node ${this.id} is down`)
    return this.guest
  }

  get state(): Readonly<State> {
    const { state } = this.up.epochs
    if (state === undefined) throw new Error(`node ${this.id} knows no committee`)
    return state
  }

  /** The epoch that serves here; -1 before the first. */
  get e(): number {
    return this.guest?.member.rooms.serving?.committee.epoch.e ?? -1
  }

  get name(): string {
    return bytesToHex(this.vault.guestSig)
  }

  async entry(index: number): Promise<Member> {
    this.vault = await this.disk.open(null, { kernel: this.open.kernel })
    const { guestSig, guestEnc } = this.vault
    const operatorKey = ed25519.getPublicKey(this.#operator)
    return { ...exampleMember(index), guestSig, guestEnc, operatorKey }
  }

  async start(): Promise<void> {
    const net = this.#net
    const run = `${net.seed}/${this.id}/run ${++this.#starts}`
    this.open = openKernel(seeded(`${run}/kernel`))
    const vault = await this.disk.open(net.networkId, { kernel: this.open.kernel })
    this.vault = vault
    const bootId = seeded(`${run}/boot`)(16)
    const guest = await EpochGuest.open({
      genesis: net.genesis,
      vault,
      connect: (plan) => this.#connect(plan, bootId),
      carrier: {
        letter: (to, bytes) =>
          net.carry(() => net.named(bytesToHex(to))?.guest?.epochs.receive(bytes)),
        view: (view) => {
          this.view = view
          net.link()
        },
        publish: () => undefined,
        notice: (notice) => this.#noticed(notice),
      },
      kernel: this.open.kernel,
      random: seeded(`${run}/random`),
      clock: net.clock,
      bootId,
      settings: NOTHING_AHEAD,
      measurement: BUNDLE,
      genesisAnswer: this.#answer(net.networkId, net.networkId, 1),
      isRejoining: false,
      tell: (code, party, number) =>
        this.events.push({
          code,
          ...(party === undefined ? {} : { party }),
          ...(number === undefined ? {} : { number }),
        }),
      conversations: { setUpPair: net.dealt.converse(net.indexOf(this)) },
      onEnd: (end) => this.ends.push(end),
      onDefect: (error) => this.defects.push(error),
    })
    this.guest = guest
    await guest.start()
    net.link()
  }

  kill(): void {
    this.guest?.close()
    this.guest = undefined
    this.vault.close()
    this.open.kernel.wipeAll()
    this.#net.link()
  }

  /** Signed by this guest and its operator. */
  join(): SignedJoin {
    const net = this.#net
    const { guestSig, guestEnc } = this.vault
    const { index: _, evidenceHash: __, ...names } = exampleMember(this.id)
    const object: Join = {
      ...names,
      networkId: net.networkId,
      committeeId: net.committeeId,
      guestSig,
      guestEnc,
      operatorKey: ed25519.getPublicKey(this.#operator),
      evidence: new Uint8Array(),
      nonce: new Uint8Array(16).fill(this.id),
      expiresAt: net.clock.unixMs() + 3_600_000,
    }
    const by = (sign: (message: Uint8Array) => Uint8Array) =>
      signObject(Join, object, net.networkId, sign)
    const guest = by((message) => this.vault.sign(message))
    const operator = by((message) => ed25519.sign(message, this.#operator))
    return {
      object,
      objectBytes: guest.objectBytes,
      guestSignature: guest.signature,
      operatorSignature: operator.signature,
    }
  }

  #connect(plan: RoomPlan, bootId: Uint8Array): RoomPost {
    const net = this.#net
    const me = plan.committee.me.index
    return roomChannels(
      plan,
      { identity: this.vault.channelKey, bootId },
      {
        suite: nodeSuite,
        unixMs: () => net.clock.unixMs(),
        monotonicMs: () => net.clock.monotonicMs(),
        after: (ms, run) => net.clock.after(ms, run),
        vaultSeq: () => this.vault.seq,
        transmit: (to, bytes) => {
          const enc = plan.channelMembers.find(({ index }) => index === to)?.guestEnc
          const peer = net.nodes.find(({ vault }) => enc && Buffer.from(vault.guestEnc).equals(enc))
          if (peer?.guest === undefined || this.guest === undefined)
            return Promise.reject(new Error('UNREACHABLE'))
          const copy = bytes.slice()
          net.carry(() => peer.guest?.member.rooms.receive(me, copy))
          return undefined
        },
      },
    )
  }

  /** The operator says yes to everything. */
  #noticed(notice: OperatorNotice): void {
    this.notices.push(notice)
    if (notice.about !== 'consult') return
    const { proposalHash } = notice
    this.#net.clock.after(50, () => {
      const state = this.guest?.epochs.state
      if (state === undefined) return
      const operatorSig = this.#answer(state.base.hash, proposalHash, state.answerSeq + 1)
      void this.up.epochs.ask({ type: 'operator-answer', proposalHash, yes: true, operatorSig })
    })
  }

  #answer(baseHash: Uint8Array, proposalHash: Uint8Array, seq: number): Uint8Array | null {
    const net = this.#net
    const index = net.memberOf(this)
    if (index === undefined) return null
    const { committeeId } = net
    const no = { operatorSig: null }
    const object = Answer.encode({
      committeeId,
      baseHash,
      proposalHash,
      seq,
      yes: true,
      index,
      ...no,
    })
    return ed25519.sign(signedMessage('answer', net.networkId, object), this.#operator)
  }
}

/** A committee in one process: real guests with rooms, channels, vaults and conversations; hosts, setups and time are played. */
export class CommitteeNet {
  readonly seed: string
  readonly clock: TestClock = new TestClock(START_S + 100)
  readonly nodes: CommitteeNode[] = []
  readonly dealt: DealtSetups
  genesis: Uint8Array = new Uint8Array()
  networkId: Uint8Array = new Uint8Array()
  committeeId: Uint8Array = new Uint8Array()
  #founders: readonly Member[] = []
  readonly #carried: (() => void)[] = []

  private constructor(seed: string) {
    this.seed = seed
    this.dealt = new DealtSetups(seed, (index) => this.#byIndex(index).open)
  }

  /** n founders that are up. */
  static async found(seed: string, n: number, t: number): Promise<CommitteeNet> {
    const net = new CommitteeNet(seed)
    for (let id = 1; id <= n; id++) net.nodes.push(new CommitteeNode(net, id))
    const members = await Promise.all(net.nodes.map((node, at) => node.entry(at + 1)))
    const example = exampleGenesis(n, t)
    const params = { ...example.params, drainMs: DRAIN_MS }
    net.genesis = encodeGenesis({ ...example, members, params })
    net.networkId = networkIdOf(net.genesis)
    net.committeeId = committeeIdOf(net.networkId, 0)
    net.#founders = members
    for (const node of net.nodes) await node.start()
    return net
  }

  at(id: number): CommitteeNode {
    const node = this.nodes.find((one) => one.id === id)
    if (node === undefined) throw new Error(`no node ${id}`)
    return node
  }

  named(name: string): CommitteeNode | undefined {
    return this.nodes.find((node) => node.name === name)
  }

  /** The index that a node has or will get: nodes join in the order of their ids. */
  indexOf({ id }: CommitteeNode): PartyIndex {
    return id
  }

  memberOf(node: CommitteeNode): PartyIndex | undefined {
    const members = node.guest?.epochs.state?.base.record.members ?? this.#founders
    return members.find(({ guestSig }) => bytesToHex(guestSig) === node.name)?.index
  }

  /** A machine that is in no committee yet, and has learnt the chain so far. */
  async newcomer(): Promise<CommitteeNode> {
    const node = new CommitteeNode(this, this.nodes.length + 1)
    await node.entry(node.id)
    this.nodes.push(node)
    await node.start()
    for (let e = 0; ; e++) {
      const cert = this.at(1).up.epochs.history(e)
      if (cert === undefined) break
      const learnt = await this.run(node.up.epochs.learn(cert))
      if (learnt !== 'next') throw new Error(`epoch ${e}: ${learnt}`)
    }
    return node
  }

  propose(
    by: CommitteeNode,
    fields: Partial<Omit<Proposal, 'committeeId' | 'baseHash' | 'proposerIndex' | 'nonce'>>,
    joins: readonly SignedJoin[] = [],
  ): void {
    const t = by.state.base.record.t
    const none = {
      joins: joins.map(joinHash),
      leaves: [],
      params: null,
      allowAdd: [],
      allowDrop: [],
      unban: [],
    }
    const expiresAt = this.clock.unixMs() + 3_600_000
    const proposal = { kind: 1 as const, t, ...none, expiresAt, ...fields }
    void by.up.epochs.ask({ type: 'propose', joins, proposal })
  }

  /** Brings something to another node in a later turn. */
  carry(arrive: () => void): void {
    this.#carried.push(arrive)
  }

  /** Every host links those that its guest names, as far as they are up. */
  link(): void {
    for (const { guest, view, name } of this.nodes) {
      if (guest === undefined || view === undefined) continue
      const up = [...view.members, ...view.others].filter(({ index, guestSig }) => {
        const of = bytesToHex(guestSig)
        return index > 0 && of !== name && this.named(of)?.guest !== undefined
      })
      guest.member.links(up.map(({ index }) => index).sort((a, b) => a - b))
    }
  }

  async run<T>(promise: Promise<T>, ms?: number): Promise<T> {
    let settled = false
    const mark = () => {
      settled = true
    }
    promise.then(mark, mark)
    await this.until(() => settled, ms)
    return promise
  }

  /** Carries what is on its way, and lets time pass when all is quiet, until it is so; at most so long. */
  async until(isSo: () => boolean, ms = 240_000): Promise<void> {
    const end = this.clock.monotonicMs() + ms
    for (let quiet = 0; ; ) {
      await new Promise((resolve) => setImmediate(resolve))
      if (isSo()) return
      const next = this.#carried.shift()
      if (next !== undefined) {
        quiet = 0
        next()
      } else if (++quiet > QUIET_TURNS) {
        quiet = 0
        if (this.clock.monotonicMs() >= end || !this.clock.skip())
          throw new Error(`not so after ${ms} ms: ${this.describe()}`)
      }
    }
  }

  /** For the message of a test that fails. */
  describe(): string {
    return this.nodes
      .map(({ id, guest, e, ends, defects, notices }) => {
        const state = guest?.epochs.state
        const told = notices
          .map((notice) => JSON.stringify(notice, (_, v) => (v instanceof Uint8Array ? '' : v)))
          .slice(-3)
        const attempts = [...(state?.attempts.values() ?? [])].map(
          (a) =>
            `${a.e}.${a.k} setups ${a.hasSetups} chunks ${a.transcripts.size} root ${a.rootKey !== null} record ${a.record !== null} tested ${a.isTested} ready ${a.ready !== null}`,
        )
        const faults = defects.map((error) =>
          error instanceof Error ? error.stack : String(error),
        )
        return `\n${id}: e ${e} ${state?.standing} ${attempts.join('; ')} ends ${ends.map(({ line }) => line).join()} defects ${faults.slice(0, 2).join('\n')} ${told.join(' ')}`
      })
      .join('')
  }

  #byIndex(index: PartyIndex): CommitteeNode {
    return this.at(index)
  }
}
