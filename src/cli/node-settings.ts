import { resolve } from 'node:path'
import { type Command, Option } from 'commander'
import { asList, asPort } from './options.ts'

/** What a new node's node.toml says (08 §1). */
export interface NodeSettings {
  readonly keysDir?: string
  readonly profile: string
  readonly listen?: readonly string[]
  readonly announce?: readonly string[]
  readonly bootstrap?: readonly string[]
  readonly rpcHost: string
  readonly rpcPort: number
  readonly allowPlain?: boolean
  readonly kernel: string
}

export const addNodeSettings = (command: Command): Command =>
  command
    .option('--keys-dir <dir>', 'where its secret keys go; default: <dir>.keys')
    .addOption(new Option('--profile <name>').choices(['local', 'lan', 'public']).default('local'))
    .option('--listen <multiaddrs>', 'where to listen, with commas', asList)
    .option('--announce <multiaddrs>', 'under which addresses others reach it', asList)
    .option('--bootstrap <multiaddrs>', 'through which addresses it finds the others', asList)
    .option('--rpc-host <ip>', 'where the gateway listens', '127.0.0.1')
    .option('--rpc-port <port>', 'port of the gateway; 0: a free one', asPort, 9545)
    .option('--allow-plain', 'take unsealed requests, on loopback; development networks only')
    .addOption(new Option('--kernel <name>').choices(['wasm', 'reference']).default('wasm'))

/** As node.toml holds them; what is left out keeps its default. */
export function settingsOf(options: NodeSettings): Record<string, unknown> {
  const { listen, announce, bootstrap, allowPlain, keysDir } = options
  return {
    profile: options.profile,
    kernel: options.kernel,
    ...(keysDir === undefined ? {} : { keysDir: resolve(keysDir) }),
    ...(listen === undefined ? {} : { listen }),
    ...(announce === undefined ? {} : { announce }),
    ...(bootstrap === undefined ? {} : { bootstrap }),
    ...(allowPlain === undefined ? {} : { allowPlain }),
    rpc: { host: options.rpcHost, port: options.rpcPort },
  }
}
