import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { ConfigError } from './config.ts'

/** The guest bundle and its measurement, the SHA-256 of the file (04 §1). */
export interface Bundle {
  readonly path: string
  readonly measurement: Uint8Array
}

// In a checkout scripts/build-guest.ts writes build/guest.mjs; a built package has it in dist.
const inCheckout = import.meta.url.endsWith('.ts')
const PATH = fileURLToPath(
  new URL(inCheckout ? '../../build/guest.mjs' : '../../guest.mjs', import.meta.url),
)

/** Reads and measures the guest bundle of this installation. @throws ConfigError when it is not built. */
export async function measureBundle(): Promise<Bundle> {
  try {
    const bytes = await readFile(PATH)
    return { path: PATH, measurement: new Uint8Array(createHash('sha256').update(bytes).digest()) }
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'ENOENT') throw cause
    throw new ConfigError(
      [`the guest bundle ${PATH} is not built: run "node scripts/build-guest.ts" in the checkout`],
      { cause },
    )
  }
}
