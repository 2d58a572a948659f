import { deepEqual, equal, ok } from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { cp, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { instantiate, SimdMissing } from '../../../../protocols/kernel/wasm/instantiate.ts'
import { MODULE } from '../../../../protocols/kernel/wasm/module.ts'
import { type WebAssemblyApi, webAssembly } from '../../../../protocols/kernel/wasm/web-assembly.ts'
import { compileAssembly, KERNEL_ENTRY, KERNEL_PIN } from '../../../../scripts/build-kernel.ts'
import { seeded } from '../../../support/seeded.ts'

const ROOT = fileURLToPath(new URL('../../../..', import.meta.url))
const MOST_BYTES = 80_000 // 10 §2.1
const COMPILE_MS = 60_000 // two builds on a busy machine

const bytes = Uint8Array.from(Buffer.from(MODULE, 'base64'))

describe('the module of the kernel', () => {
  it('has the hash that is pinned: npm run kernel -- --pin writes it', async () => {
    const pinned = (await readFile(join(ROOT, KERNEL_PIN), 'utf8')).trim()
    equal(createHash('sha256').update(bytes).digest('hex'), pinned)
  })

  it('has the same bytes when it is built in another folder', async function () {
    this.timeout(COMPILE_MS)
    const root = await mkdtemp(join(tmpdir(), 'holdfast-kernel-'))
    try {
      const folder = 'protocols/kernel/assembly'
      await cp(join(ROOT, folder), join(root, folder), { recursive: true })
      const built = await compileAssembly({ root, entry: KERNEL_ENTRY })
      ok(Buffer.from(built).equals(bytes))
    } finally {
      await rm(root, { recursive: true })
    }
  })

  it('imports entropy and nothing else, and is small', () => {
    const { Module } = webAssembly() as unknown as {
      Module: { new (bytes: Uint8Array): object; imports(module: object): unknown }
    }
    deepEqual(Module.imports(new Module(bytes)), [
      { module: 'env', name: 'entropy', kind: 'function' },
    ])
    ok(bytes.length <= MOST_BYTES, `${bytes.length} bytes`)
  })

  it('has 8 MiB of memory that cannot grow', () => {
    const { memory, slotsEnd } = instantiate(seeded('memory'))
    equal(memory.buffer.byteLength, 8 * 1024 * 1024)
    ok(slotsEnd() <= memory.buffer.byteLength)
    const grow = (memory as unknown as { grow(pages: number): number }).grow.bind(memory)
    try {
      grow(1)
      throw new Error('it grew')
    } catch (error) {
      equal((error as Error).name, 'RangeError')
    }
  })

  it('says so where there is no WebAssembly', () => {
    const kept = webAssembly() as WebAssemblyApi
    try {
      Reflect.deleteProperty(globalThis, 'WebAssembly')
      let found: unknown
      try {
        instantiate(seeded('none'))
      } catch (error) {
        found = error
      }
      ok(found instanceof SimdMissing)
    } finally {
      Reflect.defineProperty(globalThis, 'WebAssembly', {
        value: kept,
        configurable: true,
        writable: true,
      })
    }
  })
})
