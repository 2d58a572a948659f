import { writeFile } from 'node:fs/promises'
import { type Command, InvalidArgumentError } from 'commander'
import {
  joinHash,
  type SignedJoin,
  SignedJoin as SignedJoinCodec,
} from '../../../protocols/agreement/objects/join.ts'
import { Params } from '../../../protocols/agreement/objects/params.ts'
import { LEAVE_REASONS, type LeaveReason } from '../../../protocols/agreement/objects/proposal.ts'
import type { Base } from '../../../protocols/agreement/rules/base.ts'
import { updatedBy } from '../../../protocols/agreement/rules/change.ts'
import { baseOf, decoded, fromHex, toHex } from '../../node/operator/base-of.ts'
import type { OperatorStatus, Wish } from '../../node/operator/messages.ts'
import { nearestThreshold } from '../../node/operator/nearest-threshold.ts'
import type { OwnNode } from '../actions.ts'
import { CommandError } from '../command-error.ts'
import { type CommonOptions, type Context, outputOf } from '../context.ts'
import { epochDiff } from '../epoch-diff.ts'
import { EXIT } from '../exit-codes.ts'
import { asCount, asNumbers, collected, jsonOption, nodeOption } from '../options.ts'
import { showDiff } from '../show-diff.ts'

interface ProposeOptions extends CommonOptions {
  readonly dir: string
  readonly threshold?: number
  readonly hours?: number
  readonly out?: string
}
interface AddOptions extends ProposeOptions {
  readonly remove?: readonly number[]
}
interface RemoveOptions extends ProposeOptions {
  readonly fault?: boolean
}
interface AllowOptions extends ProposeOptions {
  readonly add?: readonly string[]
  readonly drop?: readonly string[]
}
interface ParamsOptions extends ProposeOptions {
  readonly refreshHours?: number
  readonly stampMinutes?: number
  readonly drainSeconds?: number
  readonly setupsPerHour?: number
}

/** A change as the operator says it; what is left out stays as it is. */
type Change = Partial<Omit<Wish, 't' | 'expiresAt' | 'params'>> & {
  readonly params?: Partial<Params>
}

const HOUR_MS = 3_600_000
const HOUR_S = 3600

/** `holdfast epoch propose …` and `holdfast refresh`. */
export function addPropose(epoch: Command, context: Context): void {
  const propose = epoch
    .command('propose')
    .description('propose a change; nothing happens before q accept it')
  common(propose.command('add'))
    .description('let the nodes join, or be updated, that have asked this one for it')
    .argument('[joins...]', 'first digits of their guest keys; default: all that wait')
    .option('--remove <members>', 'members that go in the same change', asNumbers)
    .action(async (which: readonly string[], options: AddOptions) => {
      await proposed(options, context, (status) => ({
        kind: 1,
        joins: joinsOf(status, which),
        leaves: leavesOf(options.remove ?? [], LEAVE_REASONS.removed),
      }))
    })
  common(propose.command('remove'))
    .description('let members go, for example such as are lost')
    .argument('<members...>', 'their indices', asNumbers)
    .option('--fault', 'for a fault that is proved: their keys never come back')
    .action(async (members: readonly number[], options: RemoveOptions) => {
      const reason = options.fault === true ? LEAVE_REASONS.fault : LEAVE_REASONS.removed
      await proposed(options, context, () => ({ kind: 1, leaves: leavesOf(members, reason) }))
    })
  addRefreshTo(propose, context)
  common(propose.command('allow'))
    .description('let members run another bundle, or a bundle no more')
    .option('--add <hashes>', 'SHA-256 of bundles', collected)
    .option('--drop <hashes>', 'SHA-256 of bundles', collected)
    .action(async (options: AllowOptions) => {
      const { add = [], drop = [] } = options
      if (add.length + drop.length === 0)
        throw new CommandError(EXIT.refused, 'name bundles with --add or --drop')
      await proposed(options, context, () => ({
        kind: 1,
        allowAdd: add.map(measurement),
        allowDrop: drop.map(measurement),
      }))
    })
  common(propose.command('params'))
    .description('another threshold, or other times')
    .option('--refresh-hours <n>', 'shares are made anew so often', asCount)
    .option('--stamp-minutes <n>', 'the committee confirms itself to clients so often', asCount)
    .option('--drain-seconds <n>', 'an epoch that ended is still served so long', asCount)
    .option('--setups-per-hour <n>', 'pair setups of one pair', asCount)
    .action(async (options: ParamsOptions) => {
      const { refreshHours, stampMinutes, drainSeconds, setupsPerHour } = options
      await proposed(options, context, () => ({
        kind: 1,
        params: {
          ...(refreshHours === undefined ? {} : { refreshS: refreshHours * HOUR_S }),
          ...(stampMinutes === undefined ? {} : { stampS: stampMinutes * 60 }),
          ...(drainSeconds === undefined ? {} : { drainMs: drainSeconds * 1000 }),
          ...(setupsPerHour === undefined ? {} : { setupsPerHour }),
        },
      }))
    })
}

/** `holdfast refresh`: short for `epoch propose refresh`. */
export function addRefresh(program: Command, context: Context): void {
  addRefreshTo(program, context)
}

function addRefreshTo(parent: Command, context: Context): void {
  common(parent.command('refresh'))
    .description('let every member have a new share of every key, with the same public keys')
    .action(async (options: ProposeOptions) => {
      if (options.threshold !== undefined)
        throw new CommandError(EXIT.refused, 'a refresh changes nothing, not even the threshold', {
          hint: 'holdfast epoch propose params --threshold …',
        })
      await proposed(options, context, () => ({ kind: 2 }))
    })
}

const common = (command: Command): Command =>
  command
    .addOption(nodeOption())
    .option(
      '--threshold <t>',
      'of the next epoch; default: as it is, or the nearest allowed',
      asCount,
    )
    .option('--hours <n>', 'how long it is open; default: as the parameters say', asCount)
    .option('--out <file>', 'also write the proposal to a file')
    .addOption(jsonOption())

async function proposed(
  options: ProposeOptions,
  context: Context,
  change: (status: OperatorStatus) => Change,
): Promise<void> {
  const own = await context.actions.ownNode(options.dir, context.env, context.signal)
  try {
    const status = await own.node.ask('status', {}, context.signal)
    if (status.me === null)
      throw new CommandError(EXIT.refused, 'this node is no member: it proposes nothing')
    await propose(own, status, change(status), options, context)
  } finally {
    own.node.close()
  }
}

async function propose(
  own: OwnNode,
  status: OperatorStatus,
  change: Change,
  options: ProposeOptions,
  context: Context,
): Promise<void> {
  const out = outputOf(context, options)
  const { signal } = context
  const base = await baseOf(status, own.genesisFile)
  const joins = decoded(() =>
    (change.joins ?? []).map((join) => SignedJoinCodec.decode(fromHex(join))),
  )
  const wish = wishOf(base, joins, change, options, context.now())
  const diff = epochDiff(
    base,
    {
      committeeId: base.committeeId,
      baseHash: base.hash,
      kind: wish.kind,
      joins: joins.map(joinHash),
      leaves: wish.leaves,
      t: wish.t,
      params: wish.params === null ? null : Params.decode(fromHex(wish.params)),
      allowAdd: wish.allowAdd.map(fromHex),
      allowDrop: wish.allowDrop.map(fromHex),
      unban: wish.unban,
      expiresAt: wish.expiresAt,
      proposerIndex: status.me ?? 0,
      nonce: new Uint8Array(16), // the guest draws it; nothing that is shown follows from it
    },
    joins,
  )
  for (const line of showDiff(diff, out.paint)) out.note(line)
  if (diff.broken !== null)
    throw new CommandError(EXIT.refused, `it breaks a rule of the committee: ${diff.broken}`)
  const { proposalHash } = await own.node.ask('propose', wish, signal)
  if (options.out !== undefined) {
    const text = await own.node.ask('proposal', { proposalHash }, signal)
    await writeFile(options.out, `${JSON.stringify({ proposalHash, ...text })}\n`, { flag: 'wx' })
  }
  out.result({ proposalHash, diff }, [
    `${out.paint.green('proposed')} ${out.paint.bold(proposalHash)}`,
    diff.needsOperator
      ? `each operator compares the hash with the others and runs: holdfast epoch accept ${proposalHash.slice(0, 8)} --dir DIR`
      : 'nodes accept it by themselves, unless their operators decided otherwise',
    `see "holdfast epoch status --dir ${options.dir} --watch"`,
  ])
}

function wishOf(
  base: Base,
  joins: readonly SignedJoin[],
  change: Change,
  options: ProposeOptions,
  now: number,
): Wish {
  const leaves = change.leaves ?? []
  const newcomers = joins.filter(({ object }) => updatedBy(base, object) === undefined)
  const n = base.members.length - leaves.length + newcomers.length
  const t = options.threshold ?? nearestThreshold(n, base.t)
  const params =
    change.params === undefined
      ? null
      : toHex(Params.encode({ ...base.params, ...change.params, t }))
  return {
    kind: change.kind ?? 1,
    joins: change.joins ?? [],
    leaves,
    t,
    params,
    allowAdd: change.allowAdd ?? [],
    allowDrop: change.allowDrop ?? [],
    unban: change.unban ?? [],
    expiresAt:
      now + (options.hours === undefined ? base.params.acceptTtlMs : options.hours * HOUR_MS),
  }
}

/** The joins that wait, or those of them whose guest keys begin so. */
function joinsOf(status: OperatorStatus, which: readonly string[]): string[] {
  const waiting = status.joins.map((bytes) => ({
    bytes,
    guest: toHex(decoded(() => SignedJoinCodec.decode(fromHex(bytes))).object.guestSig),
  }))
  const chosen =
    which.length === 0
      ? waiting
      : which.map((wanted) => {
          const found = waiting.filter(({ guest }) => guest.startsWith(wanted.toLowerCase()))
          const [only] = found
          if (only !== undefined && found.length === 1) return only
          throw new CommandError(EXIT.refused, `no join of guest ${wanted} waits here`, {
            hint: `waiting: ${waiting.map(({ guest }) => guest.slice(0, 16)).join(', ') || 'none'}`,
          })
        })
  if (chosen.length === 0)
    throw new CommandError(EXIT.refused, 'nobody has asked this node to join', {
      hint: 'the new node runs: holdfast join holdfast:<network id>@<address of this node>',
    })
  return chosen.map(({ bytes }) => bytes)
}

const leavesOf = (
  members: readonly number[],
  reason: LeaveReason,
): { index: number; reason: LeaveReason }[] =>
  [...new Set(members)].sort((a, b) => a - b).map((index) => ({ index, reason }))

function measurement(text: string): string {
  if (!/^[0-9a-f]{64}$/.test(text))
    throw new InvalidArgumentError('a bundle is named by its SHA-256, 64 hex digits')
  return text
}
