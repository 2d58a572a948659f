import type { Attempt, BaseEpoch } from '../../../protocols/agreement/epoch/state.ts'
import type { AttemptFacts } from './epoch-work.ts'

/** What the making of new shares needs of an attempt on this base. */
export function factsOf(
  base: BaseEpoch,
  { e, k, epochId, started, change, members }: Attempt,
): AttemptFacts {
  const { record } = base
  const isGenesis = started.proposal === null
  return {
    epoch: { e, k },
    epochId,
    base: isGenesis ? { e, k } : { e: record.e, k: record.k },
    baseEpochId: record.epochId,
    oldMembers: record.members,
    oldThreshold: record.t,
    members,
    threshold: change.t,
    dealers: started.start.object.dealers,
    unban: change.unban,
    rootKey: base.base.rootKey,
  }
}
