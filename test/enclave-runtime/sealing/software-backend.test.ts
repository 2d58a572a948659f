import assert from 'node:assert/strict'
import { constants, openSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inheritedEpochFile, readRoot } from '../../../enclave-runtime/sealing/inherited-files.ts'
import {
  EPOCH_FILE_BYTES,
  softwareBackend,
} from '../../../enclave-runtime/sealing/software-backend.ts'
import { Secret } from '../../../protocols/crypto/secret.ts'
import { sealingBackendSuite } from '../../conformance/sealing-backend.ts'
import { seeded } from '../../support/seeded.ts'
import { MemoryEpochFile } from './memory-epoch-file.ts'

let devices = 0
sealingBackendSuite('software, in memory', async () => {
  const random = seeded(`device ${devices++}`)
  const root = random(32)
  const file = new MemoryEpochFile()
  return { start: async () => softwareBackend(new Secret(root.slice()), file, random) }
})

describe('the software backend on files', () => {
  let folder: string
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'holdfast-keys-'))
  })
  after(() => rm(folder, { recursive: true }))

  sealingBackendSuite('software, through descriptors', async () => {
    const random = seeded(`device ${devices++}`)
    const at = join(folder, String(devices))
    await writeFile(`${at}.root`, random(32))
    await writeFile(`${at}.epochs`, new Uint8Array(EPOCH_FILE_BYTES))
    return {
      start: async () =>
        softwareBackend(
          readRoot(openSync(`${at}.root`, 'r')),
          inheritedEpochFile(openSync(`${at}.epochs`, constants.O_RDWR | constants.O_DSYNC)),
          random,
        ),
    }
  })

  for (const [what, bytes] of [
    ['too short', new Uint8Array(31).fill(1)],
    ['too long', new Uint8Array(33).fill(1)],
    ['all zeros', new Uint8Array(32)],
  ] as const)
    it(`refuses a root key file that is ${what}`, async () => {
      const path = join(folder, 'bad.root')
      await writeFile(path, bytes)
      assert.throws(() => readRoot(openSync(path, 'r')), { code: 'UNAVAILABLE' })
    })

  it('refuses an epoch file of another size', async () => {
    const path = join(folder, 'bad.epochs')
    await writeFile(path, new Uint8Array(10))
    const backend = softwareBackend(
      new Secret(new Uint8Array(32)),
      inheritedEpochFile(openSync(path, 'r+')),
      seeded('size'),
    )
    await assert.rejects(backend.makeEpoch(0n), { code: 'UNAVAILABLE' })
  })
})

describe('the slots of the software backend', () => {
  const start = (file: MemoryEpochFile, seed: string) =>
    softwareBackend(new Secret(new Uint8Array(32).fill(9)), file, seeded(seed))

  it('leaves no byte of an erased secret in the file', async () => {
    const file = new MemoryEpochFile()
    const backend = start(file, 'erase')
    const { secret } = await backend.makeEpoch(0n)
    const bytes = Buffer.from(secret.expose())
    assert.ok(Buffer.from(file.bytes).includes(bytes)) // positive control
    await backend.eraseBefore(1n)
    assert.ok(file.bytes.every((byte) => byte === 0))
  })

  it('takes a slot that a crash left half written as free, and loses no other epoch', async () => {
    for (let cut = 1; cut < 56; cut++) {
      const file = new MemoryEpochFile()
      const first = await start(file, 'first').makeEpoch(0n)
      const whole = new MemoryEpochFile(file.bytes.slice())
      await start(whole, 'second').makeEpoch(1n)
      file.bytes.set(whole.bytes.subarray(64, 64 + cut), 64) // the write stopped here
      const after = start(file, 'third')
      assert.deepEqual((await after.openEpoch(0n, first.data)).expose(), first.secret.expose())
      const again = await after.makeEpoch(1n)
      assert.deepEqual((await after.openEpoch(1n, again.data)).expose(), again.secret.expose())
    }
  })

  it('says when there is no room, and never takes a used slot', async () => {
    const file = new MemoryEpochFile()
    const backend = start(file, 'full')
    const first = await backend.makeEpoch(0n)
    for (let i = 1; i < 64; i++) await backend.makeEpoch(0n)
    await assert.rejects(backend.makeEpoch(0n), { code: 'UNAVAILABLE' })
    assert.deepEqual((await backend.openEpoch(0n, first.data)).expose(), first.secret.expose())
  })

  it('frees a slot with its epoch, so that any number of attempts may fail', async () => {
    const backend = start(new MemoryEpochFile(), 'attempts')
    const kept = await backend.makeEpoch(1n)
    for (let k = 2n; k < 200n; k++) {
      await backend.makeEpoch(k)
      await backend.erase(k)
    }
    assert.deepEqual((await backend.openEpoch(1n, kept.data)).expose(), kept.secret.expose())
  })

  it('says so when an erased secret still reads back', async () => {
    const file = new MemoryEpochFile()
    const backend = start(file, 'worn')
    await backend.makeEpoch(0n)
    file.write = () => undefined
    await assert.rejects(backend.erase(0n), { code: 'UNAVAILABLE' })
    await assert.rejects(backend.eraseBefore(1n), { code: 'UNAVAILABLE' })
  })
})
