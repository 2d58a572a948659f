import { ed25519 } from '@noble/curves/ed25519.js'
import { bytesToHex } from '@noble/hashes/utils.js'
import type {
  CommitteeView,
  OperatorNotice,
} from '../../../../enclave-runtime/guest/epochs/epoch-work.ts'
import { Epochs } from '../../../../enclave-runtime/guest/epochs/epochs.ts'
import type { GuestEnd } from '../../../../enclave-runtime/guest/exit-codes.ts'
import type {
  SealedRow,
  SealedStore,
} from '../../../../enclave-runtime/guest/vault/sealed-store.ts'
import { Vault } from '../../../../enclave-runtime/guest/vault/vault.ts'
import { MemoryRecordStore } from '../../../../enclave-runtime/host/memory-store.ts'
import { DEFAULT_OPERATOR_SETTINGS } from '../../../../enclave-runtime/port/guest-settings.ts'
import { softwareBackend } from '../../../../enclave-runtime/sealing/software-backend.ts'
import type { EpochMember } from '../../../../protocols/agreement/epoch/machine.ts'
import {
  committeeIdOf,
  encodeGenesis,
  networkIdOf,
} from '../../../../protocols/agreement/genesis.ts'
import {
  evidenceHash,
  Join,
  type SignedJoin,
} from '../../../../protocols/agreement/objects/join.ts'
import type { Member } from '../../../../protocols/agreement/objects/member.ts'
import { Answer, type Proposal } from '../../../../protocols/agreement/objects/proposal.ts'
import { signObject } from '../../../../protocols/agreement/objects/signed.ts'
import { signedMessage } from '../../../../protocols/agreement/signed-object.ts'
import { Secret } from '../../../../protocols/crypto/secret.ts'
import {
  BUNDLE,
  exampleGenesis,
  exampleMember,
} from '../../../protocols/agreement/example-genesis.ts'
import { seeded } from '../../../support/seeded.ts'
import { MemoryEpochFile } from '../../sealing/memory-epoch-file.ts'
import { TestClock } from '../test-clock.ts'
import { ShareKernel } from '../vault/vault-fixture.ts'
import { type FakeDisk, FakeShares, FakeWork } from './fake-work.ts'

const START_S = 1_800_000_100
const LETTER_MS = 3

/** A disk that counts its writes; at one of them the process of its guest dies, before the write is there or after it. */
class CountingStore implements SealedStore {
  readonly records: MemoryRecordStore = new MemoryRecordStore()
  writes = 0
  /** Asked at each write: 'before' and 'after' are where the process dies. */
  dies: (write: number) => 'before' | 'after' | null = () => null
  fails: (write: number) => boolean = () => false
  onDeath: () => void = () => {}

  get(name: string): Promise<Uint8Array | undefined> {
    return this.records.get(name)
  }

  scan(prefix: string, after: string): ReturnType<SealedStore['scan']> {
    return this.records.scan(prefix, after)
  }

  async batch(batch: { puts: readonly SealedRow[]; deletes: readonly string[] }): Promise<void> {
    const write = ++this.writes
    if (this.fails(write)) throw new Error('the disk is full')
    const death = this.dies(write)
    if (death !== 'before') await this.records.batch(batch)
    if (death === null) return
    this.onDeath()
    await new Promise(() => {}) // nobody waits for it any more
  }
}

/** One machine with its operator: what outlives the processes of its guest. */
export class NetNode {
  readonly id: number
  readonly store: CountingStore = new CountingStore()
  readonly shares: FakeDisk = new Map()
  readonly notices: OperatorNotice[] = []
  readonly ends: GuestEnd[] = []
  readonly defects: unknown[] = []
  epochs: Epochs | undefined
  work: FakeWork | undefined
  view: CommitteeView | undefined
  vault: Vault | undefined
  unfit: readonly string[] = []
  /** Operator of this node says yes to everything that it is asked. */
  agrees = true
  readonly #net: EpochNet
  readonly #file = new MemoryEpochFile()
  readonly #operator: Uint8Array
  #starts = 0

  constructor(net: EpochNet, id: number) {
    this.#net = net
    this.id = id
    this.#operator = seeded(`operator ${id}`)(32)
  }

  get operatorKey(): Uint8Array {
    return ed25519.getPublicKey(this.#operator)
  }

  get guestSig(): Uint8Array {
    if (this.vault === undefined) throw new Error('bug: no vault')
    return this.vault.guestSig
  }

  get name(): string {
    return bytesToHex(this.guestSig)
  }

  get state(): EpochMember['state'] {
    const state = this.epochs?.state
    if (state === undefined) throw new Error(`node ${this.id} is not up`)
    return state
  }

  get e(): number {
    return this.epochs?.state?.base.record.e ?? -2
  }

  /** The entry of this node in a genesis file. */
  async entry(index: number): Promise<Member> {
    await this.open(null)
    const { guestSig, guestEnc } = this.vault as Vault
    return { ...exampleMember(index), guestSig, guestEnc, operatorKey: this.operatorKey }
  }

  async open(networkId: Uint8Array | null): Promise<Vault> {
    const random = seeded(`node ${this.id} start ${++this.#starts}`)
    const root = new Secret(seeded(`node ${this.id} root`)(32))
    this.vault = await Vault.open(softwareBackend(root, this.#file, random), this.store, {
      networkId,
      random,
      kernel: new ShareKernel(),
      named: () => true,
    })
    return this.vault
  }

  async start(isRejoining = false): Promise<void> {
    const net = this.#net
    this.store.onDeath = () => this.kill()
    const vault = await this.open(net.networkId)
    const random = seeded(`node ${this.id} runs ${this.#starts}`)
    const epochs = await Epochs.open({
      genesis: net.genesis,
      vault,
      carrier: {
        letter: (to, bytes) => net.post(this, bytesToHex(to), bytes),
        view: (view) => {
          this.view = view
        },
        publish: () => {},
        notice: (notice) => this.#noticed(notice),
      },
      clock: net.clock,
      random,
      settings: DEFAULT_OPERATOR_SETTINGS,
      measurement: BUNDLE,
      genesisAnswer: this.signs(net.networkId, net.networkId, 1),
      isRejoining,
      work: (events) => {
        this.work = new FakeWork(this.name, net.shares, this.shares, events, () => this.unfit)
        return this.work
      },
      onEnd: (end) => {
        this.ends.push(end)
        this.kill()
      },
      onDefect: (error) => this.defects.push(error),
    })
    this.epochs = epochs
    await epochs.start()
  }

  kill(): void {
    this.epochs?.close()
    this.epochs = undefined
    if (this.work !== undefined) this.work.isUp = false
    this.work = undefined
  }

  /** The operator's signature under a yes. */
  signs(baseHash: Uint8Array, proposalHash: Uint8Array, seq: number): Uint8Array | null {
    const net = this.#net
    const member = net.memberOf(this)
    if (member === undefined) return null
    const object = Answer.encode({
      committeeId: net.committeeId,
      baseHash,
      proposalHash,
      seq,
      yes: true,
      index: member.index,
      operatorSig: null,
    })
    return ed25519.sign(signedMessage('answer', net.networkId, object), this.#operator)
  }

  /** Signed by this guest and its operator. */
  join(): SignedJoin {
    const net = this.#net
    const { guestSig, guestEnc } = this.vault as Vault
    const { index: _, evidenceHash: __, ...names } = exampleMember(this.id)
    const object: Join = {
      ...names,
      networkId: net.networkId,
      committeeId: net.committeeId,
      guestSig,
      guestEnc,
      operatorKey: this.operatorKey,
      evidence: new Uint8Array(),
      nonce: new Uint8Array(16).fill(this.id),
      expiresAt: net.clock.unixMs() + 3_600_000,
    }
    evidenceHash(object.evidence)
    const guest = signObject(Join, object, net.networkId, (message) =>
      (this.vault as Vault).sign(message),
    )
    const operator = signObject(Join, object, net.networkId, (message) =>
      ed25519.sign(message, this.#operator),
    )
    return {
      object,
      objectBytes: guest.objectBytes,
      guestSignature: guest.signature,
      operatorSignature: operator.signature,
    }
  }

  #noticed(notice: OperatorNotice): void {
    this.notices.push(notice)
    if (notice.about !== 'consult' || !this.agrees) return
    const { proposalHash } = notice
    this.#net.clock.after(50, () => {
      const state = this.epochs?.state
      if (state === undefined) return
      const operatorSig = this.signs(state.base.hash, proposalHash, state.answerSeq + 1)
      void this.epochs?.ask({ type: 'operator-answer', proposalHash, yes: true, operatorSig })
    })
  }
}

/** A committee in one process: real machine, codecs, signatures and vaults; shares, hosts and time are played. */
export class EpochNet {
  readonly clock: TestClock = new TestClock(START_S)
  readonly shares: FakeShares = new FakeShares((ms, run) => this.clock.after(ms, run))
  readonly nodes: NetNode[] = []
  genesis: Uint8Array = new Uint8Array()
  networkId: Uint8Array = new Uint8Array()
  committeeId: Uint8Array = new Uint8Array()
  letters = 0
  /** Letters that get through; what it gives back is what arrives. */
  carries: (from: NetNode, to: NetNode, bytes: Uint8Array) => Uint8Array | null = (_f, _t, bytes) =>
    bytes

  /** n founders that are up. */
  static async found(n: number, t: number): Promise<EpochNet> {
    const net = new EpochNet()
    for (let id = 1; id <= n; id++) net.nodes.push(new NetNode(net, id))
    const members = await Promise.all(net.nodes.map((node, i) => node.entry(i + 1)))
    const example = exampleGenesis(n, t)
    net.genesis = encodeGenesis({
      ...example,
      members,
      params: { ...example.params, drainMs: 1_000 },
    })
    net.networkId = networkIdOf(net.genesis)
    net.committeeId = committeeIdOf(net.networkId, 0)
    net.#founders = members
    for (const node of net.nodes) await node.start()
    return net
  }

  #founders: readonly Member[] = []

  /** A machine that is in no committee yet. */
  async newcomer(): Promise<NetNode> {
    const node = new NetNode(this, this.nodes.length + 1)
    await node.open(null)
    this.nodes.push(node)
    await node.start()
    return node
  }

  /** The entry of a node in what it takes for the base. */
  memberOf(node: NetNode): Member | undefined {
    const members = node.epochs?.state?.base.record.members ?? this.#founders
    return members.find(({ guestSig }) => bytesToHex(guestSig) === node.name)
  }

  at(id: number): NetNode {
    const node = this.nodes.find((one) => one.id === id)
    if (node === undefined) throw new Error(`no node ${id}`)
    return node
  }

  post(from: NetNode, to: string, bytes: Uint8Array): void {
    this.letters++
    const receiver = this.nodes.find((node) => node.name === to)
    if (receiver === undefined) return
    const carried = this.carries(from, receiver, bytes)
    if (carried !== null) this.clock.after(LETTER_MS, () => receiver.epochs?.receive(carried))
  }

  propose(
    by: NetNode,
    fields: Partial<Omit<Proposal, 'committeeId' | 'baseHash' | 'proposerIndex' | 'nonce'>> = {},
    joins: readonly SignedJoin[] = [],
  ): Promise<unknown> | undefined {
    return by.epochs?.ask({
      type: 'propose',
      joins,
      proposal: {
        kind: 2,
        joins: [],
        leaves: [],
        t: by.state.base.record.t,
        params: null,
        allowAdd: [],
        allowDrop: [],
        unban: [],
        expiresAt: this.clock.unixMs() + 3_600_000,
        ...fields,
      },
    })
  }

  /** Lets time pass, everything that is under way being done before each bell, until it is so; false if it is not in `ms`. */
  async until(isSo: () => boolean, ms = 120_000): Promise<boolean> {
    const end = this.clock.monotonicMs() + ms
    for (;;) {
      await new Promise((resolve) => setImmediate(resolve))
      if (isSo()) return true
      if (this.clock.monotonicMs() >= end || !this.clock.skip()) return false
    }
  }

  allIn(e: number, nodes: readonly NetNode[] = this.nodes): () => boolean {
    return () => nodes.every((node) => node.e === e && node.state.standing === 'member')
  }
}
