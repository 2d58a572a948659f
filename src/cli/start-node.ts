import { LaunchError } from '../../enclave-runtime/host/launch-error.ts'
import { StoreError } from '../../enclave-runtime/host/record-store.ts'
import { ConfigError, type Environment, readConfig } from '../node/config.ts'
import { createLog } from '../node/log.ts'
import { createNode, type StartOptions } from '../node/node.ts'
import { uncaughtPolicy } from '../node/uncaught.ts'
import type { StartedNode } from './actions.ts'
import { CommandError } from './command-error.ts'
import { EXIT } from './exit-codes.ts'
import { GUEST_HINTS } from './guest-hints.ts'

/** Runs the node of a directory in this process. Its log goes to stderr: stdout holds results only. */
export async function startNode(
  dir: string,
  env: Environment,
  options: StartOptions = {},
): Promise<StartedNode> {
  const config = await readConfig(dir, env)
  const log = createLog(config.logLevel, { write: (line) => process.stderr.write(line) })
  const onUncaught = uncaughtPolicy({
    log,
    count: () => undefined, // the log has each; libp2p's own metrics count them
    exit: (code) => process.exit(code),
    clock: () => performance.now(),
  })
  process.on('uncaughtException', onUncaught)
  process.on('unhandledRejection', onUncaught)
  if (config.allowPlain) log.warn('unsealed-requests', { reason: 'allowPlain: development only' })
  try {
    return await createNode(config, log, options)
  } catch (error) {
    throw explained(error)
  }
}

/** Exit codes of a guest that did not get as far as hello. */
const LAUNCH_CODES: Readonly<Record<LaunchError['code'], number>> = {
  BUNDLE_MISSING: EXIT.bundle,
  BUNDLE_NOT_ALLOWED: EXIT.bundle,
  KEYS_MISSING: EXIT.sealing,
  KEYS_EXIST: EXIT.sealing,
  KEYS_UNSAFE: EXIT.refused,
  GUEST_ENDED: EXIT.guestLost,
  GUEST_SILENT: EXIT.guestLost,
}

function explained(error: unknown): unknown {
  if (error instanceof ConfigError) return error
  if (error instanceof LaunchError) {
    const code = error.exitCode ?? LAUNCH_CODES[error.code]
    const hint = GUEST_HINTS[code]
    const options = { cause: error, ...(hint === undefined ? {} : { hint }) }
    return new CommandError(code, error.message, options)
  }
  if (error instanceof StoreError) {
    const hint =
      error.code === 'STORE_IN_USE'
        ? 'one node per directory: stop the other one'
        : 'restore the records of this very node from a backup; its share is in them'
    return new CommandError(EXIT.failed, error.message, { cause: error, hint })
  }
  return error
}
