import { createHash } from 'node:crypto'
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Random } from '../../protocols/crypto/random.ts'
import {
  type WasmMemory,
  type WasmModule,
  type WebAssemblyApi,
  webAssembly,
} from '../../protocols/kernel/wasm/web-assembly.ts'
import { assemblySources, compileAssembly } from '../../scripts/build-kernel.ts'
import { seeded } from './seeded.ts'

const api = webAssembly() as WebAssemblyApi
const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const SOURCES = 'protocols/kernel/assembly'
const PROBES = 'test/protocols/kernel/assembly/probes'
const CACHE = join(ROOT, 'build/probes')

/** A WebAssembly instance whose exported functions take and give numbers. */
export interface Assembled {
  readonly memory: WasmMemory
  readonly exports: Readonly<Record<string, (...args: number[]) => number>>
}

const modules = new Map<string, Promise<WasmModule>>()

/**
 * Compiles an entry (relative to the checkout) once per process, kept under build/ by the hash of all
 * sources, and gives a fresh instance of it; `entropy` comes from `random`.
 */
export async function assembled(entry: string, random: Random = seeded(entry)): Promise<Assembled> {
  const compiling = modules.get(entry) ?? compile(entry)
  modules.set(entry, compiling)
  const instance = new api.Instance(await compiling, {
    env: {
      entropy(at: number, length: number): void {
        new Uint8Array(memory.buffer, at, length).set(random(length))
      },
    },
  })
  const memory = instance.exports['memory'] as WasmMemory
  const exports = instance.exports as Record<string, (...args: number[]) => number>
  return { memory, exports }
}

async function compile(entry: string): Promise<WasmModule> {
  const hash = createHash('sha256').update(entry)
  hash.update(await readFile(new URL('../../scripts/build-kernel.ts', import.meta.url)))
  for (const folder of [SOURCES, PROBES]) {
    for (const source of await assemblySources(ROOT, folder))
      hash.update(`${source.length}/`).update(source)
  }
  const path = join(CACHE, `${hash.digest('hex').slice(0, 32)}.wasm`)
  const kept = await readFile(path).catch(() => undefined)
  if (kept !== undefined) return new api.Module(kept)
  const module = await compileAssembly({ root: ROOT, entry })
  await mkdir(CACHE, { recursive: true })
  await writeFile(`${path}.${process.pid}`, module)
  await rename(`${path}.${process.pid}`, path)
  return new api.Module(new Uint8Array(module))
}
