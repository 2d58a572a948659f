import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import type { Command } from 'commander'
import {
  formatNetworkAddress,
  parseNetworkAddress,
} from '../../../protocols/agreement/network-address.ts'
import { DecodeError } from '../../../protocols/session/codec.ts'
import { nodeFiles } from '../../node/node-files.ts'
import { sendSignedJoin } from '../../node/operator/send-join.ts'
import { readOperatorKey } from '../../node/operator-key.ts'
import type { OwnNode, StartedNode } from '../actions.ts'
import { askedToStop } from '../asked-to-stop.ts'
import { CommandError } from '../command-error.ts'
import { type CommonOptions, type Context, outputOf } from '../context.ts'
import { EXIT } from '../exit-codes.ts'
import { GUEST_HINTS } from '../guest-hints.ts'
import { addNodeSettings, type NodeSettings, settingsOf } from '../node-settings.ts'
import { asCount, jsonOption } from '../options.ts'

interface JoinOptions extends CommonOptions, NodeSettings {
  readonly dir: string
  readonly label?: string
  readonly operatorKey?: string
  readonly hours: number
  readonly lifeline?: boolean
}

const HOUR_MS = 3_600_000
const LOOK_MS = 1_000
const AGAIN_MS = 30_000 // members keep joins in memory: one that restarted has forgotten it

/** `holdfast join`: makes a node of this machine that asks a network to let it in, and runs it. */
export function addJoin(program: Command, context: Context): void {
  addNodeSettings(
    program
      .command('join')
      .description('let a new node ask a network to take it in, and run it until Ctrl-C')
      .argument('<network>', 'holdfast:<network id>@<address of any of its nodes>')
      .requiredOption('--dir <dir>', 'directory of the node; made where there is none'),
  )
    .option('--label <text>', 'a name for people; default: the name of the directory')
    .option('--operator-key <file>', 'default: operator.key of the node')
    .option('--hours <n>', 'how long the request stands', asCount, 72)
    .option('--lifeline', 'stop when standard input ends: whoever started it is gone')
    .addOption(jsonOption())
    .action(async (network: string, options: JoinOptions) => {
      await join(network, options, context)
    })
}

async function join(network: string, options: JoinOptions, context: Context): Promise<void> {
  const out = outputOf(context, options)
  const { actions, signal } = context
  const address = addressOf(network)
  const dir = resolve(options.dir)
  const files = nodeFiles({ dir, dataDir: dir })
  const label = options.label ?? dir.split('/').pop() ?? 'node'
  if (!existsSync(files.config)) {
    const made = await actions.initialiseNode({ dir, label, settings: settingsOf(options) })
    out.note(`made a node in ${made.dir}; its keys are in ${made.keysDir}`)
  }
  out.note(`looking for the network at ${formatNetworkAddress(address)}`)
  const joined = await actions.joinNetwork(dir, address, signal)
  out.note(
    `network "${joined.name}", epoch ${joined.e}: ${joined.members.length} members, ${joined.t} sign`,
  )
  for (const member of joined.members) out.note(`  ${member.index}  ${member.label}`)
  out.note(`compare its id with the other operators by voice: ${joined.networkId}`)

  const asked = askedToStop(context, options.lifeline === true)
  const node = await actions.startNode(dir, context.env)
  try {
    const own = await actions.ownNode(dir, context.env, signal)
    try {
      const left = await Promise.race([
        asked,
        node.ended,
        ask(
          own,
          { label, hours: options.hours, key: options.operatorKey ?? own.operatorKey },
          context,
          options,
        ),
      ])
      if (left === 'member') await keepRunning(node, asked, context, options)
      else if (left !== 'asked') throw stopped(left)
    } finally {
      own.node.close()
    }
  } finally {
    await node.stop()
  }
}

/** Asks members until the node is one. */
async function ask(
  own: OwnNode,
  { label, hours, key }: { label: string; hours: number; key: string },
  context: Context,
  options: CommonOptions,
): Promise<'member'> {
  const out = outputOf(context, options)
  const { signal, now } = context
  const operator = await readOperatorKey(key)
  const expiresAt = now() + hours * HOUR_MS
  let sentAt = Number.NEGATIVE_INFINITY
  let told = ''
  for (;;) {
    const status = await own.node.ask('status', {}, signal)
    if (status.standing === 'member') {
      out.result({ event: 'member', index: status.me, epoch: status.epoch }, [
        `${out.paint.green('joined')}: this node is member ${status.me}, epoch ${status.epoch?.e ?? 0}`,
      ])
      return 'member'
    }
    if (now() - sentAt >= AGAIN_MS && status.attempt === null) {
      const isFirst = sentAt === Number.NEGATIVE_INFINITY
      try {
        const { guestSig } = await sendSignedJoin(
          own.node,
          status,
          { operator, label, expiresAt },
          signal,
        )
        sentAt = now()
        if (isFirst) {
          out.note(`asked to join as guest ${guestSig}`)
          out.note(
            `an operator of a member runs: holdfast epoch propose add ${guestSig.slice(0, 12)} --dir DIR`,
          )
        }
      } catch (error) {
        if (!(error instanceof CommandError) || error.exitCode !== EXIT.waiting) throw error
        out.note(`${error.message}; asking again`)
      }
    }
    const { attempt } = status
    const line =
      attempt === null
        ? ''
        : `epoch ${attempt.e}, attempt ${attempt.k}: ${attempt.step}${attempt.missing.length > 0 ? `; READY is missing of ${attempt.missing.join(', ')}` : ''}`
    if (line !== told && line !== '') out.note(line)
    told = line
    await pause(LOOK_MS, undefined, { signal })
  }
}

async function keepRunning(
  node: StartedNode,
  asked: Promise<'asked'>,
  context: Context,
  options: CommonOptions,
): Promise<void> {
  const how = await Promise.race([asked, node.ended])
  if (how !== 'asked') throw stopped(how)
  outputOf(context, options).note('stopping')
}

const stopped = ({ code, reason }: { code: number; reason: string }): CommandError =>
  new CommandError(code, `the node stopped: ${reason}`, {
    hint: GUEST_HINTS[code] ?? 'look at the lines before this one, then run "holdfast start"',
  })

function addressOf(text: string): ReturnType<typeof parseNetworkAddress> {
  try {
    return parseNetworkAddress(text)
  } catch (cause) {
    if (!(cause instanceof DecodeError)) throw cause
    throw new CommandError(EXIT.refused, cause.message, {
      hint: 'any operator of the network can tell it: "holdfast status" shows id and addresses',
      cause,
    })
  }
}
