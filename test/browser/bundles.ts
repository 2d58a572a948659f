import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { build, stop } from 'esbuild'

const ROOT = fileURLToPath(new URL('../../', import.meta.url))

/** One script for browsers, minified. Fails when anything in it needs Node. `entry` is relative to the checkout. */
export async function browserBundle(entry: string): Promise<Uint8Array> {
  const { outputFiles } = await build({
    absWorkingDir: ROOT,
    entryPoints: [entry],
    bundle: true,
    minify: true,
    write: false,
    platform: 'browser',
    format: 'iife',
    target: 'es2023',
    tsconfigRaw: '{}',
    logLevel: 'silent',
  })
  await stop() // its service would live on as a child of whatever runs next
  const [file] = outputFiles
  if (file === undefined) throw new Error(`bug: no bundle of ${entry}`)
  return file.contents
}

export const gzippedBytes = (bytes: Uint8Array): number => gzipSync(bytes, { level: 9 }).length
