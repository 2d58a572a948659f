import { Command, CommanderError } from 'commander'
import { ConfigError } from '../node/config.ts'
import { TestnetStateError } from '../testnet/state.ts'
import { CommandError } from './command-error.ts'
import { addAccount } from './commands/account.ts'
import { addBackup } from './commands/backup.ts'
import { addDemo } from './commands/demo.ts'
import { addEpoch } from './commands/epoch.ts'
import { addRefresh } from './commands/epoch-propose.ts'
import { addGenesis } from './commands/genesis.ts'
import { addInit } from './commands/init.ts'
import { addJoin } from './commands/join.ts'
import { addLeave } from './commands/leave.ts'
import { addSign } from './commands/sign.ts'
import { addStart } from './commands/start.ts'
import { addStatus } from './commands/status.ts'
import { addTestnet } from './commands/testnet.ts'
import type { Context } from './context.ts'
import { EXIT, EXIT_MEANINGS } from './exit-codes.ts'
import { asCommandError } from './operator-client.ts'
import { createOutput } from './output.ts'

/** Runs one command; resolves to its exit code, never rejects. */
export async function run(args: readonly string[], context: Context): Promise<number> {
  const out = createOutput(context, args.includes('--json'))
  try {
    await program(context, out.json).parseAsync(args, { from: 'user' })
    return EXIT.ok
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return EXIT.ok // help, version
    const { exitCode, ...problem } = describe(error)
    // commander has printed its own errors already, unless they are to be JSON.
    if (!(error instanceof CommanderError) || out.json) out.problem(problem)
    return exitCode
  }
}

function program(context: Context, json: boolean): Command {
  const command = new Command('holdfast')
    .description('a network of nodes that hold keys together')
    .addHelpText(
      'after',
      `\nExit codes:\n${EXIT_MEANINGS.map(([code, text]) => `  ${String(code).padStart(2)}  ${text}`).join('\n')}`,
    )
    .exitOverride()
    .configureOutput({
      writeOut: (text) => void context.stdout.write(text),
      writeErr: (text) => void context.stderr.write(text),
      outputError: (text, write) => {
        if (!json) write(text)
      },
    })
  for (const add of [
    addInit,
    addGenesis,
    addStart,
    addStatus,
    addEpoch,
    addRefresh,
    addJoin,
    addLeave,
    addBackup,
    addAccount,
    addSign,
    addTestnet,
    addDemo,
  ])
    add(command, context)
  return command
}

/** What happened, what to do, and the exit code. */
function describe(thrown: unknown): {
  exitCode: number
  message: string
  hint?: string | undefined
  id?: string | undefined
} {
  const error = asCommandError(thrown) ?? thrown
  if (error instanceof CommandError) {
    const { exitCode, message, hint, id } = error
    return { exitCode, message, hint, id }
  }
  if (error instanceof ConfigError || error instanceof TestnetStateError)
    return { exitCode: EXIT.refused, message: error.message }
  if (error instanceof CommanderError) return { exitCode: EXIT.refused, message: error.message }
  return {
    exitCode: EXIT.failed,
    message: error instanceof Error ? error.message : String(error),
  }
}
