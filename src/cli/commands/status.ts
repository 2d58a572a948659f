import type { Command } from 'commander'
import { nodesToAsk } from '../addresses.ts'
import { CommandError } from '../command-error.ts'
import { type CommonOptions, type Context, outputOf } from '../context.ts'
import { EXIT } from '../exit-codes.ts'
import { collected, jsonOption } from '../options.ts'

interface StatusOptions extends CommonOptions {
  readonly rpc?: readonly string[]
  readonly dir?: string
}

const TIMEOUT_MS = 5_000 // a node that takes longer is not well

/** `holdfast status`: what nodes say about themselves. */
export function addStatus(program: Command, context: Context): void {
  program
    .command('status')
    .description('what a node says about itself and its network')
    .option('--rpc <url>', 'gateway to ask; several with commas', collected)
    .option('--dir <dir>', 'of a node or a local network on this machine')
    .addOption(jsonOption())
    .action(async (options: StatusOptions) => {
      const out = outputOf(context, options)
      const nodes = await nodesToAsk(options, context.home)
      const signal = AbortSignal.any([context.signal, AbortSignal.timeout(TIMEOUT_MS)])
      const answers = await Promise.all(
        nodes.map(async (rpc) => {
          try {
            return { rpc, status: await context.actions.status(rpc, signal) }
          } catch (error) {
            return { rpc, error: error instanceof Error ? error.message : String(error) }
          }
        }),
      )
      const down = answers.filter((answer) => 'error' in answer)
      if (down.length === answers.length)
        throw new CommandError(EXIT.unreachable, `no node answered at ${nodes.join(', ')}`, {
          hint: 'start one, or name its gateway with --rpc URL',
        })
      out.result(
        { nodes: answers },
        answers.flatMap(({ rpc, status, error }) => [
          `${out.paint.bold(rpc)}  ${error ?? ''}`,
          ...Object.entries(status ?? {}).map(
            ([name, value]) => `  ${name.padEnd(12)} ${show(value)}`,
          ),
        ]),
      )
    })
}

const show = (value: unknown): string =>
  typeof value === 'object' ? JSON.stringify(value) : String(value)
