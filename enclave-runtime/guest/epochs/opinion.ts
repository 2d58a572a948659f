import { EPOCH_KINDS } from '../../../protocols/agreement/objects/kinds.ts'
import type { Change } from '../../../protocols/agreement/rules/change.ts'
import type { OperatorSettings } from '../../port/guest-settings.ts'

/**
 * What the operator's settings say of a change (03 §7): yes, or ask. Of one that needs the operator's signature this
 * is advice for the tool that holds the operator's key; of the others it is the answer. Nothing is refused unasked.
 */
export function opinionOf(change: Change, { autoAccept }: OperatorSettings): true | null {
  const { kind, joins, leaves, allowAdd, allowDrop, unban, params, proposerIndex } = change
  const isOwnLeave = (leaver: Change['leaves'][number]): boolean =>
    leaver.reason === 0 && leaver.index === proposerIndex
  const accepted = [
    joins.length === 0 || autoAccept.join === true,
    leaves.every((leaver) => (isOwnLeave(leaver) ? autoAccept.leaveOwn : autoAccept.remove)),
    (allowAdd.length === 0 && allowDrop.length === 0) || autoAccept.allow,
    params === null && unban.length === 0, // what is left of a change is always asked
    kind !== EPOCH_KINDS.refresh || autoAccept.refresh,
  ]
  return accepted.every((one) => one) ? true : null
}
