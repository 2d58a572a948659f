import { spawn } from 'node:child_process'
import { DEFAULT_GUEST_SETTINGS, type GuestSettings } from '../port/guest-settings.ts'
import { type Bundle, measureBundle } from './bundle.ts'
import { connectGuest, type GuestProcess } from './client.ts'
import type { Guest } from './guest.ts'
import { openKeys } from './key-files.ts'
import { LaunchError } from './launch-error.ts'
import type { RecordStore } from './record-store.ts'

export interface LaunchOptions {
  /** `sha256` is the measurement that is expected: of the release, or of the genesis file. */
  readonly bundle: Bundle
  readonly store: RecordStore
  /** Folder of root.key and epochs.key, outside the data directory. */
  readonly keysDir: string
  /** Bytes of the genesis file; null before the network exists. */
  readonly genesis: Uint8Array | null
  readonly kernel: 'reference' | 'wasm'
  readonly peerId: string
  /** Without a sandbox: for development (04 §3). */
  readonly launcher: 'plain'
  /** Left out: what they are when nobody sets them. */
  readonly settings?: GuestSettings
  /** The operator knows that the records were rolled back (03 §9.4). */
  readonly isRejoining?: boolean
  onDiagnostic?(line: string): void
}

const HELLO_MS = 30_000 // a start takes 50 ms; a busy machine with many nodes takes longer

/** Flags of 04 §3; `--allow-fs-read` names the bundle alone. */
const flags = (bundle: string): string[] => [
  '--permission',
  `--allow-fs-read=${bundle}`,
  '--disallow-code-generation-from-strings',
  '--disable-proto=throw',
  '--no-addons',
  '--no-experimental-sqlite',
  '--disable-sigusr1',
  '--no-global-search-paths',
  '--no-warnings',
  // Envelopes are large buffers behind small objects: a larger young generation frees them so late that the engine
  // marks the whole heap for them, a smaller one promotes what is about to die.
  '--max-semi-space-size=2',
  // Of a heap this small the engine allows little garbage: a batch of correlations alone made it mark all of it
  // twice. Three times what lives is some twenty megabytes.
  '--heap-growing-percent=200',
  // A heap of ten megabytes is collected at once; helper threads would wake for it, and all processes of a machine
  // pay for their waking: an eighth of what a signature costs its guest.
  '--single-threaded-gc',
]

/**
 * Starts a guest and says hello. Throws `LaunchError`, before anything is started when bundle or keys are
 * not right, and leaves no process behind.
 */
export async function launchGuest(options: LaunchOptions): Promise<Guest> {
  const { bundle, store, genesis, kernel, peerId, launcher } = options
  const { settings = DEFAULT_GUEST_SETTINGS, isRejoining = false } = options
  const measured = await measureBundle(bundle.path)
  if (measured === undefined)
    throw new LaunchError('BUNDLE_MISSING', `there is no guest bundle at ${bundle.path}`)
  if (!Buffer.from(measured.sha256).equals(bundle.sha256))
    throw new LaunchError(
      'BUNDLE_NOT_ALLOWED',
      `${bundle.path} is not the guest that is expected here: its SHA-256 differs`,
    )
  const process = await start(measured.path, options.keysDir)
  const known = { v: 1, genesis, bundle: measured.sha256, launcher, kernel, peerId } as const
  const hello = { ...known, settings, isRejoining }
  const { onDiagnostic } = options
  return connectGuest(
    process,
    { store, hello, ...(onDiagnostic && { onDiagnostic }) },
    AbortSignal.timeout(HELLO_MS),
  )
}

async function start(bundle: string, keysDir: string): Promise<GuestProcess> {
  const { root, epochs } = await openKeys(keysDir)
  try {
    const child = spawn(process.execPath, [...flags(bundle), bundle], {
      env: {},
      stdio: ['pipe', 'pipe', 'pipe', root.fd, epochs.fd],
      detached: true, // Ctrl-C is for the host, which then stops the guest in order
      windowsHide: true,
    })
    const { stdin: input, stdout: output, stderr: diagnostics } = child
    if (input === null || output === null || diagnostics === null)
      throw new Error('bug: a guest without its pipes')
    return {
      input,
      output,
      diagnostics,
      kill: () => child.kill('SIGKILL'),
      ended: new Promise((resolve) => {
        child.once('close', (code, signal) => resolve({ code, signal }))
        child.once('error', () => resolve({ code: null, signal: 'no start' }))
      }),
    }
  } finally {
    await root.close() // the guest has its own
    await epochs.close()
  }
}
