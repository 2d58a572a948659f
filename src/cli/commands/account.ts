import { type Command, Option } from 'commander'
import { type KeyAlgorithm, writeAccountFile } from '../account-file.ts'
import { nodesToAsk } from '../addresses.ts'
import { type CommonOptions, type Context, outputOf } from '../context.ts'
import { collected, jsonOption } from '../options.ts'

interface CreateOptions extends CommonOptions {
  readonly rpc?: readonly string[]
  readonly dir?: string
  readonly alg: KeyAlgorithm
}

/** `holdfast account create`: a key made by all nodes, and a developer key that may use it. */
export function addAccount(program: Command, context: Context): void {
  program
    .command('account')
    .description('accounts: keys that the network holds')
    .command('create')
    .description(
      'let the nodes make a key; the developer key that may use it is kept on this machine',
    )
    .option('--rpc <url>', 'gateway to ask; several with commas', collected)
    .option('--dir <dir>', 'of the node or local network to ask, and where the key file goes')
    .addOption(
      new Option('--alg <name>', 'kind of the developer key')
        .choices(['ES256', 'EdDSA', 'ES256K'])
        .default('ES256'),
    )
    .addOption(jsonOption())
    .action(async (options: CreateOptions) => {
      const out = outputOf(context, options)
      const dir = options.dir === undefined ? {} : { dir: options.dir }
      // With --rpc, --dir only says where the key file goes.
      const nodes = await nodesToAsk(options, context.home)
      const account = await context.actions.createAccount(nodes, options.alg, context.signal)
      const keyFile = await writeAccountFile(account, dir, context.home)
      const { accountId, address, keyId, publicKey, networkId } = account
      out.result({ accountId, address, keyId, publicKey, networkId, keyFile }, [
        `${out.paint.green('made')} account ${accountId}`,
        `  address ${out.paint.bold(address)}`,
        `  key     ${keyId}`,
        `  file    ${keyFile}  (keep it: without it nobody can sign for this account)`,
      ])
    })
}
