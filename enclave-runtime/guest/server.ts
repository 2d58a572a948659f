import { randomBytes } from 'node:crypto'
import { objectFields } from '../../protocols/agreement/fields.ts'
import {
  committeeIdOf,
  decodeGenesis,
  type Genesis,
  networkIdOf,
} from '../../protocols/agreement/genesis.ts'
import {
  encodeNodeRecord,
  encodeSignedNodeRecord,
  nodeRecordMessage,
} from '../../protocols/agreement/node-record.ts'
import type { EpochRecord } from '../../protocols/agreement/objects/record.ts'
import type { Random } from '../../protocols/crypto/random.ts'
import { type Kernel, KernelMisuse } from '../../protocols/kernel/kernel.ts'
import { decodeCanonical, encodeCanonical } from '../../protocols/session/canonical-cbor.ts'
import { DecodeError } from '../../protocols/session/codec.ts'
import type { PartyIndex } from '../../protocols/session/faults.ts'
import { PortViolation } from '../port/frames.ts'
import {
  type CommandAsk,
  checkReply,
  commandAsk,
  doneReply,
  type EventCode,
  envelopeFrame,
  guestEvent,
  type HelloToGuest,
  helloToGuest,
  helloToHost,
  initReply,
  leadReply,
  PORT_TYPES,
  rpcAsk,
  signNodeReply,
  statusReply,
  WAITING_ENVELOPE_BYTES,
} from '../port/messages.ts'
import { type Port, PortError } from '../port/port.ts'
import type { SealingBackend } from '../sealing/backend.ts'
import { LoopDelay } from './background/loop-delay.ts'
import { committeeOf } from './committee.ts'
import { CommitteeAsks } from './composition/committee-asks.ts'
import { EpochGuest } from './composition/epoch-guest.ts'
import { portCarrier } from './composition/port-carrier.ts'
import { roomChannels } from './composition/room-channels.ts'
import type { EpochName } from './epochs/epoch-work.ts'
import type { Epochs } from './epochs/epochs.ts'
import { limitEvents } from './event-limit.ts'
import { EXIT_CODES, endOf, GuestEnd } from './exit-codes.ts'
import { chosenKernel, type Kernels } from './kernels.ts'
import { Member } from './member.ts'
import { nodeSuite } from './noise-suite.ts'
import type { GuestInit } from './rooms/guest-init.ts'
import type { RoomPlan, RoomPost } from './rooms/room-plan.ts'
import { monotonicClock as clock, idleClock } from './sessions/monotonic-clock.ts'
import { portStore } from './vault/port-store.ts'
import { Vault } from './vault/vault.ts'

const TELL_MS = 10_000 // for a frame to find room in the queue
const ENVELOPE_MS = 30_000 // for the host to take what waits before it
const NOTHING = new Uint8Array() // what a one-way frame gives back: it is not sent
const MAX_INITIALISED_BYTES = 1024 // a peer id, a key and a label
const NO_EVIDENCE = new Uint8Array(32) // software guests have none (04a)

export interface ServerInit {
  readonly port: Port
  readonly kernels: Kernels
  readonly backend: SealingBackend
  /** Whether the committee may change; else it is that of the genesis file for ever. */
  readonly hasEpochs: boolean
  /** The guest is over: secrets are wiped already. */
  readonly onEnd: (end: GuestEnd) => void
}

export const systemRandom: Random = (length) => new Uint8Array(randomBytes(length))

/** Answers the host: hello first and once, then requests, envelopes and commands (04 §2). */
export class Server {
  readonly #init: ServerInit
  readonly #bootId = systemRandom(16)
  readonly #tell: (event: { code: EventCode; party?: PartyIndex; number?: number }) => void
  #hello: HelloToGuest | undefined
  #kernel: Kernel | undefined
  #vault: Vault | undefined
  #member: Member | undefined
  #epochs: EpochGuest | undefined
  #asks: CommitteeAsks | undefined
  #loopDelay: LoopDelay | undefined
  #linked: ReadonlySet<PartyIndex> = new Set() // whose hosts the own one reaches
  #ended = false

  constructor(init: ServerInit) {
    this.#init = init
    const { port } = init
    this.#tell = limitEvents(
      (event) => this.#toHost(PORT_TYPES.event, guestEvent.encode(event)),
      () => clock.monotonicMs(),
    )
    port.serve(PORT_TYPES.hello, (payload) => this.#takeHello(payload))
    port.serve(PORT_TYPES.rpc, (payload) => this.#takeRpc(payload))
    port.serve(PORT_TYPES.envelope, (payload) => this.#takeEnvelope(payload))
    port.serve(PORT_TYPES.committee, (payload) => this.#takeCommittee(payload))
    port.serve(PORT_TYPES.command, (payload) => this.#takeCommand(payload))
  }

  /** Wipes every secret and ends; the first reason stays. */
  end(end: GuestEnd): void {
    if (this.#ended) return
    this.#ended = true
    this.#init.port.flush()
    this.#loopDelay?.close()
    if (this.#epochs !== undefined) this.#epochs.close()
    else this.#member?.close()
    this.#vault?.close()
    this.#kernel?.wipeAll()
    this.#init.onEnd(end)
  }

  async #takeHello(payload: Uint8Array): Promise<Uint8Array> {
    if (this.#hello !== undefined) throw new PortViolation('a second hello')
    const hello = helloToGuest.decode(payload)
    this.#hello = hello
    try {
      await this.#start(hello)
    } catch (error) {
      this.#defect(error, true)
    }
    return doneReply.encode({ ok: true })
  }

  async #start(hello: HelloToGuest): Promise<void> {
    const { kernels, backend, port } = this.#init
    const genesis = hello.genesis === null ? null : readGenesis(hello.genesis)
    const networkId = hello.genesis === null ? null : networkIdOf(hello.genesis)
    if (!this.#init.hasEpochs) assertBundle(hello, genesis)
    const kernel = chosenKernel(kernels, hello.kernel, genesis)
    assertLauncher(hello, genesis)
    this.#kernel = kernel
    const vault = await Vault.open(backend, portStore(port), {
      networkId,
      random: systemRandom,
      kernel,
      // Who is not in the file may come to be a member.
      named: (guestSig, guestEnc) => this.#init.hasEpochs || namedBy(genesis, guestSig, guestEnc),
    })
    this.#vault = vault
    if (this.#ended) {
      vault.close()
      return
    }
    const index = genesis === null ? null : await this.#join(genesis, hello, vault, kernel)
    const { guestSig, guestEnc } = vault
    this.#toHost(
      PORT_TYPES.hello,
      helloToHost.encode({ v: 1, networkId, guestSig, guestEnc, index }),
    )
    this.#tell({ code: 'UNSANDBOXED' })
    this.#tell({ code: 'READY' })
  }

  /** Takes its place in the network: the own index, or null for a guest that no epoch names yet. */
  async #join(
    genesis: Genesis,
    hello: HelloToGuest,
    vault: Vault,
    kernel: Kernel,
  ): Promise<PartyIndex | null> {
    const { settings, genesis: file } = hello
    if (file === null) throw new Error('bug: no genesis file')
    const loopDelay = new LoopDelay(idleClock)
    this.#loopDelay = loopDelay
    const init = {
      connect: (plan: RoomPlan) => this.#connect(plan, vault),
      kernel,
      random: systemRandom,
      clock,
      bootId: this.#bootId,
      settings,
      loopDelayMs: () => loopDelay.maxMs,
      tell: (code: EventCode, party?: PartyIndex, number?: number) =>
        this.#tell({
          code,
          ...(party === undefined ? {} : { party }),
          ...(number === undefined ? {} : { number }),
        }),
      onDefect: (error: unknown) => this.#defect(error, false),
    }
    if (this.#init.hasEpochs) return this.#joinEpochs(genesis, file, hello, vault, init)
    const committee = committeeOf(genesis, networkIdOf(file), vault.guestSig)
    if (committee === undefined) throw new GuestEnd(EXIT_CODES.sealing, 'WRONG_NETWORK') // its records are of this network, its name is not
    const recordsOf = (epoch: EpochName) => vault.inEpoch(epoch)
    const member = new Member({ ...init, records: vault, recordsOf })
    this.#member = member
    const { members } = genesis
    member.rooms.open({ committee, channelMembers: members, isForming: false, unban: [] })
    member.rooms.serve(committee.epoch)
    return committee.me.index
  }

  async #joinEpochs(
    { members, allow }: Genesis,
    genesis: Uint8Array,
    { bundle, isRejoining }: HelloToGuest,
    vault: Vault,
    init: Omit<GuestInit, 'records' | 'recordsOf' | 'gate'>,
  ): Promise<PartyIndex | null> {
    const guest = await EpochGuest.open({
      ...init,
      genesis,
      vault,
      carrier: portCarrier(this.#init.port),
      measurement: bundle,
      genesisAnswer: null, // the host brings it, as every answer of the operator
      isRejoining,
      onEnd: (end) => this.end(end),
    })
    const { epochs } = guest
    const named = members.some(({ guestSig }) => Buffer.from(guestSig).equals(vault.guestSig))
    const newest = newestRecord(epochs)
    // Whoever knows no record and is to join one may run what only that one allows.
    if (newest !== undefined || named) assertBundle({ bundle }, newest ?? { allow })
    this.#epochs = guest
    this.#member = guest.member
    const networkId = networkIdOf(genesis)
    const committeeId = committeeIdOf(networkId, 0)
    const asked = { epochs, vault, networkId, committeeId, measurement: bundle }
    this.#asks = new CommitteeAsks({ ...asked, random: systemRandom })
    await guest.start()
    const known = epochs.state?.base.record.members ?? members
    const own = known.find(({ guestSig }) => Buffer.from(guestSig).equals(vault.guestSig))
    return own?.index ?? null
  }

  #connect(plan: RoomPlan, vault: Vault): RoomPost {
    const { port } = this.#init
    return roomChannels(
      plan,
      { identity: vault.channelKey, bootId: this.#bootId },
      {
        suite: nodeSuite,
        unixMs: clock.unixMs,
        monotonicMs: clock.monotonicMs,
        after: clock.after,
        vaultSeq: () => vault.seq,
        transmit: (to, bytes, priority) => {
          if (!this.#linked.has(to)) return Promise.reject(new PortError('UNREACHABLE'))
          const frame = envelopeFrame.encode({ peer: to, bytes, priority })
          const { envelope } = PORT_TYPES
          try {
            if (port.offer(envelope, frame, WAITING_ENVELOPE_BYTES)) return undefined
          } catch (error) {
            return Promise.reject(error) // the port is closed
          }
          const limit = AbortSignal.timeout(ENVELOPE_MS)
          return port.tell(envelope, frame, limit, WAITING_ENVELOPE_BYTES)
        },
      },
    )
  }

  async #takeRpc(payload: Uint8Array): Promise<Uint8Array> {
    const ask = rpcAsk.decode(payload)
    const member = this.#member
    if (member === undefined) throw new PortError('NOT_READY')
    if (ask.op === 'check') return checkReply.encode(await member.check(ask.request, ask.offer))
    return leadReply.encode(await member.lead(ask.request, ask))
  }

  async #takeEnvelope(payload: Uint8Array): Promise<Uint8Array> {
    const { peer, bytes } = envelopeFrame.decode(payload)
    this.#member?.rooms.receive(peer, bytes) // before there is a network: lost as on the way
    return NOTHING
  }

  async #takeCommittee(payload: Uint8Array): Promise<Uint8Array> {
    if (this.#asks === undefined) throw new PortError('NO_COMMITTEE')
    return this.#asks.take(payload)
  }

  async #takeCommand(payload: Uint8Array): Promise<Uint8Array> {
    const ask = commandAsk.decode(payload)
    if (ask.op === 'shutdown') {
      setTimeout(() => this.end(new GuestEnd(EXIT_CODES.asked, 'STOPPED')), 0) // after the reply
      return doneReply.encode({ ok: true })
    }
    const vault = this.#vault
    if (vault === undefined) throw new PortError('NOT_READY')
    if (ask.op === 'init') return initReply.encode(await this.#initialise(vault, ask))
    const member = this.#member
    if (member === undefined) throw new PortError('NO_NETWORK')
    if (ask.op === 'status') return statusReply.encode(member.status())
    if (ask.op === 'unsent') {
      member.unsent(ask.party, ask.priority)
      return NOTHING
    }
    if (ask.op === 'links') {
      this.#linked = new Set(ask.up)
      member.links(ask.up)
      return doneReply.encode({ ok: true })
    }
    return signNodeReply.encode({ record: this.#signNode(vault, ask) })
  }

  /** What this guest is called in a genesis file; asked before there is one. */
  async #initialise(
    vault: Vault,
    { peerId, operatorKey, label }: Extract<CommandAsk, { op: 'init' }>,
  ) {
    if (this.#hello === undefined || this.#hello.genesis !== null)
      throw new PortError('NETWORK_SET')
    const record = encodeCanonical(['initialised', 1, peerId, operatorKey, label])
    await vault.write({ critical: new Map([['initialised', record]]) })
    const { guestSig, guestEnc } = vault
    const measurement = this.#hello.bundle
    return {
      guestSig,
      guestEnc,
      peerId,
      operatorKey,
      measurement,
      evidenceHash: NO_EVIDENCE,
      label,
    }
  }

  /** Signs where this node is reached: for its own peer id alone, and for no longer than such records live. */
  #signNode(vault: Vault, fields: Extract<CommandAsk, { op: 'signNode' }>): Uint8Array {
    const hello = this.#hello
    if (hello?.genesis == null) throw new PortError('NO_NETWORK')
    if (this.#ownPeerId(hello.genesis, vault) !== fields.peerId) throw new PortError('NOT_OWN_PEER')
    const { peerId, multiaddrs, gateway, seq, expiresAt } = fields
    const { guestSig } = vault
    const object = encodeNodeRecord({ guestSig, peerId, multiaddrs, gateway, seq, expiresAt })
    const message = nodeRecordMessage(networkIdOf(hello.genesis), object)
    return encodeSignedNodeRecord(object, vault.sign(message))
  }

  /** As the newest record says it, or the genesis file; a guest that is in neither goes by what it was told at its init. */
  #ownPeerId(genesis: Uint8Array, vault: Vault): string | undefined {
    const record = this.#epochs?.epochs.state?.base.record
    const own = (record?.members ?? decodeGenesis(genesis).members).find(({ guestSig }) =>
      Buffer.from(guestSig).equals(vault.guestSig),
    )
    if (own !== undefined) return own.peerId
    const initialised = vault.critical('initialised')
    if (initialised === undefined) return undefined
    const [peerId] = objectFields(
      decodeCanonical(initialised, MAX_INITIALISED_BYTES),
      'initialised',
      3,
    )
    return typeof peerId === 'string' ? peerId : undefined
  }

  /**
   * A failure that is nobody's request. A kernel handle misused, a record that does not authenticate (but
   * for a single share, which halts its key) and a disk that takes no records end the guest; nothing is
   * erased. Anything else is a defect that cost a session, and the guest goes on.
   */
  #defect(error: unknown, starting: boolean): void {
    if (this.#ended || error instanceof PortError) return // the port is closing
    if (error instanceof KernelMisuse)
      this.end(new GuestEnd(EXIT_CODES.selfTest, 'KERNEL_MISUSE', { cause: error }))
    else {
      const end = endOf(error)
      if (end !== undefined) this.end(end)
      else if (starting)
        this.end(new GuestEnd(EXIT_CODES.sealing, 'START_FAILED', { cause: error }))
      else this.#tell({ code: 'SESSION_FAILED' })
    }
  }

  #toHost(type: number, payload: Uint8Array): void {
    this.#init.port.tell(type, payload, AbortSignal.timeout(TELL_MS)).catch((error: unknown) => {
      if (!(error instanceof PortError)) throw error
    })
  }
}

function readGenesis(bytes: Uint8Array): Genesis {
  try {
    return decodeGenesis(bytes)
  } catch (cause) {
    if (!(cause instanceof DecodeError)) throw cause
    throw new GuestEnd(EXIT_CODES.sealing, 'GENESIS_INVALID', { cause })
  }
}

/** The newest epoch that this guest knows to be decided. */
function newestRecord(epochs: Epochs): EpochRecord | undefined {
  let newest: EpochRecord | undefined
  for (let e = 0; ; e++) {
    const cert = epochs.history(e)
    if (cert === undefined) return newest
    newest = cert.record
  }
}

/** The bundle is one that members may run. */
function assertBundle(
  { bundle }: Pick<HelloToGuest, 'bundle'>,
  by: Pick<Genesis, 'allow'> | null,
): void {
  if (by !== null && !by.allow.some((hash) => Buffer.from(hash).equals(bundle)))
    throw new GuestEnd(EXIT_CODES.bundle, 'BUNDLE_NOT_ALLOWED')
}

/** A guest without a sandbox serves development networks alone (04 §3). */
function assertLauncher({ launcher }: HelloToGuest, genesis: Genesis | null): void {
  if (genesis?.environment === 'production' && launcher === 'plain')
    throw new GuestEnd(EXIT_CODES.bundle, 'LAUNCHER_NOT_FOR_PRODUCTION')
}

const namedBy = (genesis: Genesis | null, guestSig: Uint8Array, guestEnc: Uint8Array): boolean =>
  genesis?.members.some(
    (member) =>
      Buffer.from(member.guestSig).equals(guestSig) &&
      Buffer.from(member.guestEnc).equals(guestEnc),
  ) === true
