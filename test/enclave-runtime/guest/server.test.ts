import { deepEqual, equal, rejects } from 'node:assert/strict'
import { ed25519, x25519 } from '@noble/curves/ed25519.js'
import { limitEvents } from '../../../enclave-runtime/guest/event-limit.ts'
import type { GuestEnd } from '../../../enclave-runtime/guest/exit-codes.ts'
import { bootKernels, type Kernels } from '../../../enclave-runtime/guest/kernels.ts'
import { failedSelfTest } from '../../../enclave-runtime/guest/self-tests.ts'
import { Server } from '../../../enclave-runtime/guest/server.ts'
import { MemoryRecordStore } from '../../../enclave-runtime/host/memory-store.ts'
import {
  alertsReply,
  type CommitteeAsk,
  type CommitteeView,
  committeeAsk,
  committeeTell,
  epochStatusReply,
  historyReply,
  joinReply,
  learnReply,
  proposeReply,
} from '../../../enclave-runtime/port/committee-messages.ts'
import { DEFAULT_GUEST_SETTINGS } from '../../../enclave-runtime/port/guest-settings.ts'
import {
  type CommandAsk,
  checkReply,
  commandAsk,
  doneReply,
  envelopeFrame,
  type GuestEvent,
  getReply,
  type HelloToHost,
  helloToGuest,
  helloToHost,
  initReply,
  type MemberFields,
  PORT_TYPES,
  rpcAsk,
  scanReply,
  signNodeReply,
  statusReply,
  storeAsk,
} from '../../../enclave-runtime/port/messages.ts'
import { Port } from '../../../enclave-runtime/port/port.ts'
import { softwareBackend } from '../../../enclave-runtime/sealing/software-backend.ts'
import { encodeGenesis, networkIdOf } from '../../../protocols/agreement/genesis.ts'
import { verifyNodeRecord } from '../../../protocols/agreement/node-record.ts'
import { Join } from '../../../protocols/agreement/objects/join.ts'
import { isSignedBy } from '../../../protocols/agreement/objects/signed.ts'
import { Secret } from '../../../protocols/crypto/secret.ts'
import { wasmKernel } from '../../../protocols/kernel/load.ts'
import { referenceKernel } from '../../../protocols/kernel/reference/reference-kernel.ts'
import { seeded } from '../../support/seeded.ts'
import { MemoryEpochFile } from '../sealing/memory-epoch-file.ts'
import { TestClient } from './test-client.ts'

const BUNDLE = new Uint8Array(32).fill(0xbb)
const PEER = '12D3KooWEyoppNCUx8Yx66oV9fJnriXwCcXwDDUA2kj6vnc6iDEp'
const OPERATOR = ed25519.getPublicKey(seeded('operator')(32))

/** A node: what outlives its guests. */
class Disk {
  readonly store = new MemoryRecordStore()
  readonly epochs = new MemoryEpochFile()
  readonly root = seeded('root')(32)
}

/** A host that speaks to a server in the same process. */
class Host {
  readonly port: Port
  readonly ended = Promise.withResolvers<GuestEnd>()
  readonly hello = Promise.withResolvers<HelloToHost>()
  readonly events: GuestEvent[] = []
  readonly views: CommitteeView[] = []
  readonly letters: Uint8Array[] = []

  constructor(
    { store, epochs, root }: Disk,
    kernels: Kernels = bootKernels(seeded('server')),
    hasEpochs = false,
  ) {
    let guest: Port
    const later = (to: () => Port) => (bytes: Uint8Array) => {
      setImmediate(() => to().receive(bytes))
      return true
    }
    const nothing = { pause: () => undefined, resume: () => undefined }
    this.port = new Port({ write: later(() => guest), ...nothing }, () => undefined)
    guest = new Port({ write: later(() => this.port), ...nothing }, () =>
      server.end({ code: 70, line: 'PORT_VIOLATION' } as GuestEnd),
    )
    this.port.serve(PORT_TYPES.hello, async (payload) => {
      this.hello.resolve(helloToHost.decode(payload))
      return doneReply.encode({ ok: true })
    })
    this.port.serve(PORT_TYPES.event, async () => doneReply.encode({ ok: true }))
    this.port.serve(PORT_TYPES.committee, async (payload) => {
      const told = committeeTell.decode(payload)
      if (told.op === 'view') this.views.push(told.view)
      if (told.op === 'letter') this.letters.push(told.to)
      return new Uint8Array()
    })
    this.port.serve(PORT_TYPES.store, async (payload) => {
      const ask = storeAsk.decode(payload)
      if (ask.op === 'get') return getReply.encode({ record: (await store.get(ask.name)) ?? null })
      if (ask.op === 'scan') return scanReply.encode(await store.scan(ask.prefix, ask.after))
      await store.batch(ask)
      return doneReply.encode({ ok: true })
    })
    const random = seeded('server')
    const backend = softwareBackend(new Secret(root.slice()), epochs, random)
    const onEnd = (end: GuestEnd) => {
      guest.close()
      this.ended.resolve(end)
    }
    const server = new Server({ port: guest, kernels, backend, hasEpochs, onEnd })
  }

  greet(
    genesis: Uint8Array | null,
    kernel: 'reference' | 'wasm' = 'wasm',
    bundle: Uint8Array = BUNDLE,
  ): void {
    const fields = { v: 1, genesis, bundle, launcher: 'plain', kernel, isRejoining: false } as const
    const bytes = helloToGuest.encode({ ...fields, peerId: PEER, settings: DEFAULT_GUEST_SETTINGS })
    void this.port.tell(PORT_TYPES.hello, bytes, new AbortController().signal)
  }

  askCommittee(ask: CommitteeAsk): Promise<Uint8Array> {
    const { signal } = new AbortController()
    return this.port.request(PORT_TYPES.committee, committeeAsk.encode(ask), signal)
  }

  ask(command: CommandAsk): Promise<Uint8Array> {
    const signal = new AbortController().signal
    return this.port.request(PORT_TYPES.command, commandAsk.encode(command), signal)
  }
}

async function initialised(disk: Disk): Promise<MemberFields> {
  const host = new Host(disk)
  host.greet(null)
  await host.hello.promise
  const fields = { peerId: PEER, operatorKey: OPERATOR, label: 'one' }
  const member = initReply.decode(await host.ask({ op: 'init', ...fields }))
  await host.ask({ op: 'shutdown' })
  equal((await host.ended.promise).code, 0)
  return member
}

const genesisWith = (
  own: MemberFields,
  given: { production?: boolean; allow?: Uint8Array } = {},
) => {
  const other = (index: number): MemberFields => ({
    guestSig: ed25519.getPublicKey(seeded(`sig ${index}`)(32)),
    guestEnc: x25519.getPublicKey(seeded(`enc ${index}`)(32)),
    peerId: PEER.replace(/.$/, String(index)),
    operatorKey: ed25519.getPublicKey(seeded(`op ${index}`)(32)),
    measurement: own.measurement,
    evidenceHash: own.evidenceHash,
    label: `${index}`,
  })
  return encodeGenesis({
    name: 'test',
    salt: new Uint8Array(16),
    createdAt: 1,
    environment: given.production ? 'production' : 'development',
    params: {
      t: 2,
      maxMembers: 16,
      refreshS: 604_800,
      stampS: 3600,
      drainMs: 30_000,
      acceptTtlMs: 60_000,
      attestPolicyHash: null,
      setupsPerHour: given.production ? 6 : 600,
    },
    members: [own, other(2), other(3)].map((member, at) => ({ index: at + 1, ...member })),
    allow: [BUNDLE],
    protocol: 1,
  })
}

describe('the guest behind the port', function () {
  this.timeout(20_000)

  it('makes an identity, joins the network that names it, and signs only its own address', async () => {
    const disk = new Disk()
    const member = await initialised(disk)
    deepEqual([member.peerId, member.label, member.measurement], [PEER, 'one', BUNDLE])
    const genesis = genesisWith(member)
    const host = new Host(disk)
    host.greet(genesis)
    const hello = await host.hello.promise
    deepEqual([hello.index, hello.guestSig], [1, member.guestSig])
    const status = statusReply.decode(await host.ask({ op: 'status' }))
    deepEqual([status.index, status.ready, status.held], [1, false, 0])

    const now = Date.now()
    const fields = { multiaddrs: [], gateway: null, seq: 1, expiresAt: now + 60_000 }
    const signed = signNodeReply.decode(await host.ask({ op: 'signNode', peerId: PEER, ...fields }))
    equal(verifyNodeRecord(signed.record, networkIdOf(genesis), now).peerId, PEER)
    const other = PEER.replace(/.$/, '2')
    await rejects(host.ask({ op: 'signNode', peerId: other, ...fields }), { code: 'NOT_OWN_PEER' })
    await rejects(host.ask({ op: 'init', peerId: PEER, operatorKey: OPERATOR, label: 'x' }), {
      code: 'NETWORK_SET',
    })
    host.greet(genesis) // a second time
    equal((await host.ended.promise).code, 70)
  })

  it('sends envelopes one-way, and only to those whose hosts are linked', async () => {
    const disk = new Disk()
    const member = await initialised(disk)
    const host = new Host(disk)
    const sent: [number, number][] = []
    host.port.serve(PORT_TYPES.envelope, async (payload) => {
      const { peer, bytes } = envelopeFrame.decode(payload)
      sent.push([peer, bytes[1] ?? 0])
      return new Uint8Array()
    })
    host.greet(genesisWith(member))
    await host.hello.promise
    const { signal } = new AbortController()
    const tell = (ask: CommandAsk) =>
      host.port.tell(PORT_TYPES.command, commandAsk.encode(ask), signal)
    await host.ask({ op: 'status' })
    deepEqual(sent, [])
    await tell({ op: 'links', up: [2] })
    await host.ask({ op: 'status' })
    await host.ask({ op: 'status' })
    deepEqual(sent, [[2, 1]]) // the first message of a handshake
    await tell({ op: 'unsent', party: 2, priority: 0 })
    await host.ask({ op: 'status' }) // it lives on
    await host.ask({ op: 'shutdown' })
    equal((await host.ended.promise).code, 0)
  })

  it('asks the members that its genesis file names what it missed, and serves nothing before an epoch', async () => {
    const disk = new Disk()
    const member = await initialised(disk)
    const genesis = genesisWith(member)
    const host = new Host(disk, undefined, true)
    host.greet(genesis)
    equal((await host.hello.promise).index, 1)
    const status = epochStatusReply.decode(await host.askCommittee({ op: 'epoch-status' }))
    deepEqual([status.standing, status.epoch, status.index], ['asking', null, 1])
    deepEqual(status.baseHash, networkIdOf(genesis))
    deepEqual(
      host.views.map(({ standing, epoch, members }) => [standing, epoch, members.length]),
      [['asking', null, 3]],
    )
    const others = status.members.filter(({ index }) => index > 1)
    for (const { guestSig } of others)
      equal(host.letters.filter((to) => Buffer.from(to).equals(guestSig)).length > 0, true)
    const { ready, held } = statusReply.decode(await host.ask({ op: 'status' }))
    deepEqual([ready, held], [false, 0])
    const client = new TestClient('too early')
    const bytes = rpcAsk.encode({ op: 'check', request: client.create() })
    const { signal } = new AbortController()
    const refused = checkReply.decode(await host.port.request(PORT_TYPES.rpc, bytes, signal))
    equal(refused.kind === 'error' && refused.id, 'NOT_YET')

    const { alerts } = alertsReply.decode(await host.askCommittee({ op: 'alerts' }))
    deepEqual(alerts, [])
    deepEqual(historyReply.decode(await host.askCommittee({ op: 'history', e: 0 })), { cert: null })
    const junk = new Uint8Array(100)
    const learnt = await host.askCommittee({ op: 'learn', cert: junk })
    deepEqual(learnReply.decode(learnt), { learnt: 'refused' })
    const wish = { op: 'leave', leave: junk, t: 2, expiresAt: 1 } as const
    equal(proposeReply.decode(await host.askCommittee(wish)).proposalHash, null)
    const late = { proposalHash: status.baseHash, yes: true, seq: 2, operatorSig: null }
    await rejects(host.askCommittee({ op: 'answer', ...late }), { code: 'ANSWERED_MEANWHILE' })
    await host.ask({ op: 'shutdown' })
    equal((await host.ended.promise).code, 0)
  })

  it('that no epoch names yet says what its operator signs to join, for itself alone', async () => {
    const disk = new Disk()
    const member = await initialised(disk)
    const stranger = { ...member, guestSig: ed25519.getPublicKey(seeded('stranger')(32)) }
    const genesis = genesisWith(stranger)
    const host = new Host(disk, undefined, true)
    host.greet(genesis)
    equal((await host.hello.promise).index, null)
    const status = epochStatusReply.decode(await host.askCommittee({ op: 'epoch-status' }))
    deepEqual([status.standing, status.index], ['joining', null])
    const fields = { peerId: PEER, operatorKey: OPERATOR, label: 'six', expiresAt: Date.now() }
    const asked = { op: 'join', ...fields, evidence: new Uint8Array() } as const
    const { object, guestSignature } = joinReply.decode(await host.askCommittee(asked))
    const join = Join.decode(object)
    deepEqual([join.guestSig, join.guestEnc, join.label], [member.guestSig, member.guestEnc, 'six'])
    deepEqual([join.measurement, join.networkId], [BUNDLE, networkIdOf(genesis)])
    const signed = { object: join, objectBytes: object, signature: guestSignature }
    equal(isSignedBy(Join, signed, networkIdOf(genesis), member.guestSig), true)
    const place = { multiaddrs: [], gateway: null, seq: 1, expiresAt: Date.now() + 60_000 }
    const record = await host.ask({ op: 'signNode', peerId: PEER, ...place })
    const own = verifyNodeRecord(
      signNodeReply.decode(record).record,
      networkIdOf(genesis),
      Date.now(),
    )
    equal(own.peerId, PEER)
    await host.ask({ op: 'shutdown' })
    equal((await host.ended.promise).code, 0)
  })

  it('ends with the code of its reason', async () => {
    const disk = new Disk()
    const member = await initialised(disk)
    const ends = async (
      genesis: Uint8Array | null,
      kernel: 'reference' | 'wasm',
      on: Disk = disk,
    ): Promise<string> => {
      const host = new Host(on)
      host.greet(genesis, kernel)
      const { code, line } = await host.ended.promise
      return `${code} ${line}`
    }
    equal(
      await ends(genesisWith(member, { production: true }), 'reference'),
      '73 KERNEL_NOT_FOR_PRODUCTION',
    )
    equal(
      await ends(genesisWith(member, { production: true }), 'wasm'),
      '74 LAUNCHER_NOT_FOR_PRODUCTION',
    )
    const { reference } = bootKernels(seeded('no SIMD'))
    const old = new Host(disk, { wasm: undefined, reference })
    old.greet(genesisWith(member), 'wasm')
    equal((await old.ended.promise).line, 'SIMD_MISSING')
    equal((await old.ended.promise).code, 73)
    equal(await ends(Uint8Array.of(1, 2, 3), 'reference'), '71 GENESIS_INVALID')
    equal(await ends(genesisWith(member), 'reference', new Disk()), '71 NO_IDENTITY')
    const replaced = new Host(disk)
    replaced.greet(genesisWith(member), 'reference', new Uint8Array(32))
    const { code, line } = await replaced.ended.promise
    deepEqual([code, line], [74, 'BUNDLE_NOT_ALLOWED'])
    const stranger = { ...member, guestSig: ed25519.getPublicKey(seeded('stranger')(32)) }
    equal(await ends(genesisWith(stranger), 'reference'), '71 WRONG_NETWORK')
  })

  it('ends with 72 when a record does not authenticate later on, and nothing is erased', async () => {
    const disk = new Disk()
    const member = await initialised(disk)
    const genesis = genesisWith(member)
    const host = new Host(disk)
    host.greet(genesis)
    await host.hello.promise
    const { rows } = await disk.store.scan('', '')
    disk.store.get = async () => new Uint8Array(64)
    const client = new TestClient('server')
    client.accountId = new Uint8Array(16).fill(1)
    const iat = Math.floor(Date.now() / 1000)
    const request = client.message('0x01', {
      networkId: networkIdOf(genesis),
      iat,
      exp: iat + 60,
    })
    const bytes = rpcAsk.encode({ op: 'check', request })
    void host.port
      .request(PORT_TYPES.rpc, bytes, new AbortController().signal)
      .catch(() => undefined)
    const { code, line } = await host.ended.promise
    deepEqual([code, line], [72, 'RECORD_CORRUPT'])
    deepEqual((await disk.store.scan('', '')).rows, rows)
    equal(host.events.filter((event) => event.code === 'HALTED').length, 0) // its end says it
  })

  it('runs on the reference kernel where a development network asks for it', async () => {
    const disk = new Disk()
    const member = await initialised(disk)
    const asked: string[] = []
    const { reference } = bootKernels(seeded('asked'))
    const host = new Host(disk, {
      wasm: undefined,
      reference: () => {
        asked.push('reference')
        return reference()
      },
    })
    host.greet(genesisWith(member), 'reference')
    equal((await host.hello.promise).index, 1)
    deepEqual(asked, ['reference'])
  })

  for (const make of [wasmKernel, referenceKernel]) {
    it(`tests its own arithmetic before anything else: ${make(seeded('name')).name}`, () => {
      const kernel = make(seeded('self-test'))
      equal(failedSelfTest(kernel), undefined)
      equal(failedSelfTest({ ...kernel, held: 0, ecdsaVerify: () => true }), 'ECDSA')
      equal(failedSelfTest({ ...kernel, held: 0, sumPoints: () => undefined }), 'KERNEL')
    })
  }

  it('tells a hundred events a second, and how many more there were', () => {
    const told: GuestEvent[] = []
    let now = 0
    const tell = limitEvents(
      (event) => told.push(event),
      () => now,
    )
    for (let i = 0; i < 150; i++) tell({ code: 'SIGNED' })
    equal(told.length, 100)
    now = 1000
    tell({ code: 'SIGNED' })
    deepEqual(told.slice(100), [{ code: 'EVENTS_DROPPED', number: 50 }, { code: 'SIGNED' }])
  })
})
