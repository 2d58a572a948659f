import { blake3 } from '@noble/hashes/blake3.js'
import { concatBytes } from '@noble/hashes/utils.js'
import type { Effect } from '../../../protocols/agreement/epoch/effects.ts'
import { genesisEpoch } from '../../../protocols/agreement/epoch/genesis-epoch.ts'
import type { HeldKey } from '../../../protocols/agreement/epoch/held-key.ts'
import { hexOf } from '../../../protocols/agreement/epoch/hex-of.ts'
import { inKeyOrder } from '../../../protocols/agreement/epoch/key-lists.ts'
import type { EpochMember } from '../../../protocols/agreement/epoch/machine.ts'
import type { Message } from '../../../protocols/agreement/epoch/messages.ts'
import type { Parts } from '../../../protocols/agreement/epoch/parts.ts'
import type { Attempt, Epoch } from '../../../protocols/agreement/epoch/state.ts'
import type { Join } from '../../../protocols/agreement/objects/join.ts'
import { Join as JOIN, type SignedJoin } from '../../../protocols/agreement/objects/join.ts'
import type { Member } from '../../../protocols/agreement/objects/member.ts'
import { EpochRecord, recordHash } from '../../../protocols/agreement/objects/record.ts'
import { quorums } from '../../../protocols/agreement/quorums.ts'
import { type Base, baseOfRecord } from '../../../protocols/agreement/rules/base.ts'
import { type Chance, chanceOf } from './chance.ts'
import { Clock } from './clock.ts'
import type { Change } from './disk.ts'
import { KeyMaking } from './key-making.ts'
import { closeEmptyLog } from './logs.ts'
import { CALM, type Letter, Network, type Weather } from './network.ts'
import { EPOCH_START_MS, Node } from './node.ts'
import { Notary } from './notary.ts'
import { keysOf, Observer } from './observer.ts'
import { Resharing, type Share } from './resharing.ts'
import { Signing } from './signing.ts'
import { Trace } from './trace.ts'
import { misbehave } from './vices.ts'

/** Guards that live outside the member and can be taken away here; those inside are taken away by changing its source. */
export type Guard = 'sync' | 'proofs' | 'used-mark'

export interface WorldOptions {
  readonly seed: number
  readonly n: number
  readonly t: number
  readonly weather: Weather
  /** Probability that a process dies at one write or send. */
  readonly crashes: number
  readonly without?: ReadonlySet<Guard>
  readonly trace?: boolean
  /** Whether epoch 0 is there from the start; else its members make it of the genesis file. */
  readonly isFounded?: boolean
  /** The member under test: the real one, or one with a guard taken out of its source. */
  readonly machine: { readonly EpochMember: typeof EpochMember }
}

const PURPOSES = ['network', 'disk', 'crash', 'shares', 'world', 'vices', 'random'] as const

/** A committee, its hosts and its network in one process, from a seed (03 §11). */
export class World {
  readonly options: WorldOptions
  readonly clock: Clock = new Clock()
  readonly chances: Readonly<Record<(typeof PURPOSES)[number], Chance>>
  readonly notary: Notary = new Notary()
  readonly trace: Trace
  readonly observer: Observer
  readonly network: Network
  readonly resharing: Resharing
  readonly keys: KeyMaking
  readonly signing: Signing
  readonly nodes: Node[] = []
  readonly genesis: Epoch
  crashProbability: number
  /** Probability that an operator says no. */
  refusals = 0.05
  /** Members, by index, that finish nothing with anybody. */
  idle: ReadonlySet<number> = new Set()
  /** Letters that a test lets through; all where it says nothing. */
  lets: (from: Node, to: Node, message: Message) => boolean = () => true
  /** Where a test wants a process to die: asked at every write and send. */
  dies: ((node: Node, point: string) => boolean) | null = null
  /** Whether a process that died comes back by itself. */
  restarts = true
  readonly #byAddress = new Map<string, Node>()
  readonly #clones = new Map<string, readonly Node[]>()
  readonly networkId: Uint8Array
  readonly committeeId: Uint8Array

  constructor(options: WorldOptions) {
    this.options = options
    this.chances = Object.fromEntries(
      PURPOSES.map((purpose) => [purpose, chanceOf(options.seed, purpose)]),
    ) as Record<(typeof PURPOSES)[number], Chance>
    this.trace = new Trace(options.trace === true)
    this.crashProbability = options.crashes
    this.networkId = this.chances.world.bytes(32)
    this.committeeId = this.chances.world.bytes(32)
    this.observer = new Observer(this)
    this.network = new Network(this.clock, this.chances.network, options.weather, (letter) =>
      this.#deliver(letter),
    )
    this.resharing = new Resharing(this)
    this.keys = new KeyMaking(this)
    this.signing = new Signing(this)
    const founders = Array.from({ length: options.n }, () => this.addNode())
    this.genesis = this.#found(founders)
    if (options.isFounded === false) {
      this.observer.epochs.set(-1, genesisEpoch(this.#genesisBase()))
      for (const node of founders) node.start()
      return
    }
    this.observer.certified(this.genesis)
    for (const node of founders) {
      const share: Share = {
        epochId: hexOf(this.genesis.record.epochId),
        keys: keysOf(this.genesis).map(({ keyId }) => hexOf(keyId)),
        isValid: true,
        transcript: new Uint8Array(32),
      }
      node.disk.write([{ key: 'pend/0/1/0', value: share }], true)
    }
    for (const node of founders) node.start()
  }

  get isFounded(): boolean {
    return this.options.isFounded !== false
  }

  has(guard: Guard): boolean {
    return this.options.without?.has(guard) !== true
  }

  addNode(): Node {
    const node = new Node(this, `n${this.nodes.length + 1}`, this.chances.world.bytes(32))
    this.nodes.push(node)
    this.#byAddress.set(node.address, node)
    return node
  }

  /** A second process with the identity and the disk of a first: both get what is sent to either. */
  clone(node: Node): Node {
    const second = new Node(this, `${node.name}'`, node.guestSig)
    second.disk.restore(node.disk.image())
    for (const one of [node, second]) one.vices.add('cloned')
    this.#clones.set(node.address, [...(this.#clones.get(node.address) ?? []), second])
    second.start()
    return second
  }

  /** The host puts an older state back under a guest; the guest finds out, or it is dishonest without knowing. */
  rollBack(node: Node, image: ReadonlyMap<string, unknown>): void {
    node.isRolledBack = true
    node.crash('rolled back')
    node.disk.restore(image)
  }

  nodeOf(address: string): Node {
    const node = this.#byAddress.get(address)
    if (node === undefined) throw new Error('bug: nobody has this address')
    return node
  }

  /** Records of attempt (e, k) that somebody has READY of: what an equivocator can name. */
  proposedRecords(e: number, k: number): Uint8Array[] {
    const found = new Map<string, Uint8Array>()
    for (const { member } of this.nodes) {
      const attempt = member?.state.attempts.get(k)
      if (attempt?.e !== e) continue
      for (const record of attempt.records.values()) {
        const hash = this.notary.hash(EpochRecord, record)
        found.set(hexOf(hash), hash)
      }
    }
    return [...found.values()]
  }

  isKeyOf = (node: Node, key: Uint8Array): boolean => hexOf(key) === node.address

  membersBefore(attempt: Attempt): readonly Member[] {
    const before = this.observer.epochs.get(attempt.e - 1)
    if (before === undefined) throw new Error('bug: an attempt without a base')
    return before.record.members
  }

  areConnected(nodes: readonly Node[]): boolean {
    return nodes.every((a) => nodes.every((b) => this.network.connected(a.address, b.address)))
  }

  note(node: Node | null, line: () => string): void {
    this.trace.add(this.clock.now, () => `${node?.name ?? '--'} ${line()}`)
  }

  crashes(node: Node, point: string): boolean {
    if (!node.isUp) return false
    if (this.dies?.(node, point) === true) return true
    return this.crashProbability > 0 && this.chances.crash.happens(this.crashProbability)
  }

  syncs(batch: readonly Change[]): boolean {
    return this.has('sync') || !batch.some(({ key }) => key.startsWith('qb/'))
  }

  died(node: Node): void {
    this.observer.afterEvent(node)
    if (!this.restarts) return
    const { life } = node
    this.clock.after(500 + this.chances.world.int(15_000), () => {
      if (node.life === life) node.start()
    })
  }

  /** `holdfast rejoin` after exit 72. */
  exited(node: Node): void {
    this.observer.counts.exits++
    const { life } = node
    this.clock.after(1_000, () => {
      if (node.life === life) node.start(true)
    })
  }

  post(from: Node, to: string, message: Message): void {
    this.observer.sent(from, message)
    const letters: Letter[] = misbehave(this, from, {
      from: from.address,
      boot: from.boot,
      to,
      message,
    })
    for (const letter of letters)
      if (this.lets(from, this.nodeOf(letter.to), letter.message)) this.network.send(letter)
  }

  #deliver({ from, boot, to, message }: Letter): void {
    const whole = this.#withList(message)
    for (const node of [this.nodeOf(to), ...(this.#clones.get(to) ?? [])])
      if (node.isUp && from !== to) node.give({ type: 'message', from, boot, message: whole })
  }

  /** The keys of an epoch before the base are fetched by whoever needs them. */
  #withList(message: Message): Message {
    if (message.type !== 'epoch' || message.keys !== null) return message
    return { ...message, keys: keysOf(this.observer.epochs.get(message.cert.record.e)) }
  }

  carryOut(node: Node, effect: Exclude<Effect, { do: 'write' | 'send' | 'timer' | 'exit' }>): void {
    switch (effect.do) {
      case 'reshare':
        this.resharing.ask(node, effect.task)
        break
      case 'drop-attempt':
        this.#wipe(node, [`pend/${effect.e}/${effect.k}/`])
        break
      case 'destroy':
        this.observer.destroys(node, effect.e)
        this.#wipe(node, [`pend/${effect.e}/`, `share/${effect.e}/`, `key/${effect.e}/`])
        break
      case 'sign-root':
        this.#signRoot(node, effect.e, effect.recordHash)
        break
      case 'close-log':
        closeEmptyLog(node, effect.e)
        break
      case 'open-log':
        break
      case 'certify':
        this.keys.certified(node, effect.keyId)
        break
      case 'release':
        this.observer.released(node, effect.keyId)
        break
      case 'consult': {
        const { proposalHash } = effect
        const yes = !this.chances.world.happens(this.refusals)
        node.giveAfter(200 + this.chances.world.int(3_000), {
          type: 'operator-answer',
          proposalHash,
          yes,
          operatorSig: new Uint8Array(64),
        })
        break
      }
      case 'notice':
        this.note(node, () => JSON.stringify(effect.notice))
        this.observer.noticed(node, effect.notice)
        break
    }
  }

  #wipe(node: Node, prefixes: readonly string[]): void {
    const gone = [...node.disk.durableRecords.keys()].filter((key) =>
      prefixes.some((prefix) => key.startsWith(prefix)),
    )
    if (gone.length > 0)
      node.write(
        gone.map((key) => ({ key, value: undefined })),
        true,
      )
  }

  /** t' holders of the new shares sign; whoever leads learns the signature. */
  #signRoot(node: Node, e: number, hash: Uint8Array): void {
    const epoch = this.observer.epochs.get(e)
    if (epoch === undefined) return
    const signers = epoch.record.members
      .map(({ guestSig }) => this.nodeOf(hexOf(guestSig)))
      .filter((other) => other.isUp && this.network.connected(node.address, other.address))
      .filter(
        (other) =>
          (other.member?.state.base.record.e ?? -1) >= e && this.observer.holds(other, epoch),
      )
    if (signers.length < epoch.record.t) return
    this.observer.rootSigned.add(hexOf(hash))
    node.giveAfter(100 + this.chances.shares.int(500), {
      type: 'root-signed',
      root: { recordHash: hash, signature: new Uint8Array(65).fill(1) },
    })
  }

  makeMember(node: Node, isRejoining: boolean): EpochMember {
    const known = this.nodesGenesis(node)
    return new this.options.machine.EpochMember(this.#parts(node), node.disk.durableRecords, {
      known,
      isRejoining,
    })
  }

  /** What a node starts from: the genesis, and for a joiner every epoch that it verified from the network id. */
  nodesGenesis(node: Node): readonly Epoch[] {
    const upTo = this.observer.joinedAt.get(node.address) ?? (this.isFounded ? 0 : -1)
    return [...this.observer.epochs.values()].filter(({ record }) => record.e <= upTo)
  }

  #parts(node: Node): Parts {
    const { notary } = this
    const random = this.chances.random
    return {
      networkId: this.networkId,
      committeeId: this.committeeId,
      guestSig: node.guestSig,
      sign: (of, value) => notary.sign(node.guestSig, of, value),
      isSignedBy: (of, signed, key) => notary.isSignedBy(of, signed, key),
      hash: (of, value) => notary.hash(of, value),
      signVote: (body) => notary.signBytes(node.guestSig, 'qb', body),
      isVoteBy: (key, body, signature) => notary.areBytesSigned(key, 'qb', body, signature),
      isRootSignature: ({ recordHash: hash }) => this.observer.rootSigned.has(hexOf(hash)),
      isKeyCertified: (key, base) => this.keys.isCertified(key, base),
      verify: {
        // Joins and operators are good here; guests are not always.
        isSignedBy: (of, signed, _network, key) =>
          of.type === 'join' || notary.isSignedBy(of, signed, key),
        isOperatorAnswer: () => true,
        keysReason: () => undefined,
      },
      environment: 'development',
      keyRoot,
      certificatesRoot: (keys) =>
        blake3(concatBytes(...keys.flatMap(({ certificate }) => certificate ?? []))),
      reshared: (e, k, keys) =>
        keys.map((key) => ({
          ...key,
          commitmentHash: blake3(concatBytes(Uint8Array.of(e, k), key.keyId)),
          certificate: null,
        })),
      vaultSeq: () => node.disk.seq,
      headHash: () => new Uint8Array(32),
      bootCounter: node.life,
      openRoot: (open) =>
        blake3(
          concatBytes(...open.flatMap(({ prepared }) => (prepared === null ? [] : [prepared]))),
        ),
      opinion: ({ kind }) => (kind === 2 ? true : null),
      unfit: () => [],
      random: (length) => random.bytes(length),
      workedWith: (index) => !this.idle.has(index),
      prekey: (e, k) => blake3(concatBytes(node.guestSig, Uint8Array.of(e, k))),
      holdsShares: (e) => {
        const epoch = node.member?.state.epochs.get(e)
        return epoch !== undefined && this.observer.holds(node, epoch, !this.has('proofs'))
      },
      rootKeyOf: (k) => {
        const share = node.disk.durable(`pend/0/${k}/0`) as Share | undefined
        const [keyId] = share?.keys ?? []
        return keyId === undefined ? null : this.keys.madeWith(keyId)
      },
      durableChunks: (e, k) => {
        const chunks = new Map<number, Uint8Array>()
        for (const [key, value] of node.disk.durableRecords)
          if (key.startsWith(`pend/${e}/${k}/`))
            chunks.set(Number(key.split('/')[3]), (value as Share).transcript)
        return chunks
      },
    }
  }

  /** What the genesis file of these founders says. */
  #genesisBase(): Base {
    const { record, base } = this.genesis
    return { ...base, hash: this.networkId, next: 0, rootKey: null, params: record.params }
  }

  #found(founders: readonly Node[]): Epoch {
    const { n, t } = this.options
    const rootKeyId = this.chances.world.bytes(32)
    const epochId = this.chances.world.bytes(32)
    const keys: readonly HeldKey[] = [this.keys.known(rootKeyId, epochId)]
    const record: EpochRecord = {
      networkId: this.networkId,
      committeeId: this.committeeId,
      e: 0,
      k: 1,
      kind: 0,
      prevHash: this.networkId,
      proposalHash: this.networkId,
      epochId,
      t,
      members: founders.map((node, i) => this.entryOf(node, i + 1)),
      nextIndex: n + 1,
      rootKey: new Uint8Array(33).fill(2),
      keyCount: 1,
      keySetRoot: keyRoot(keys),
      transcriptHash: new Uint8Array(32),
      allow: [MEASUREMENT],
      unban: [],
      params: {
        t,
        maxMembers: 16,
        refreshS: 604_800,
        stampS: 3_600,
        drainMs: 30_000,
        acceptTtlMs: 600_000,
        attestPolicyHash: null,
        setupsPerHour: 600,
      },
      protocol: 1,
      createdAt: EPOCH_START_MS,
    }
    return { record, hash: recordHash(record), base: baseOfRecord(record), cert: null, keys }
  }

  entryOf(node: Node, index: number): Member {
    const derived = (tag: number): Uint8Array =>
      blake3(concatBytes(node.guestSig, Uint8Array.of(tag)))
    return {
      index,
      guestSig: node.guestSig,
      guestEnc: derived(1),
      peerId: `peer-${node.name}`,
      operatorKey: derived(2),
      measurement: MEASUREMENT,
      evidenceHash: new Uint8Array(32),
      label: node.name,
    }
  }

  joinOf(node: Node, label: string): SignedJoin {
    const { guestSig, guestEnc, peerId, operatorKey, measurement } = this.entryOf(node, 1)
    const object: Join = {
      networkId: this.networkId,
      committeeId: this.committeeId,
      guestSig,
      guestEnc,
      peerId,
      operatorKey,
      measurement,
      evidence: new Uint8Array(),
      label,
      nonce: this.chances.random.bytes(16),
      expiresAt: EPOCH_START_MS + 86_400_000,
    }
    const signature = new Uint8Array(64)
    return {
      object,
      objectBytes: JOIN.encode(object),
      guestSignature: signature,
      operatorSignature: signature,
    }
  }

  numbers(record: Pick<EpochRecord, 'members' | 't'>): ReturnType<typeof quorums> {
    return quorums(record.members.length, record.t)
  }

  /** Whatever was bad becomes good: the network is whole, nobody dies any more, everybody is back. */
  heal(): void {
    this.network.weather = CALM
    this.network.partition(null)
    this.crashProbability = 0
    this.#resolveClones()
    for (const node of this.nodes) {
      node.skew = 0
      if (!node.isUp && !node.isDestroyed) node.start()
    }
  }

  /** What operators do about clones: one of the two ends for good, the other is started afresh. */
  #resolveClones(): void {
    for (const [address, clones] of this.#clones) {
      for (const second of clones) {
        second.isDestroyed = true
        second.crash('one of two clones')
      }
      this.nodeOf(address).crash('started afresh after a clone')
    }
  }

  /** Lets the world go on for `ms`. */
  run(ms: number, until: () => boolean = () => false): void {
    const end = this.clock.now + ms
    while (!until() && this.clock.step(end));
  }
}

const MEASUREMENT = new Uint8Array(32).fill(7)

const keyRoot = (keys: readonly HeldKey[]): Uint8Array =>
  blake3(
    concatBytes(
      ...inKeyOrder(keys).flatMap(({ keyId, commitmentHash }) => [keyId, commitmentHash]),
    ),
  )
