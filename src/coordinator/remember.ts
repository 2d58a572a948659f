import type { Blame } from './blame.ts'
import type { CoordinatorLog } from './collaborators.ts'
import type { Deadline } from './deadline.ts'
import type { Outcome } from './lead.ts'
import type { Standing } from './standing.ts'
import { verdict } from './verdict.ts'

export interface RememberDependencies {
  readonly blame: Blame
  readonly standing: Standing
  readonly log: CoordinatorLog
}

const CUT_MS = 50 // an attempt that ends so close to the end of its request had not all of its budget

/**
 * What this node keeps of an attempt that its own guest led, for its own client or for another member, beyond the
 * request: who was silent, who broke the protocol, who signed. Times are monotonic ms.
 */
export function remember(
  { blame, standing, log }: RememberDependencies,
  outcome: Outcome,
  deadline: Deadline,
  now: number,
): void {
  if (outcome.kind === 'done') blame.success(outcome.signers)
  if (outcome.kind !== 'failed') return
  const { fault, parties, signers } = outcome
  const others = signers.filter((party) => party !== standing.me)
  switch (verdict(fault)) {
    case 'suspect': {
      blame.failing(signers, now)
      const suspects = blame.suspects(now)
      if (suspects.length > 0)
        log.warn({ suspects }, 'every failing subset of the last hour has these members')
      break
    }
    case 'suspend':
      if (deadline.remainingMs() < CUT_MS) break // whoever asked left too little time: no silence of a signer
      blame.doubt(others, now)
      for (const party of parties) {
        const besides = others.filter((other) => other !== party)
        // With its link up, silence is one side's view of a connection that has two ends.
        if (standing.reachable(party)) blame.unheard(party, besides, now)
        else blame.timeout(party, now)
      }
      break
    case 'strike':
      for (const party of parties) blame.strike(party, now)
      break
    case 'without':
      if (parties.length === 0) blame.doubt(others, now)
      break
  }
}
