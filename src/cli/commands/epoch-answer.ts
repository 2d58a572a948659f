import type { Command } from 'commander'
import type { SignedJoin } from '../../../protocols/agreement/objects/join.ts'
import { SignedJoin as SignedJoinCodec } from '../../../protocols/agreement/objects/join.ts'
import { Proposal } from '../../../protocols/agreement/objects/proposal.ts'
import { signed } from '../../../protocols/agreement/objects/signed.ts'
import { baseOf, decoded, fromHex, toHex } from '../../node/operator/base-of.ts'
import type { OperatorStatus } from '../../node/operator/messages.ts'
import { signAnswer } from '../../node/operator/sign-answer.ts'
import { readOperatorKey } from '../../node/operator-key.ts'
import type { OwnNode } from '../actions.ts'
import { CommandError } from '../command-error.ts'
import { type CommonOptions, type Context, outputOf } from '../context.ts'
import { epochDiff } from '../epoch-diff.ts'
import { EXIT } from '../exit-codes.ts'
import { jsonOption, nodeOption } from '../options.ts'
import { showDiff } from '../show-diff.ts'

interface AnswerOptions extends CommonOptions {
  readonly dir: string
  readonly operatorKey?: string
  readonly yesDigits?: string
}

const DIGITS = 8

/** `holdfast epoch accept|reject`: shows what a proposal would do, then answers it with the operator's signature. */
export function addAnswers(epoch: Command, context: Context): void {
  for (const [name, yes] of [
    ['accept', true],
    ['reject', false],
  ] as const)
    epoch
      .command(name)
      .description(`say ${yes ? 'yes' : 'no'} to a proposal, after it was shown`)
      .argument('<hash>', `of the proposal, or its first ${DIGITS} digits or more`)
      .addOption(nodeOption())
      .option('--operator-key <file>', 'default: operator.key of the node')
      .option('--yes-digits <digits>', `the first ${DIGITS} digits, when nobody can be asked`)
      .addOption(jsonOption())
      .action(async (hash: string, options: AnswerOptions) => {
        const own = await context.actions.ownNode(options.dir, context.env, context.signal)
        try {
          await answer(own, hash, yes, options, context)
        } finally {
          own.node.close()
        }
      })
}

async function answer(
  own: OwnNode,
  wanted: string,
  yes: boolean,
  options: AnswerOptions,
  context: Context,
): Promise<void> {
  const out = outputOf(context, options)
  const { signal } = context
  const status = await own.node.ask('status', {}, signal)
  const hash = named(status, wanted)
  const text = await own.node.ask('proposal', { proposalHash: hash }, signal)
  const base = await baseOf(status, own.genesisFile)
  const { proposal, joins } = proposalOf(text.proposal, text.joins, hash)
  if (toHex(proposal.baseHash) !== status.baseHash)
    throw new CommandError(EXIT.refused, 'the proposal is for another epoch than the present one', {
      hint: 'its proposer proposes it again',
    })
  const me = base.members.find(({ index }) => index === status.me)
  if (me === undefined)
    throw new CommandError(EXIT.refused, 'this node is no member: it has no answer')
  const diff = epochDiff(base, proposal, joins)
  for (const line of showDiff(diff, out.paint)) out.note(line)
  if (yes && diff.broken !== null)
    throw new CommandError(EXIT.refused, `it breaks a rule of the committee: ${diff.broken}`)
  await confirmed(hash, yes, options, context)

  const plain = { proposalHash: hash, yes, seq: text.seq }
  if (yes && diff.needsOperator) {
    const key = await readOperatorKey(options.operatorKey ?? own.operatorKey)
    if (toHex(key.publicKey) !== toHex(me.operatorKey))
      throw new CommandError(EXIT.refused, 'this is not the operator key of this member', {
        hint: 'name the right one with --operator-key',
      })
    await own.node.ask('answer', signAnswer(base, { ...plain, index: me.index }, key), signal)
  } else await own.node.ask('answer', { ...plain, operatorSig: null }, signal)
  const said = new Set(status.proposals.find((open) => open.hash === hash)?.yes)
  if (yes) said.add(me.index)
  else said.delete(me.index)
  out.result({ proposalHash: hash, yes, accepted: said.size, needed: status.q, diff }, [
    `${out.paint.green(yes ? 'accepted' : 'rejected')} ${hash.slice(0, DIGITS)}: ${said.size} of ${status.q} yes`,
    `see "holdfast epoch status --dir ${options.dir} --watch"`,
  ])
}

/** The one open proposal that is meant. */
function named(status: OperatorStatus, wanted: string): string {
  const text = wanted.toLowerCase()
  const found = status.proposals.filter(({ hash }) => hash.startsWith(text))
  const [only] = found
  if (text.length >= DIGITS && found.length === 1 && only !== undefined) return only.hash
  const open = status.proposals.map(({ hash }) => hash.slice(0, DIGITS)).join(', ')
  throw new CommandError(
    EXIT.refused,
    text.length < DIGITS
      ? `name it by ${DIGITS} digits or more`
      : `there is no open proposal ${wanted}`,
    { hint: open === '' ? 'none is open' : `open: ${open}` },
  )
}

/** The proposal is what its hash says, whatever the node says. */
function proposalOf(
  bytes: string | null,
  joins: readonly string[],
  hash: string,
): { proposal: Proposal; joins: readonly SignedJoin[] } {
  if (bytes === null) throw new CommandError(EXIT.refused, 'the proposal is gone: it expired')
  const { object } = decoded(() => signed(Proposal).decode(fromHex(bytes)))
  if (toHex(Proposal.hash(object)) !== hash)
    throw new CommandError(EXIT.failed, 'the node shows another proposal than that of this hash')
  return {
    proposal: object,
    joins: decoded(() => joins.map((join) => SignedJoinCodec.decode(fromHex(join)))),
  }
}

/** The operator compares the hash with the other operators, and types how it begins. */
async function confirmed(
  hash: string,
  yes: boolean,
  options: AnswerOptions,
  context: Context,
): Promise<void> {
  const digits =
    options.yesDigits ??
    (await context.ask(
      `proposal ${hash}\ntype its first ${DIGITS} digits to ${yes ? 'accept' : 'reject'} it: `,
    ))
  if (digits.trim().toLowerCase() === hash.slice(0, DIGITS)) return
  throw new CommandError(
    EXIT.refused,
    `these are not the first ${DIGITS} digits: nothing was answered`,
  )
}
