import { resolve } from 'node:path'
import type { Command } from 'commander'
import { type CommonOptions, type Context, outputOf } from '../context.ts'
import { asCount, jsonOption } from '../options.ts'

interface DemoCommandOptions extends CommonOptions {
  readonly once?: boolean
  readonly nodes: number
  readonly threshold: number
  readonly dir?: string
}

/** `holdfast demo`, which `npm start` runs: a network, a key, a transaction that a chain mined. */
export function addDemo(program: Command, context: Context): void {
  program
    .command('demo')
    .description('five nodes make a key and sign a transaction that a local chain mines')
    .option('--once', 'end after success instead of serving until Ctrl-C')
    .option('--nodes <n>', 'how many nodes', asCount, 5)
    .option('--threshold <t>', 'how many sign together', asCount, 3)
    .option('--dir <dir>', 'keep the network in this new directory; default: a temporary one')
    .addOption(jsonOption())
    .action(async (options: DemoCommandOptions) => {
      const out = outputOf(context, options)
      await context.actions.demo({
        once: options.once === true,
        nodes: options.nodes,
        threshold: options.threshold,
        dir: options.dir === undefined ? null : resolve(options.dir),
        env: context.env,
        signal: context.signal,
        terminal: out.terminal,
        event: (event) => {
          if (out.json) out.result(event, [])
        },
        say: (line) => out.note(line),
      })
    })
}
