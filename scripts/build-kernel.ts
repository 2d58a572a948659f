import { createHash } from 'node:crypto'
import { readdir, readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { parseArgs } from 'node:util'

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

export const KERNEL_ENTRY = 'protocols/kernel/assembly/index.ts'
export const KERNEL_PIN = 'protocols/kernel/wasm/module.sha256'
const KERNEL_SOURCES = 'protocols/kernel/assembly'
const KERNEL_MODULE = 'protocols/kernel/wasm/module.ts'

const OPTIMISED: readonly string[] = ['-O3', '--converge']
/** Where static memory begins in what is optimised. */
const AS_OPTIMISED: readonly string[] = ['--memoryBase', '1024']
/** 8 MiB that never grow; no allocator, no assertions left, SIMD (10 §4). */
const FLAGS: readonly string[] = [
  '--noAssert',
  ...['--runtime', 'stub'],
  ...['--enable', 'simd'],
  ...['--initialMemory', '128'],
  ...['--maximumMemory', '128'],
  ...['--use', 'abort='], // nothing but `entropy` is imported
]

/** One WebAssembly module, the same bytes in every folder. Throws what the compiler reports. */
export async function compileAssembly(options: AssemblyOptions): Promise<Uint8Array> {
  const module = await compile(options, ['--outFile', 'kernel.wasm', ...OPTIMISED])
  if (typeof module === 'string') throw new Error(`bug: a text for ${options.entry}`)
  return module
}

/** The module as text, not optimised: it names what is static, which lies where it does in the module itself. */
export async function assemblyText(options: AssemblyOptions): Promise<string> {
  const text = await compile(options, [...['--textFile', 'kernel.wat'], ...AS_OPTIMISED])
  if (typeof text !== 'string') throw new Error(`bug: no text for ${options.entry}`)
  return text
}

async function compile(
  { root, entry }: AssemblyOptions,
  target: readonly string[],
): Promise<Uint8Array | string> {
  const { main: asc } = (await import(COMPILER)) as { main: Compiler }
  let made: Uint8Array | string | undefined
  const { error, stderr } = await asc([entry, '--baseDir', root, ...target, ...FLAGS], {
    writeFile(_name, contents) {
      made = contents
    },
  })
  if (error !== null) throw new Error(`${entry} does not compile:\n${stderr.toString()}`)
  if (made === undefined) throw new Error(`bug: nothing was made of ${entry}`)
  return made
}

/** What a build is made of: every source below `folder`, in a fixed order. */
export async function assemblySources(root: string, folder: string): Promise<Uint8Array[]> {
  const names = await readdir(join(root, folder), { recursive: true })
  const sources = names.filter((name) => name.endsWith('.ts')).sort()
  return Promise.all(sources.map((name) => readFile(join(root, folder, name))))
}

export interface KernelBuild {
  readonly bytes: number
  /** SHA-256 of the module, hex. */
  readonly sha256: string
  /** Whether the sources had changed since the last build. */
  readonly made: boolean
}

/**
 * Compiles the kernel into protocols/kernel/wasm/module.ts, which carries the module's bytes as text, so that bundles
 * and browsers need no file. Does nothing when neither the sources nor the compiler's settings changed.
 */
export async function buildKernel(root: string): Promise<KernelBuild> {
  const sources = createHash('sha256').update(await readFile(fileURLToPath(import.meta.url)))
  for (const source of await assemblySources(root, KERNEL_SOURCES))
    sources.update(`${source.length}/`).update(source)
  const mark = `// sources ${sources.digest('hex')}\n`
  const path = join(root, KERNEL_MODULE)
  const old = await readFile(path, 'utf8').catch(() => '')
  const [, inlined] = /MODULE: string =\n {2}'([^']+)'/.exec(old) ?? []
  if (old.startsWith(mark) && inlined !== undefined)
    return { ...described(Buffer.from(inlined, 'base64')), made: false }
  const module = await compileAssembly({ root, entry: KERNEL_ENTRY })
  const text = `${mark}/** The kernel of ${KERNEL_SOURCES}, base64; made by scripts/build-kernel.ts. */
export const MODULE: string =
  '${Buffer.from(module).toString('base64')}'
`
  const temporary = `${path}.${process.pid}.tmp`
  await writeFile(temporary, text)
  await rename(temporary, path)
  return { ...described(module), made: true }
}

const described = (module: Uint8Array): { bytes: number; sha256: string } => ({
  bytes: module.length,
  sha256: createHash('sha256').update(module).digest('hex'),
})

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const root = fileURLToPath(new URL('..', import.meta.url))
  const { values } = parseArgs({ options: { pin: { type: 'boolean', default: false } } })
  const { bytes, sha256, made } = await buildKernel(root)
  if (values.pin) await writeFile(join(root, KERNEL_PIN), `${sha256}\n`)
  // To stderr: what runs after it in one npm script may print results for programs.
  if (made || values.pin) process.stderr.write(`kernel ${bytes} bytes, sha256 ${sha256}\n`)
}
