import { resolve } from 'node:path'
import { type Command, Option } from 'commander'
import { type CommonOptions, type Context, outputOf } from '../context.ts'
import { asList, asPort, jsonOption } from '../options.ts'

interface InitOptions extends CommonOptions {
  readonly dir: string
  readonly keysDir?: string
  readonly label?: string
  readonly profile: string
  readonly listen?: readonly string[]
  readonly announce?: readonly string[]
  readonly bootstrap?: readonly string[]
  readonly rpcHost: string
  readonly rpcPort: number
  readonly allowPlain?: boolean
  readonly kernel: string
}

/** `holdfast init`: the directory of a new node, with its keys. */
export function addInit(program: Command, context: Context): void {
  program
    .command('init')
    .description('make the directory of a new node: its keys, its settings, its member.json')
    .requiredOption('--dir <dir>', 'directory to make')
    .option('--keys-dir <dir>', 'where its secret keys go; default: <dir>.keys')
    .option('--label <text>', 'a name for people; default: the name of the directory')
    .addOption(new Option('--profile <name>').choices(['local', 'lan', 'public']).default('local'))
    .option('--listen <multiaddrs>', 'where to listen, with commas', asList)
    .option('--announce <multiaddrs>', 'under which addresses others reach it', asList)
    .option('--bootstrap <multiaddrs>', 'through which addresses it finds the others', asList)
    .option('--rpc-host <ip>', 'where the gateway listens', '127.0.0.1')
    .option('--rpc-port <port>', 'port of the gateway; 0: a free one', asPort, 9545)
    .option('--allow-plain', 'take unsealed requests, on loopback; development networks only')
    .addOption(new Option('--kernel <name>').choices(['wasm', 'reference']).default('wasm'))
    .addOption(jsonOption())
    .action(async (options: InitOptions) => {
      const out = outputOf(context, options)
      const { dir, keysDir, member } = await context.actions.initialiseNode({
        dir: options.dir,
        label: options.label ?? resolve(options.dir).split('/').pop() ?? 'node',
        settings: settingsOf(options),
      })
      const guestSig = Buffer.from(member.guestSig).toString('hex')
      const measurement = Buffer.from(member.measurement).toString('hex')
      const memberFile = `${dir}/member.json`
      out.result({ dir, keysDir, memberFile, peerId: member.peerId, guestSig, measurement }, [
        `${out.paint.green('made')} a node in ${dir}`,
        `  peer        ${member.peerId}`,
        `  guest       ${guestSig}`,
        `  measurement ${measurement}`,
        `  keys        ${keysDir}  (back it up apart from ${dir}; never copy both to one place)`,
        `next: give ${memberFile} to whoever assembles the genesis, then put the genesis file here`,
        `      with "holdfast genesis adopt --dir ${dir} --genesis FILE"`,
      ])
    })
}

function settingsOf(options: InitOptions): Record<string, unknown> {
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
