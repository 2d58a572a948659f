import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Bundle, measureBundle } from '../../../enclave-runtime/host/bundle.ts'
import type { Guest } from '../../../enclave-runtime/host/guest.ts'
import {
  EPOCH_FILE_BYTES as HOST_EPOCH_FILE_BYTES,
  prepareKeys,
} from '../../../enclave-runtime/host/key-files.ts'
import { type LaunchOptions, launchGuest } from '../../../enclave-runtime/host/launch.ts'
import { MemoryRecordStore } from '../../../enclave-runtime/host/memory-store.ts'
import { EPOCH_FILE_BYTES } from '../../../enclave-runtime/sealing/software-backend.ts'
import { buildGuest } from '../../../scripts/build-guest.ts'
import { seeded } from '../../support/seeded.ts'

const root = fileURLToPath(new URL('../../..', import.meta.url))
const GENESIS = new Uint8Array(40).fill(6)
const soon = () => AbortSignal.timeout(15_000)

describe('launchGuest()', () => {
  let folder: string
  let keysDir: string
  let bundle: Bundle
  let running: Guest[] = []

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'holdfast-launch-'))
    keysDir = join(folder, 'node.keys')
    await prepareKeys(keysDir)
    const path = join(folder, 'guest.mjs')
    await buildGuest({
      root,
      entry: 'test/enclave-runtime/host/fixture-guest.ts',
      output: relative(root, path),
    })
    const measured = await measureBundle(path)
    assert.ok(measured)
    bundle = measured
  })
  afterEach(async () => {
    for (const guest of running) await guest.stop()
    running = []
  })
  after(() => rm(folder, { recursive: true }))

  const launch = async (mode: string, more: Partial<LaunchOptions> = {}): Promise<Guest> => {
    const guest = await launchGuest({
      bundle,
      store: new MemoryRecordStore(),
      keysDir,
      genesis: null,
      kernel: 'wasm',
      peerId: mode,
      launcher: 'plain',
      ...more,
    })
    running.push(guest)
    return guest
  }

  it('starts a guest that keeps its identity over restarts and the first start in a network', async () => {
    const store = new MemoryRecordStore()
    const first = await launch('echo', { store })
    assert.equal(first.hello.index, null)
    await first.stop()
    assert.deepEqual(await first.exited, { code: 0, reason: 'stopped', detail: null })
    const second = await launch('echo', { store, genesis: GENESIS })
    assert.deepEqual(second.hello.guestSig, first.hello.guestSig)
    assert.deepEqual(second.hello.networkId, GENESIS.slice(0, 32))
    assert.equal((await second.status(soon())).keys.pending, 2) // its second start
    await second.stop()
    const third = await launch('echo', { store, genesis: GENESIS })
    assert.deepEqual(third.hello.guestEnc, first.hello.guestEnc)
  })

  it('passes requests, envelopes, links and events', async () => {
    const guest = await launch('echo')
    assert.deepEqual(await guest.check(new Uint8Array(7), soon()), { kind: 'done', result: 7 })
    const plan = { attempt: 2, signers: [1, 3], budgetMs: 100 }
    const budgets = { correlated: 80, presigned: 60 }
    const led = (given: typeof plan & { budgets?: typeof budgets }) =>
      guest.lead(new Uint8Array(1), given, soon())
    const [kind, signers] = ['done', [1, 3]] as const
    assert.deepEqual(await led(plan), { kind, result: [2, 100, null, null], signers })
    assert.deepEqual(await led({ ...plan, budgets }), { kind, result: [2, 100, 80, 60], signers })
    const carried: unknown[] = []
    guest.onEnvelope(async (...args) => void carried.push(args))
    for (let i = 0; i < 100; i++) await guest.deliver(2, Uint8Array.of(1, i))
    assert.equal((await guest.status(soon())).keys.active, 0) // behind them, in order
    assert.deepEqual(
      carried,
      Array.from({ length: 100 }, (_, i) => [2, Uint8Array.of(1, i), 2]),
    )
    guest.onEnvelope(() => Promise.reject(Object.assign(new Error('full'), { code: 'OVERLOADED' })))
    await guest.deliver(7, Uint8Array.of(1))
    await guest.status(soon()) // by then it was refused
    assert.equal((await guest.status(soon())).keys.active, 702)
    guest.links([2, 3])
    assert.equal((await guest.status(soon())).keys.active, 2)
    const events: string[] = []
    guest.onEvent(({ code }) => events.push(code))
    assert.deepEqual(events, ['READY'])
    await assert.rejects(guest.deliver(2, new Uint8Array()), { code: 'BAD_ENVELOPE' })
  })

  it('gives the guest no files and no environment', async () => {
    await assert.rejects(launch('read-file'), /self-test failed/)
  })

  it('says why a guest ended before hello, in its codes and not in its words', async () => {
    const lines: string[] = []
    const onDiagnostic = (line: string) => void lines.push(line)
    await assert.rejects(launch('rollback', { onDiagnostic }), {
      code: 'GUEST_ENDED',
      message: /rollback.*\(ROLLBACK\)/,
    })
    assert.deepEqual(lines, ['ROLLBACK'])
    await assert.rejects(launch('crash'), (error: Error) => {
      assert.match(error.message, /exit code/)
      assert.doesNotMatch(error.message, /stack/)
      return true
    })
  })

  for (const mode of ['bad-frame', 'bad-payload'])
    it(`kills a guest that sends a ${mode} in place of hello`, async () => {
      await assert.rejects(launch(mode), { code: 'GUEST_ENDED', message: /GUEST_VIOLATION/ })
    })

  it('has a guest that ends with 70 at what is no frame, and never hangs', async () => {
    const random = seeded('host frames')
    for (let i = 0; i < 6; i++) {
      const child = spawn(process.execPath, [bundle.path], { env: {}, stdio: 'pipe' })
      const code = new Promise((resolve) => child.once('close', resolve))
      child.stdin.on('error', () => {}) // it may be gone before all is written
      // Small lengths, so that whole frames of random types arrive as well.
      for (let j = 0; j < 200; j++) child.stdin.write(Buffer.from([0, 0, 0, 9, ...random(9)]))
      assert.equal(await code, 70)
    }
  })

  it('kills a guest that says hello twice, or replies with what is no reply', async () => {
    const twice = await launch('second-hello')
    assert.match((await twice.exited).reason, /GUEST_VIOLATION: a second hello/)
    const bad = await launch('bad-reply')
    await assert.rejects(bad.check(new Uint8Array(1), soon()), { code: 'GUEST_VIOLATION' })
    assert.match((await bad.exited).reason, /GUEST_VIOLATION/)
    await assert.rejects(bad.status(soon()), { name: 'PortError' })
  })

  it('kills a guest that does not stop when asked', async () => {
    const guest = await launch('deaf')
    await Promise.all([guest.stop(), guest.stop()])
    assert.equal((await guest.exited).code, 0) // its input ended
  })

  it('starts nothing when the bundle is another one', async () => {
    const sha256 = bundle.sha256.slice()
    sha256[0] = (sha256[0] ?? 0) ^ 1
    await assert.rejects(launch('echo', { bundle: { ...bundle, sha256 } }), {
      code: 'BUNDLE_NOT_ALLOWED',
    })
    await assert.rejects(launch('echo', { bundle: { ...bundle, path: join(folder, 'none') } }), {
      code: 'BUNDLE_MISSING',
    })
  })

  it('starts nothing without keys, or with keys that others may read', async () => {
    await assert.rejects(launch('echo', { keysDir: join(folder, 'none') }), {
      code: 'KEYS_MISSING',
    })
    const open = join(folder, 'open.keys')
    await prepareKeys(open)
    await chmod(join(open, 'epochs.key'), 0o644)
    await assert.rejects(launch('echo', { keysDir: open }), {
      code: 'KEYS_UNSAFE',
      message: /chmod 600/,
    })
  })

  it('tells another node’s keys from its own', async () => {
    const store = new MemoryRecordStore()
    await (await launch('echo', { store })).stop()
    const other = join(folder, 'other.keys')
    await prepareKeys(other)
    const before = await store.scan('', '')
    await assert.rejects(launch('echo', { store, keysDir: other }), {
      code: 'GUEST_ENDED',
      message: /sealing.*\(WRONG_DEVICE\)/,
    })
    assert.deepEqual(await store.scan('', ''), before)
  })
})

describe('prepareKeys()', () => {
  let folder: string
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'holdfast-keys-'))
  })
  after(() => rm(folder, { recursive: true }))

  it('makes both files for their owner alone, and never replaces one', async () => {
    const keysDir = join(folder, 'a.keys')
    await prepareKeys(keysDir)
    assert.deepEqual((await readdir(keysDir)).sort(), ['epochs.key', 'root.key'])
    for (const name of ['epochs.key', 'root.key'])
      assert.equal((await stat(join(keysDir, name))).mode & 0o777, 0o600)
    assert.equal((await stat(keysDir)).mode & 0o777, 0o700)
    const key = await readFile(join(keysDir, 'root.key'))
    assert.equal(key.length, 32)
    await assert.rejects(prepareKeys(keysDir), { code: 'KEYS_EXIST' })
    assert.deepEqual(await readFile(join(keysDir, 'root.key')), key)
  })

  it('makes an epoch file of the size that the guest expects', () => {
    assert.equal(HOST_EPOCH_FILE_BYTES, EPOCH_FILE_BYTES)
  })
})

describe('buildGuest()', () => {
  let folder: string
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'holdfast-build-'))
  })
  after(() => rm(folder, { recursive: true }))

  const build = async (name: string, source: string) => {
    const at = join(folder, name)
    await mkdir(at, { recursive: true })
    await writeFile(join(at, 'part.ts'), 'export const part: number = 1\n')
    await writeFile(join(at, 'main.ts'), `import { part } from './part.ts'\n${source}\n`)
    const sha256 = await buildGuest({ root: at, entry: 'main.ts', output: 'build/guest.mjs' })
    return { sha256, path: join(at, 'build', 'guest.mjs') }
  }

  it('gives the same bytes in two folders, and their hash beside them', async () => {
    const source = "import { randomBytes } from 'node:crypto'\nrandomBytes(part)"
    const [a, b] = [await build('a', source), await build('a/very/different/b', source)]
    assert.equal(a.sha256, b.sha256)
    assert.deepEqual(await readFile(a.path), await readFile(b.path))
    assert.doesNotMatch(await readFile(a.path, 'utf8'), /holdfast-build-/)
    const measured = await measureBundle(a.path)
    assert.equal(Buffer.from(measured?.sha256 ?? []).toString('hex'), a.sha256)
    assert.equal(await readFile(a.path.replace('.mjs', '.sha256'), 'utf8'), `${a.sha256}\n`)
  })

  for (const planted of [
    "import { connect } from 'node:net'\nconnect(part)",
    "export { spawn } from 'node:child_process'",
    "await import('node:http')",
    "import fs from 'fs/promises'\nawait fs.readFile('x')",
    "import { Worker } from 'node:worker_threads'\nnew Worker('x')",
  ])
    it(`refuses ${planted.split('\n')[0]}`, async () => {
      await assert.rejects(
        build('planted', `${planted}\nprocess.exitCode = part`),
        /may not import/,
      )
    })
})
