import { join, resolve } from 'node:path'
import { nodeFiles } from '../node/node-files.ts'
import { readRunning } from '../node/running-file.ts'
import { findState } from '../testnet/state.ts'
import { CommandError } from './command-error.ts'
import { EXIT } from './exit-codes.ts'

const DEFAULT_RPC = 'http://127.0.0.1:9545' // the gateway's default port (05 §1.1)

/**
 * The gateways to ask: those of `--rpc`; else those of the local network or the node in `--dir`; else
 * the local network under `home`, if one runs; else the default port on this machine.
 */
export async function nodesToAsk(
  options: { rpc?: readonly string[]; dir?: string },
  home: string,
): Promise<readonly string[]> {
  if (options.rpc !== undefined && options.rpc.length > 0) return options.rpc.map(checked)
  if (options.dir !== undefined) {
    const found = await runningIn(resolve(options.dir))
    if (found.length > 0) return found
    throw new CommandError(EXIT.unreachable, `no node runs in ${resolve(options.dir)}`, {
      hint: 'start it, or name a gateway with --rpc URL',
    })
  }
  const local = await runningIn(join(home, 'testnet'))
  return local.length > 0 ? local : [DEFAULT_RPC]
}

async function runningIn(dir: string): Promise<string[]> {
  const testnet = await findState(dir)
  if (testnet !== undefined) return testnet.nodes.flatMap(({ rpc }) => (rpc === null ? [] : [rpc]))
  const node = await readRunning(nodeFiles({ dir, dataDir: dir }).running)
  return node === undefined ? [] : [node.rpc]
}

function checked(text: string): string {
  const url = URL.parse(text)
  if (url === null || (url.protocol !== 'http:' && url.protocol !== 'https:'))
    throw new CommandError(EXIT.refused, `--rpc ${text} is not an http address`, {
      hint: `write it as ${DEFAULT_RPC}`,
    })
  return text
}
