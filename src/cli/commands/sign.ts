import { readFile } from 'node:fs/promises'
import type { Command } from 'commander'
import { readAccountFile } from '../account-file.ts'
import type { SignWhat } from '../actions.ts'
import { nodesToAsk } from '../addresses.ts'
import { CommandError } from '../command-error.ts'
import { type CommonOptions, type Context, outputOf } from '../context.ts'
import { EXIT } from '../exit-codes.ts'
import { collected, jsonOption } from '../options.ts'

interface SignOptions extends CommonOptions {
  readonly account: string
  readonly rpc?: readonly string[]
  readonly dir?: string
  readonly keyFile?: string
}

const MAX_INPUT_CHARS = 256 * 1024 // params of a request (05 §2.1); more cannot be signed

/** `holdfast sign message|typed-data|transaction`: the nodes sign, this machine approves. */
export function addSign(program: Command, context: Context): void {
  const sign = program.command('sign').description('sign with an account of the network')
  const add = (
    name: string,
    description: string,
    argument: readonly [string, string],
    read: (text: string) => Promise<SignWhat> | SignWhat,
  ): void => {
    sign
      .command(name)
      .description(description)
      .argument(...argument)
      .requiredOption('--account <id>', 'account id')
      .option('--rpc <url>', 'gateway to ask; several with commas', collected)
      .option('--dir <dir>', 'of the node or local network to ask; also looked in for the key file')
      .option('--key-file <file>', 'the key file of the account')
      .addOption(jsonOption())
      .action(async (text: string, options: SignOptions) => {
        await run(await read(text), options, context)
      })
  }
  add(
    'message',
    'sign a message (EIP-191, personal_sign)',
    ['<message>', 'text, or bytes as 0x and hex digits'],
    (text) => ({ kind: 'message', data: messageBytes(text) }),
  )
  add(
    'typed-data',
    'sign typed data (EIP-712)',
    ['<json>', 'the JSON, a file that holds it, or - for standard input'],
    async (text) => ({ kind: 'typed-data', json: await jsonText(text, context) }),
  )
  add(
    'transaction',
    'sign an Ethereum transaction (types 0, 1, 2); it is not sent',
    ['<json>', 'the JSON, a file that holds it, or - for standard input'],
    async (text) => ({
      kind: 'transaction',
      transaction: parsed(await jsonText(text, context)),
    }),
  )
}

async function run(what: SignWhat, options: SignOptions, context: Context): Promise<void> {
  const out = outputOf(context, options)
  const account = await readAccountFile(options.account, options, context.home)
  const nodes = await nodesToAsk(options, context.home)
  const signed = await context.actions.sign(nodes, account, what, context.signal)
  const { accountId, address } = account
  const key = what.kind === 'transaction' ? 'rawTransaction' : 'signature'
  out.result({ accountId, address, [key]: signed }, [signed])
}

/** What personal_sign takes: 0x and hex digits. */
function messageBytes(text: string): string {
  if (/^0x([0-9a-fA-F]{2})*$/.test(text)) return text
  return `0x${Buffer.from(text, 'utf8').toString('hex')}`
}

async function jsonText(argument: string, context: Context): Promise<string> {
  const text = await textOf(argument, context)
  if (text.length > MAX_INPUT_CHARS)
    throw new CommandError(EXIT.refused, 'it is larger than what can be signed (256 KiB)')
  parsed(text)
  return text
}

async function textOf(argument: string, context: Context): Promise<string> {
  if (argument === '-') return await context.stdin()
  if (argument.trimStart().startsWith('{')) return argument
  try {
    return await readFile(argument, 'utf8')
  } catch (cause) {
    throw new CommandError(
      EXIT.refused,
      `${argument} is neither JSON nor a file that can be read`,
      {
        hint: 'give the JSON in quotes, as \'{"…"}\', or the name of a file',
        cause,
      },
    )
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new CommandError(EXIT.refused, `this is not JSON: ${String(cause)}`, { cause })
  }
}
