import { createHash } from 'node:crypto'
import { readFile, realpath } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { LaunchError } from './launch-error.ts'

/** The one file that a guest is, and its measurement. */
export interface Bundle {
  readonly path: string
  /** SHA-256. */
  readonly sha256: Uint8Array
}

const PLACES = ['../../guest.mjs', '../../build/guest.mjs'] // in a published package; in a checkout

/** The bundle beside this code. Throws `LaunchError`: BUNDLE_MISSING, BUNDLE_NOT_ALLOWED when it is not the one that was built. */
export async function locateBundle(): Promise<Bundle> {
  for (const place of PLACES) {
    const path = fileURLToPath(new URL(place, import.meta.url))
    const bundle = await measureBundle(path)
    if (bundle === undefined) continue
    const recorded = await readIfThere(path.replace(/\.mjs$/, '.sha256'))
    if (recorded === undefined)
      throw new LaunchError(
        'BUNDLE_MISSING',
        `${path} has no file .sha256 beside it; build it anew`,
      )
    if (recorded.toString('utf8').trim() !== Buffer.from(bundle.sha256).toString('hex'))
      throw new LaunchError('BUNDLE_NOT_ALLOWED', `${path} was altered after it was built`)
    return bundle
  }
  throw new LaunchError(
    'BUNDLE_MISSING',
    'there is no guest bundle; run: node scripts/build-guest.ts',
  )
}

/** The measurement of the bundle at `path`; `undefined` when there is none. */
export async function measureBundle(path: string): Promise<Bundle | undefined> {
  const bytes = await readIfThere(path)
  if (bytes === undefined) return undefined
  const sha256 = new Uint8Array(createHash('sha256').update(bytes).digest())
  return { path: await realpath(path), sha256 }
}

async function readIfThere(path: string): Promise<Buffer | undefined> {
  try {
    return await readFile(path)
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    throw error
  }
}
