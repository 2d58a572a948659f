import { randomBytes } from 'node:crypto'
import { readFileSync, writeSync } from 'node:fs'
import { portStore } from '../../../enclave-runtime/guest/vault/port-store.ts'
import { Vault } from '../../../enclave-runtime/guest/vault/vault.ts'
import { VaultError } from '../../../enclave-runtime/guest/vault/vault-error.ts'
import {
  checkReply,
  commandAsk,
  doneReply,
  envelopeFrame,
  guestEvent,
  helloToGuest,
  helloToHost,
  leadReply,
  PORT_TYPES,
  rpcAsk,
  statusReply,
} from '../../../enclave-runtime/port/messages.ts'
import { Port } from '../../../enclave-runtime/port/port.ts'
import { inheritedEpochFile, readRoot } from '../../../enclave-runtime/sealing/inherited-files.ts'
import { softwareBackend } from '../../../enclave-runtime/sealing/software-backend.ts'
import type { Kernel } from '../../../protocols/kernel/kernel.ts'

/** A guest for tests of launcher and client: a true vault, and the misbehaviour that its peer id names. */
const random = (length: number) => new Uint8Array(randomBytes(length))
const never = new AbortController().signal
const kernel: Pick<Kernel, 'shareOut' | 'shareIn'> = {
  shareOut: () => new Uint8Array(32),
  shareIn: () => {
    throw new Error('no shares here')
  },
}

const port = new Port(
  {
    write: (bytes) => process.stdout.write(bytes),
    pause: () => process.stdin.pause(),
    resume: () => process.stdin.resume(),
  },
  () => process.exit(70),
)
process.stdin.on('data', (chunk: Uint8Array) => port.receive(chunk))
process.stdin.on('end', () => process.exit(0))
process.stdout.on('drain', () => port.drained())

const misbehave: Readonly<Record<string, () => void>> = {
  silent: () => {},
  rollback: () => {
    writeSync(2, 'some free text with a secret\nROLLBACK\n')
    process.exit(72)
  },
  crash: () => {
    throw new Error('a stack trace') // nobody catches it
  },
  'bad-frame': () => writeSync(1, Buffer.from([0, 0, 0, 1, 1])),
  'bad-payload': () => writeSync(1, Buffer.from([0, 0, 0, 6, 1, 0, 0, 0, 0, 0xff])),
  'read-file': () => {
    try {
      readFileSync('/etc/hostname')
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'ERR_ACCESS_DENIED')
        process.exit(Object.keys(process.env).length === 0 ? 73 : 1)
    }
  },
}

port.serve(PORT_TYPES.hello, async (payload) => {
  const hello = helloToGuest.decode(payload)
  const odd = misbehave[hello.peerId]
  if (odd !== undefined) odd()
  else await start(hello.peerId, hello.genesis).catch(refuse)
  return doneReply.encode({ ok: true })
})

function refuse(error: unknown): never {
  if (!(error instanceof VaultError)) throw error
  writeSync(2, `${error.code}\n`)
  process.exit(71)
}

async function start(mode: string, genesis: Uint8Array | null): Promise<void> {
  const backend = softwareBackend(readRoot(), inheritedEpochFile(), random)
  const vault = await Vault.open(backend, portStore(port), {
    networkId: genesis === null ? null : genesis.slice(0, 32),
    random,
    kernel,
    named: () => true,
  })
  serve(mode, vault)
  const hello = {
    v: 1,
    networkId: genesis?.slice(0, 32) ?? null,
    guestSig: vault.guestSig,
    guestEnc: vault.guestEnc,
    index: genesis && 1,
  } as const
  await port.tell(PORT_TYPES.hello, helloToHost.encode(hello), never)
  await port.tell(PORT_TYPES.event, guestEvent.encode({ code: 'READY' }), never)
  if (mode === 'second-hello') await port.tell(PORT_TYPES.hello, helloToHost.encode(hello), never)
}

function serve(mode: string, vault: Vault): void {
  let up = 0
  port.serve(PORT_TYPES.rpc, async (payload) => {
    const ask = rpcAsk.decode(payload)
    if (mode === 'bad-reply') return doneReply.encode({ ok: true })
    if (ask.op === 'check') return checkReply.encode({ kind: 'done', result: ask.request.length })
    const { attempt, signers, budgetMs, budgets } = ask
    const result = [attempt, budgetMs, budgets?.correlated ?? null, budgets?.presigned ?? null]
    return leadReply.encode({ kind: 'done', result, signers })
  })
  // What comes from a peer goes back to it.
  port.serve(PORT_TYPES.envelope, async (payload) => {
    const frame = envelopeFrame.encode({ ...envelopeFrame.decode(payload), priority: 2 })
    await port.tell(PORT_TYPES.envelope, frame, never)
    return new Uint8Array()
  })
  port.serve(PORT_TYPES.command, async (payload) => {
    const ask = commandAsk.decode(payload)
    if (ask.op === 'links') up = ask.up.length
    if (ask.op === 'unsent') up = 100 * ask.party + ask.priority
    if (ask.op === 'shutdown' && mode !== 'deaf') setImmediate(() => process.exit(0))
    if (ask.op === 'shutdown' && mode === 'deaf') await new Promise(() => {})
    if (ask.op !== 'status') return doneReply.encode({ ok: true })
    return statusReply.encode({
      index: 1,
      pairs: [],
      bans: [],
      presignatures: { own: 0, held: 0 },
      correlations: { pools: [], batches: 0, unknown: 0, aborted: 0 },
      loopDelayMs: 0,
      keys: { active: up, pending: vault.bootCounter, ready: 0 },
      held: 0,
      bootId: new Uint8Array(16),
      ready: true,
    })
  })
}
