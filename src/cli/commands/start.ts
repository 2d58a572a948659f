import type { Command } from 'commander'
import { CommandError } from '../command-error.ts'
import { type CommonOptions, type Context, outputOf } from '../context.ts'
import { EXIT } from '../exit-codes.ts'
import { jsonOption } from '../options.ts'

interface StartOptions extends CommonOptions {
  readonly dir: string
  readonly lifeline?: boolean
}

/** `holdfast start`: runs one node until it is told to stop. */
export function addStart(program: Command, context: Context): void {
  program
    .command('start')
    .description('run a node in this terminal until Ctrl-C or SIGTERM')
    .requiredOption('--dir <dir>', 'directory of the node')
    .option('--lifeline', 'stop when standard input ends: whoever started it is gone')
    .addOption(jsonOption())
    .action(async (options: StartOptions) => {
      const out = outputOf(context, options)
      const asked = askedToStop(context, options.lifeline === true)
      const node = await context.actions.startNode(options.dir, context.env)
      const { index, peerId, rpc, multiaddrs, pid, networkId } = node.running
      out.result({ event: 'listening', node: index, pid, peerId, rpc, networkId, multiaddrs }, [
        `${out.paint.green('node')} ${index} of network ${networkId}`,
        `  rpc   ${rpc}`,
        ...multiaddrs.map((address) => `  p2p   ${address}`),
      ])
      const how = await Promise.race([asked, node.ended])
      if (how === 'asked') out.note('stopping')
      await node.stop()
      if (how !== 'asked')
        throw new CommandError(how.code, `the node stopped: ${how.reason}`, {
          hint: HINTS[how.code] ?? 'look at the lines before this one, then start it again',
        })
    })
}

/** What an operator does about each way in which a guest can end (04 §1). */
const HINTS: Readonly<Record<number, string>> = {
  [EXIT.portViolation]:
    'host and guest do not understand each other: both must be of one installation; if they are, report it',
  [EXIT.sealing]:
    'restore the keys directory and the records of this very node, from one moment; never those of another',
  [EXIT.rollback]:
    'the records are older than what the guest signed: restore the newest; do not run this copy',
  [EXIT.selfTest]: 'this machine computes wrongly or the installation is damaged: install again',
  [EXIT.bundle]:
    'install the version of holdfast that the genesis allows; its measurement is in genesis.cbor',
}

/** Resolves when the person, the system or the end of standard input asks the node to stop. */
function askedToStop(context: Context, lifeline: boolean): Promise<'asked'> {
  return new Promise((resolve) => {
    const asked = (): void => resolve('asked')
    if (context.signal.aborted) asked()
    context.signal.addEventListener('abort', asked, { once: true })
    if (lifeline) void context.stdin().then(asked, asked)
  })
}
