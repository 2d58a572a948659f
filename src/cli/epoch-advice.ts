import type { OperatorStatus } from '../node/operator/messages.ts'
import { named, removalOf, silentOf } from '../node/operator/missing.ts'

/** Why an epoch does not advance, and what to do (03 §12). */
export interface Advice {
  /** `wait`: it goes on by itself. `act`: somebody has to do something. */
  readonly kind: 'wait' | 'act'
  readonly reason: string
  readonly todo: string
}

/** Everything that is open, most important first; empty when nothing is. */
export function adviceOf(status: OperatorStatus, now: number): readonly Advice[] {
  return [
    ...standingAdvice(status),
    ...attemptAdvice(status, now),
    ...status.proposals.flatMap((proposal) => proposalAdvice(status, proposal, now)),
  ]
}

function standingAdvice(status: OperatorStatus): Advice[] {
  const silent = silentOf(status)
  switch (status.standing) {
    case 'genesis':
      return [
        {
          kind: silent.length > 0 ? 'act' : 'wait',
          reason: `the first epoch is being made: it needs all ${status.members.length} members${silent.length > 0 ? `, and ${named(silent)} is silent` : ''}`,
          todo: silent.length > 0 ? 'start them' : 'nothing: it takes some seconds',
        },
      ]
    case 'asking':
      return [
        {
          kind: 'wait',
          reason: 'this node asks the others whether it is current, and promises nothing before',
          todo: silent.length > 0 ? `bring back ${named(silent)}` : 'nothing',
        },
      ]
    case 'stopped':
      return [
        {
          kind: 'act',
          reason: 'this node has stopped: its store was rolled back, or it saw proof of a fork',
          todo: 'see "holdfast status" and its alerts; after a rollback run "holdfast rejoin"',
        },
      ]
    case 'joining':
      return [
        {
          kind: 'act',
          reason: 'this node is a member of no epoch yet',
          todo: 'ask operators of the committee to run "holdfast epoch propose add" and to accept it',
        },
      ]
    case 'left':
      return [
        { kind: 'wait', reason: 'this node has left its committee', todo: 'it may be stopped' },
      ]
    case 'member':
      return status.quarantine === null
        ? []
        : [
            {
              kind: 'act',
              reason: `this node was rolled back: it has no vote until an epoch is active for which it was ready, after attempt ${status.quarantine.k} at epoch ${status.quarantine.e}`,
              todo: 'run "holdfast refresh" at another member, once all members are up',
            },
          ]
  }
}

function attemptAdvice(status: OperatorStatus, now: number): Advice[] {
  const { attempt } = status
  if (attempt === null) return []
  const left = Math.max(0, Math.round((attempt.deadline - now) / 1000))
  const silent = attempt.missing.filter((index) => silentOf(status).includes(index))
  if (attempt.inDoubtSince !== null)
    return [
      {
        kind: 'wait',
        reason: `in doubt since ${Math.round((now - attempt.inDoubtSince) / 1000)} s: READY is signed and the decision is not known; round ${attempt.round}`,
        todo: `it is decided when ${status.q} members of epoch ${attempt.e - 1} are up${silent.length > 0 ? `; bring back ${named(silent)}` : ''}`,
      },
    ]
  return [
    {
      kind: silent.length > 0 ? 'act' : 'wait',
      reason:
        attempt.missing.length === 0
          ? `epoch ${attempt.e}, attempt ${attempt.k}: ${attempt.step}, ${left} s left`
          : `epoch ${attempt.e}, attempt ${attempt.k}: ${attempt.step}; READY is missing of ${named(attempt.missing)}, ${left} s left`,
      todo:
        silent.length > 0
          ? `bring back ${named(silent)}, or when it is lost: ${removalOf(status, silent)}`
          : 'nothing: without an end by its deadline it is aborted, and tried again',
    },
  ]
}

function proposalAdvice(
  status: OperatorStatus,
  proposal: OperatorStatus['proposals'][number],
  now: number,
): Advice[] {
  const { hash, yes, no, expiresAt } = proposal
  const short = hash.slice(0, 8)
  const n = status.members.length
  if (expiresAt <= now)
    return [{ kind: 'wait', reason: `proposal ${short} has expired`, todo: 'propose it again' }]
  if (yes.length >= status.q) {
    if (status.attempt?.proposalHash === hash) return []
    const silent = silentOf(status)
    return [
      {
        kind: silent.length > 0 ? 'act' : 'wait',
        reason: `proposal ${short} is accepted and waits for its attempt${silent.length > 0 ? `: ${named(silent)} is silent, and all members of the next epoch must be ready` : ''}`,
        todo:
          silent.length > 0
            ? `bring back ${named(silent)}, or when it is lost: ${removalOf(status, silent)}`
            : 'nothing: the initiator starts it',
      },
    ]
  }
  if (no.length > n - status.q)
    return [
      {
        kind: 'act',
        reason: `proposal ${short} cannot be accepted any more: ${no.length} said no, and ${status.q} of ${n} must say yes`,
        todo: 'talk to their operators, and propose something else',
      },
    ]
  const open = status.members
    .map(({ index }) => index)
    .filter((index) => !yes.includes(index) && !no.includes(index))
  const mine = status.me !== null && open.includes(status.me)
  return [
    {
      kind: 'act',
      reason: `proposal ${short} has ${yes.length} of ${status.q} yes; no answer of ${named(open)}`,
      todo: mine
        ? `answer it: holdfast epoch accept ${hash}`
        : `their operators run: holdfast epoch accept ${hash}`,
    },
  ]
}
