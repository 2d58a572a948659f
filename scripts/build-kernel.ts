import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'

export interface AssemblyOptions {
  /** Folder of the checkout. */
  readonly root: string
  /** Relative to it. */
  readonly entry: string
}

type Compiler = (
  argv: readonly string[],
  options: { writeFile(name: string, contents: Uint8Array | string): void },
) => Promise<{ error: Error | null; stderr: { toString(): string } }>

/** Its declarations redefine the globals of Node; only this much of it is used. */
const COMPILER: string = 'assemblyscript/asc'

/** 8 MiB that never grow; no allocator, no assertions left, SIMD (10 §4). */
const FLAGS: readonly string[] = [
  '-O3',
  '--converge',
  '--noAssert',
  ...['--runtime', 'stub'],
  ...['--enable', 'simd'],
  ...['--initialMemory', '128'],
  ...['--maximumMemory', '128'],
  ...['--use', 'abort='], // nothing but `entropy` is imported
]

/** One WebAssembly module, the same bytes in every folder. Throws what the compiler reports. */
export async function compileAssembly({ root, entry }: AssemblyOptions): Promise<Uint8Array> {
  const { main: asc } = (await import(COMPILER)) as { main: Compiler }
  let module: Uint8Array | undefined
  const { error, stderr } = await asc(
    [entry, '--baseDir', root, '--outFile', 'kernel.wasm', ...FLAGS],
    {
      writeFile(_name, contents) {
        if (typeof contents !== 'string') module = contents
      },
    },
  )
  if (error !== null) throw new Error(`${entry} does not compile:\n${stderr.toString()}`)
  if (module === undefined) throw new Error(`bug: no module of ${entry}`)
  return module
}

/** What a build is made of: every source below `folder`, in a fixed order. */
export async function assemblySources(root: string, folder: string): Promise<Uint8Array[]> {
  const names = await readdir(join(root, folder), { recursive: true })
  const sources = names.filter((name) => name.endsWith('.ts')).sort()
  return Promise.all(sources.map((name) => readFile(join(root, folder, name))))
}
