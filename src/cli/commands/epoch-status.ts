import { setTimeout as pause } from 'node:timers/promises'
import type { Command } from 'commander'
import type { OperatorStatus } from '../../node/operator/messages.ts'
import { CommandError } from '../command-error.ts'
import { type CommonOptions, type Context, outputOf } from '../context.ts'
import { type Advice, adviceOf } from '../epoch-advice.ts'
import { EXIT } from '../exit-codes.ts'
import { jsonOption, nodeOption } from '../options.ts'
import { showStatus } from '../show-status.ts'

interface StatusOptions extends CommonOptions {
  readonly dir: string
  readonly watch?: boolean
}

const LOOK_MS = 1_000 // beats come each second
const CLEAR = '\x1b[H\x1b[2J'

/** `holdfast epoch status`: who answered what, why the epoch does not advance, and what to do. */
export function addEpochStatus(epoch: Command, context: Context): void {
  epoch
    .command('status')
    .description('who answered what, why the epoch does not advance, and what to do')
    .addOption(nodeOption())
    .option('--watch', 'again each second, until Ctrl-C')
    .addOption(jsonOption())
    .action(async (options: StatusOptions) => {
      const out = outputOf(context, options)
      const { node } = await context.actions.ownNode(options.dir, context.env, context.signal)
      try {
        for (;;) {
          const status = await node.ask('status', {}, context.signal)
          const advice = adviceOf(status, context.now())
          if (options.watch === true && out.terminal) out.note(CLEAR)
          out.result({ ...status, advice }, showStatus(status, advice, out.paint, context.now()))
          if (options.watch !== true) {
            blockedBy(advice, status)
            return
          }
          await pause(LOOK_MS, undefined, { signal: context.signal })
        }
      } catch (error) {
        if (!context.signal.aborted) throw error // Ctrl-C is how a watch ends
      } finally {
        node.close()
      }
    })
}

/** What is open is the exit code too: scripts wait for it, or wake somebody up. */
function blockedBy(advice: readonly Advice[], { standing }: OperatorStatus): void {
  const [first] = advice
  if (first === undefined || standing === 'left') return
  const act = advice.find(({ kind }) => kind === 'act')
  const { reason, todo } = act ?? first
  throw new CommandError(act === undefined ? EXIT.waiting : EXIT.needsOperators, reason, {
    hint: todo,
  })
}
