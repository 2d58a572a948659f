import { createHash } from 'node:crypto'
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { parseArgs } from 'node:util'
import { build } from 'esbuild'

/** What the one file of the guest may import (04, decision E1): no network, no child process, no addon. */
const ALLOWED = new Set(
  ['crypto', 'fs', 'buffer', 'timers', 'timers/promises'].map((n) => `node:${n}`),
)

export interface BuildOptions {
  /** Folder of the checkout. */
  readonly root: string
  /** Relative to it. */
  readonly entry: string
  /** File to write, relative to it; the SHA-256 goes beside it. */
  readonly output: string
}

/**
 * Bundles the guest into one file, the same bytes in every folder, and gives back its SHA-256 in hex: the
 * measurement. Throws when it would import what a guest may not have.
 */
export async function buildGuest({ root, entry, output }: BuildOptions): Promise<string> {
  const result = await build({
    absWorkingDir: root,
    entryPoints: [entry],
    bundle: true,
    write: false,
    metafile: true,
    outfile: output,
    platform: 'node',
    format: 'esm',
    target: 'node22',
    charset: 'utf8',
    legalComments: 'none',
    minifyWhitespace: true, // also removes the comments that name files
    sourcemap: false,
    preserveSymlinks: true, // a linked node_modules must not change the bytes
    tsconfigRaw: '{}',
    logLevel: 'silent',
  })
  const outside = Object.values(result.metafile.outputs).flatMap(({ imports }) =>
    imports.map(({ path }) => path),
  )
  const refused = outside.filter((path) => !ALLOWED.has(path))
  if (refused.length > 0) throw new Error(`the guest may not import ${refused.join(', ')}`)
  const [file] = result.outputFiles
  if (file === undefined || result.outputFiles.length !== 1) throw new Error('bug: not one file')
  const sha256 = createHash('sha256').update(file.contents).digest('hex')
  const path = join(root, output)
  await mkdir(dirname(path), { recursive: true })
  await replace(path, file.contents)
  await replace(path.replace(/\.mjs$/, '.sha256'), `${sha256}\n`)
  return sha256
}

/** Nobody ever reads half a file; an unchanged one stays as it is. */
async function replace(path: string, content: Uint8Array | string): Promise<void> {
  const old = await readFile(path).catch((error: unknown) => {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    throw error
  })
  if (old?.equals(Buffer.from(content))) return
  const temporary = `${path}.${process.pid}.tmp`
  await writeFile(temporary, content)
  await rename(temporary, path)
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const root = fileURLToPath(new URL('..', import.meta.url))
  const { values } = parseArgs({ options: { out: { type: 'string', default: 'build/guest.mjs' } } })
  const options = { root, entry: 'enclave-runtime/guest/main.ts', output: values.out }
  // To stderr: what runs after it in one npm script may print results for programs.
  process.stderr.write(`${values.out} sha256 ${await buildGuest(options)}\n`)
}
