import { readFile, rm } from 'node:fs/promises'
import { resolve } from 'node:path'
import { type Command, Option } from 'commander'
import { readConfig } from '../../node/config.ts'
import type { BackupHead } from '../../node/operator/messages.ts'
import type { OwnNode } from '../actions.ts'
import { nodesToAsk } from '../addresses.ts'
import {
  BackupError,
  MIN_PASSPHRASE,
  readBackup,
  readBackupInfo,
  type SecretFiles,
  writeBackup,
} from '../backup-file.ts'
import { CommandError } from '../command-error.ts'
import { type CommonOptions, type Context, outputOf } from '../context.ts'
import { EXIT } from '../exit-codes.ts'
import { collected, jsonOption, nodeOption } from '../options.ts'
import { backupPaths, restoreNode } from '../restore-node.ts'

interface CreateOptions extends CommonOptions {
  readonly dir: string
  readonly out?: string
  readonly passphraseFile?: string
}
interface VerifyOptions extends CommonOptions {
  readonly passphraseFile?: string
  readonly rpc?: readonly string[]
}
interface RestoreOptions extends VerifyOptions {
  readonly dir: string
  readonly keysDir?: string
}

const STATUS_MS = 5_000 // a node that takes longer is not well

/** `holdfast backup create|verify|restore`: the sealed identity and shares of one node, as they are in one epoch. */
export function addBackup(program: Command, context: Context): void {
  const backup = program
    .command('backup')
    .description('the sealed identity and shares of one node, as they are in one epoch')
  const passphraseOption = (): Option =>
    new Option(
      '--passphrase-file <file>',
      'its first line is the passphrase; default: it is asked for',
    )
  backup
    .command('create')
    .description('write a backup of a running node')
    .addOption(nodeOption())
    .option('--out <file>', 'default: holdfast-<member>-epoch-<e>.backup')
    .addOption(passphraseOption())
    .addOption(jsonOption())
    .action(async (options: CreateOptions) => {
      await create(options, context)
    })
  backup
    .command('verify')
    .description('open a backup, check all of it, and ask the network whether it still counts')
    .argument('<file>', 'the backup')
    .addOption(passphraseOption())
    .option('--rpc <url>', 'gateways of other nodes; several with commas', collected)
    .addOption(jsonOption())
    .action(async (file: string, options: VerifyOptions) => {
      await verify(file, options, context)
    })
  backup
    .command('restore')
    .description('make the directory of a node from a backup; it must not run anywhere else')
    .argument('<file>', 'the backup')
    .requiredOption('--dir <dir>', 'directory to make')
    .option('--keys-dir <dir>', 'where its secret keys go; default: <dir>.keys')
    .addOption(passphraseOption())
    .option('--rpc <url>', 'gateways of other nodes; several with commas', collected)
    .addOption(jsonOption())
    .action(async (file: string, options: RestoreOptions) => {
      await restore(file, options, context)
    })
}

async function create(options: CreateOptions, context: Context): Promise<void> {
  const out = outputOf(context, options)
  const config = await readConfig(options.dir, context.env)
  const paths = backupPaths(config.dir, config.keysDir)
  const own = await context.actions.ownNode(options.dir, context.env, context.signal)
  let path: string | undefined
  try {
    const before = await keyFiles(paths)
    const head = await own.node.ask('backup-open', {}, context.signal)
    const passphrase = await passphraseOf(options, context, true)
    path = resolve(options.out ?? `holdfast-${head.index}-epoch-${head.epoch.e}.backup`)
    const { records, bytes } = await writeBackup(
      path,
      { ...head, createdAt: context.now() },
      pages(own, context.signal),
      { files: before, passphrase },
    )
    if (!sameFiles(before, await keyFiles(paths)))
      throw new CommandError(EXIT.waiting, 'an epoch began or ended while the backup was written', {
        hint: 'make it again',
      })
    out.result({ file: path, ...head, records, bytes }, [
      `${out.paint.green('wrote')} ${path}: member ${head.index}, epoch ${head.epoch.e}, ${records} records, ${bytes} bytes`,
      'it counts until the next epoch is active; destroy it then: it still opens an epoch that everybody else has erased',
    ])
    path = undefined
  } finally {
    own.node.close()
    if (path !== undefined) await rm(path, { force: true })
  }
}

async function* pages(
  { node }: OwnNode,
  signal: AbortSignal,
): AsyncIterable<readonly (readonly [string, Uint8Array])[]> {
  for (let more = true; more; ) {
    const page = await node.ask('backup-next', {}, signal)
    yield page.records.map(
      ([name, sealed]) => [name, new Uint8Array(Buffer.from(sealed, 'hex'))] as const,
    )
    more = page.more
  }
}

async function verify(file: string, options: VerifyOptions, context: Context): Promise<void> {
  const out = outputOf(context, options)
  const info = await explained(() => readBackupInfo(file))
  const passphrase = await passphraseOf(options, context, false)
  const { records } = await explained(() => readBackup(file, passphrase, async () => undefined))
  await assertCurrent(info, options, context)
  out.result({ file: resolve(file), ...info, records, current: true }, [
    `${out.paint.green('good')}: member ${info.index} of epoch ${info.epoch.e}, which is the present one; ${records} records`,
  ])
}

async function restore(file: string, options: RestoreOptions, context: Context): Promise<void> {
  const out = outputOf(context, options)
  await assertCurrent(await explained(() => readBackupInfo(file)), options, context)
  const passphrase = await passphraseOf(options, context, false)
  const keysDir = options.keysDir ?? `${resolve(options.dir)}.keys`
  const { info, records } = await explained(() =>
    restoreNode(file, passphrase, { dir: options.dir, keysDir }),
  )
  out.result({ dir: resolve(options.dir), keysDir, ...info, records }, [
    `${out.paint.green('restored')} member ${info.index}, epoch ${info.epoch.e}, in ${resolve(options.dir)}`,
    'it has forgotten what it promised since, so it votes on nothing until a new epoch has it:',
    `  holdfast rejoin --dir ${options.dir}`,
    '  then, at another member and once all members are up: holdfast refresh --dir DIR',
  ])
}

/**
 * Shares of an epoch that ended are of no use, and are erased everywhere else: such a backup is refused. Nodes only
 * say in which epoch they are; the highest counts, so that none can talk an old one into being new.
 */
async function assertCurrent(
  { epoch, index }: BackupHead,
  options: VerifyOptions,
  context: Context,
): Promise<void> {
  const nodes = await nodesToAsk(
    options.rpc === undefined ? {} : { rpc: options.rpc },
    context.home,
  )
  const signal = AbortSignal.any([context.signal, AbortSignal.timeout(STATUS_MS)])
  const answers = await Promise.allSettled(nodes.map((rpc) => context.actions.status(rpc, signal)))
  const epochs = answers.flatMap((answer) => {
    const said = answer.status === 'fulfilled' ? answer.value['epoch'] : null
    return isEpoch(said) ? [said] : []
  })
  const newest = epochs.toSorted((a, b) => b.e - a.e || b.k - a.k)[0]
  if (newest === undefined)
    throw new CommandError(EXIT.unreachable, 'no node says which epoch it is now', {
      hint: 'name gateways of other members with --rpc: a backup of an epoch that ended is worth nothing',
    })
  if (newest.e === epoch.e && newest.k === epoch.k) return
  throw new CommandError(
    EXIT.refused,
    newest.e > epoch.e
      ? `superseded: the backup is of epoch ${epoch.e}, and epoch ${newest.e} serves; its shares are of no use any more`
      : `the backup is of epoch ${epoch.e} (attempt ${epoch.k}), which never served: nodes are in epoch ${newest.e} (attempt ${newest.k})`,
    {
      hint: `let a new node take the place of member ${index}: "holdfast join", then "holdfast epoch propose add --remove ${index}"; destroy the backup`,
    },
  )
}

const isEpoch = (value: unknown): value is { readonly e: number; readonly k: number } =>
  typeof value === 'object' &&
  value !== null &&
  'e' in value &&
  'k' in value &&
  typeof value.e === 'number' &&
  typeof value.k === 'number'

async function passphraseOf(
  { passphraseFile }: { readonly passphraseFile?: string },
  context: Context,
  isNew: boolean,
): Promise<string> {
  const ask = async (question: string): Promise<string> =>
    (await context.ask(question, true)).trim()
  const passphrase =
    passphraseFile === undefined
      ? await ask('passphrase: ')
      : ((await readFile(passphraseFile, 'utf8')).split('\n')[0] ?? '').trim()
  if (isNew && passphrase.length < MIN_PASSPHRASE)
    throw new CommandError(EXIT.refused, `a passphrase has ${MIN_PASSPHRASE} characters or more`)
  if (isNew && passphraseFile === undefined && (await ask('again: ')) !== passphrase)
    throw new CommandError(EXIT.refused, 'these were two different passphrases')
  return passphrase
}

async function keyFiles(paths: Readonly<Record<string, string>>): Promise<SecretFiles> {
  const files: Record<string, Uint8Array> = {}
  for (const [name, path] of Object.entries(paths)) {
    try {
      files[name] = new Uint8Array(await readFile(path))
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error // the operator's key may lie elsewhere
    }
  }
  return files
}

const sameFiles = (a: SecretFiles, b: SecretFiles): boolean =>
  Object.keys({ ...a, ...b }).every(
    (name) => Buffer.compare(a[name] ?? new Uint8Array(), b[name] ?? new Uint8Array()) === 0,
  )

async function explained<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (cause) {
    if (cause instanceof BackupError) throw new CommandError(EXIT.refused, cause.message, { cause })
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT')
      throw new CommandError(EXIT.refused, String((cause as Error).message), { cause })
    throw cause
  }
}
