import type { Command } from 'commander'
import { Leave } from '../../../protocols/agreement/objects/join.ts'
import { LEAVE_REASONS, type Proposal } from '../../../protocols/agreement/objects/proposal.ts'
import { signed, signObject } from '../../../protocols/agreement/objects/signed.ts'
import { baseOf, toHex } from '../../node/operator/base-of.ts'
import { nearestThreshold } from '../../node/operator/nearest-threshold.ts'
import { readOperatorKey } from '../../node/operator-key.ts'
import { CommandError } from '../command-error.ts'
import { type CommonOptions, type Context, outputOf } from '../context.ts'
import { epochDiff } from '../epoch-diff.ts'
import { watchEpoch } from '../epoch-watch.ts'
import { EXIT } from '../exit-codes.ts'
import { asCount, jsonOption, nodeOption } from '../options.ts'
import { showDiff } from '../show-diff.ts'

interface LeaveOptions extends CommonOptions {
  readonly dir: string
  readonly operatorKey?: string
  readonly threshold?: number
  readonly wait: boolean
}

/** `holdfast leave`: lets the own node go, and waits until the others hold everything without it. */
export function addLeave(program: Command, context: Context): void {
  program
    .command('leave')
    .description("let one's own node leave its committee, and wait until it may be stopped")
    .addOption(nodeOption())
    .option('--operator-key <file>', 'default: operator.key of the node')
    .option(
      '--threshold <t>',
      'of the epoch without it; default: as it is, or the nearest allowed',
      asCount,
    )
    .option('--no-wait', 'only propose it')
    .addOption(jsonOption())
    .action(async (options: LeaveOptions) => {
      const out = outputOf(context, options)
      const own = await context.actions.ownNode(options.dir, context.env, context.signal)
      try {
        const status = await own.node.ask('status', {}, context.signal)
        const base = await baseOf(status, own.genesisFile)
        const me = base.members.find(({ index }) => index === status.me)
        if (me === undefined || status.epoch === null)
          throw new CommandError(
            EXIT.refused,
            'this node is a member of no epoch: it has nothing to leave',
          )
        const t = options.threshold ?? nearestThreshold(base.members.length - 1, base.t)
        const expiresAt = context.now() + base.params.acceptTtlMs
        const proposal: Proposal = {
          committeeId: base.committeeId,
          baseHash: base.hash,
          kind: 1,
          joins: [],
          leaves: [{ index: me.index, reason: LEAVE_REASONS.own }],
          t,
          params: null,
          allowAdd: [],
          allowDrop: [],
          unban: [],
          expiresAt,
          proposerIndex: me.index,
          nonce: new Uint8Array(16), // the guest draws it; nothing that is shown follows from it
        }
        const diff = epochDiff(base, proposal, [])
        for (const line of showDiff(diff, out.paint)) out.note(line)
        if (diff.broken !== null)
          throw new CommandError(
            EXIT.refused,
            `it breaks a rule of the committee: ${diff.broken}`,
            {
              hint: 'let another node join first, or in the same change: "epoch propose add --remove"',
            },
          )
        const key = await readOperatorKey(options.operatorKey ?? own.operatorKey)
        if (toHex(key.publicKey) !== toHex(me.operatorKey))
          throw new CommandError(EXIT.refused, 'this is not the operator key of this member', {
            hint: 'name the right one with --operator-key',
          })
        const leave = signObject(
          Leave,
          { committeeId: base.committeeId, e: status.epoch.e, index: me.index },
          base.networkId,
          key.sign,
        )
        const { proposalHash } = await own.node.ask(
          'leave',
          { leave: toHex(signed(Leave).encode(leave)), t, expiresAt },
          context.signal,
        )
        if (diff.needsOperator)
          out.note(
            `the threshold changes with it, so each operator runs: holdfast epoch accept ${proposalHash.slice(0, 8)} --dir DIR`,
          )
        if (options.wait) {
          out.note(
            `proposed ${proposalHash}; waiting until the others hold everything without this node`,
          )
          await watchEpoch(own, out, ({ standing }) => standing === 'left', context)
        }
        out.result({ proposalHash, left: options.wait, diff }, [
          options.wait
            ? `${out.paint.green('left')}: stop the node; when the others show that it has erased its shares, delete its directories`
            : `${out.paint.green('proposed')} ${proposalHash}`,
        ])
      } finally {
        own.node.close()
      }
    })
}
