import type { Command } from 'commander'
import { askedToStop } from '../asked-to-stop.ts'
import { CommandError } from '../command-error.ts'
import { type CommonOptions, type Context, outputOf } from '../context.ts'
import { GUEST_HINTS } from '../guest-hints.ts'
import { jsonOption } from '../options.ts'

interface StartOptions extends CommonOptions {
  readonly dir: string
  readonly lifeline?: boolean
}

/** `holdfast start` and `holdfast rejoin`: run one node until it is told to stop. */
export function addStart(program: Command, context: Context): void {
  const add = (name: string, description: string): Command =>
    program
      .command(name)
      .description(description)
      .requiredOption('--dir <dir>', 'directory of the node')
      .option('--lifeline', 'stop when standard input ends: whoever started it is gone')
      .addOption(jsonOption())
  add('start', 'run a node in this terminal until Ctrl-C or SIGTERM').action(
    (options: StartOptions) => run(options, context, false),
  )
  add(
    'rejoin',
    'run a node whose records are older than what it promised (exit 72, or a restored backup): it votes on nothing until a new epoch has it',
  ).action((options: StartOptions) => run(options, context, true))
}

async function run(options: StartOptions, context: Context, isRejoining: boolean): Promise<void> {
  const out = outputOf(context, options)
  const asked = askedToStop(context, options.lifeline === true)
  const node = await context.actions.startNode(options.dir, context.env, { isRejoining })
  const { index, peerId, rpc, multiaddrs, pid, networkId } = node.running
  out.result({ event: 'listening', node: index, pid, peerId, rpc, networkId, multiaddrs }, [
    `${out.paint.green('node')} ${index} of network ${networkId}`,
    `  rpc   ${rpc}`,
    ...multiaddrs.map((address) => `  p2p   ${address}`),
    ...(isRejoining
      ? [
          'it votes on nothing yet; at another member, once all are up: holdfast refresh --dir DIR',
          `what is missing until then: holdfast epoch status --dir ${options.dir}`,
        ]
      : []),
  ])
  const how = await Promise.race([asked, node.ended])
  if (how === 'asked') out.note('stopping')
  await node.stop()
  if (how !== 'asked')
    throw new CommandError(how.code, `the node stopped: ${how.reason}`, {
      hint: GUEST_HINTS[how.code] ?? 'look at the lines before this one, then start it again',
    })
}
