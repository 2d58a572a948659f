import { randomBytes } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { type Command, Option } from 'commander'
import { MAX_GENESIS_BYTES } from '../../../protocols/agreement/genesis.ts'
import { adoptGenesis } from '../../node/adopt-genesis.ts'
import { assembleGenesis } from '../../node/assemble-genesis.ts'
import { ConfigError } from '../../node/config.ts'
import { MAX_MEMBER_FILE_BYTES, parseMemberFile } from '../../node/member-file.ts'
import { type CommonOptions, type Context, outputOf } from '../context.ts'
import { asCount, collected, jsonOption } from '../options.ts'

interface CreateOptions extends CommonOptions {
  readonly threshold: number
  readonly name: string
  readonly environment: 'development' | 'production'
  readonly out: string
  readonly adopt?: readonly string[]
}

interface AdoptOptions extends CommonOptions {
  readonly dir: string
  readonly genesis: string
  readonly operatorKey?: string
}

/** `holdfast genesis create|adopt`: the file that makes nodes a network. */
export function addGenesis(program: Command, context: Context): void {
  const genesis = program.command('genesis').description('the file that makes nodes a network')
  genesis
    .command('create')
    .description('assemble member files; they get the indices 1, 2, … in the order given')
    .argument('<members...>', 'member.json of each node')
    .requiredOption('--threshold <t>', 'how many nodes sign together', asCount)
    .option('--name <text>', 'name of the network', 'holdfast')
    .addOption(
      new Option('--environment <kind>')
        .choices(['development', 'production'])
        .default('production'),
    )
    .option('--out <file>', 'where to write it', 'genesis.cbor')
    .option('--adopt <dirs>', 'also give it to these node directories', collected)
    .addOption(jsonOption())
    .action(async (members: readonly string[], options: CreateOptions) => {
      await create(members, options, context)
    })
  genesis
    .command('adopt')
    .description('make a node a member of the network of a genesis file')
    .requiredOption('--dir <dir>', 'directory of the node')
    .requiredOption('--genesis <file>', 'the genesis file')
    .option('--operator-key <file>', 'key that signs the yes, where it is not in the directory')
    .addOption(jsonOption())
    .action(async (options: AdoptOptions) => {
      const file = await readBounded(options.genesis, MAX_GENESIS_BYTES)
      const networkId = await adoptGenesis(resolve(options.dir), file, options.operatorKey)
      const out = outputOf(context, options)
      out.result({ dir: resolve(options.dir), networkId }, [
        `${out.paint.green('adopted')} network ${networkId} in ${resolve(options.dir)}`,
        'compare the network id with the other operators by voice before you start the node',
      ])
    })
}

async function create(members: readonly string[], options: CreateOptions, context: Context) {
  const out = outputOf(context, options)
  const fields = await Promise.all(
    members.map(async (path) => {
      const bytes = await readBounded(path, MAX_MEMBER_FILE_BYTES)
      return parseMemberFile(Buffer.from(bytes).toString('utf8'), path)
    }),
  )
  const { file, networkId } = assembleGenesis({
    name: options.name,
    members: fields,
    threshold: options.threshold,
    environment: options.environment,
    salt: new Uint8Array(randomBytes(16)),
    createdAt: Date.now(),
  })
  await writeFile(options.out, file, { flag: 'wx' }).catch((cause: unknown) => {
    if ((cause as NodeJS.ErrnoException).code !== 'EEXIST') throw cause
    throw new ConfigError([
      `${options.out} exists: a genesis is never replaced; choose another --out`,
    ])
  })
  for (const dir of options.adopt ?? []) await adoptGenesis(resolve(dir), file)
  const id = Buffer.from(networkId).toString('hex')
  out.result(
    {
      networkId: id,
      file: resolve(options.out),
      nodes: fields.length,
      threshold: options.threshold,
    },
    [
      `${out.paint.green('wrote')} ${options.out}: ${fields.length} nodes, threshold ${options.threshold}`,
      `  network ${id}`,
      ...fields.map(({ label, peerId }, position) => `  ${position + 1}  ${peerId}  ${label}`),
      ...(fields.length === 3
        ? ['note: three nodes survive one crash but no lie; four or more are recommended']
        : []),
    ],
  )
}

async function readBounded(path: string, limit: number): Promise<Uint8Array> {
  let bytes: Uint8Array
  try {
    bytes = await readFile(path)
  } catch (cause) {
    const code = String((cause as NodeJS.ErrnoException).code)
    throw new ConfigError([`${path} cannot be read (${code})`], { cause })
  }
  if (bytes.length > limit) throw new ConfigError([`${path} is larger than ${limit} bytes`])
  return new Uint8Array(bytes)
}
