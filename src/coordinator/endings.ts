import type { Short } from './lead.ts'
import { failure, knownId, type Reply } from './reply.ts'
import type { Standing } from './standing.ts'
import type { Tries } from './tries.ts'

/** What a caller is told at the end of a request that gave no result. */
export interface Ending {
  readonly kind: 'sign' | 'keygen'
  readonly requestId: string
  readonly tries: Tries
  readonly standing: Standing
}

/** The guest threw. One that has more to do than it answers in time, or than its port has room for, lives. */
export function unanswered(cause: unknown, about: { readonly requestId?: string } = {}): Reply {
  const code = cause instanceof Error && 'code' in cause ? cause.code : undefined
  const isTooMuch = code === 'OVERLOADED' || code === 'CANCELLED'
  return failure(isTooMuch ? 'OVERLOADED' : 'INTERNAL_ERROR', about)
}

/** The deadline passed. */
export function late({ requestId, tries: { attempt, lastFault } }: Ending): Reply {
  const details = { attempts: attempt, ...(lastFault === undefined ? {} : { lastFault }) }
  return failure('MPC_DEADLINE', { requestId, details })
}

/** Too many attempts failed. */
export function gaveUp({ kind, requestId, tries, standing }: Ending): Reply {
  const { lastFault, failures, blamed } = tries
  const blame = standing.peers([...blamed])
  return failure(kind === 'keygen' ? 'DKG_FAILED' : 'SIGN_FAILED', {
    requestId,
    details: { attempts: failures, ...(lastFault === undefined ? {} : { lastFault }) },
    ...(blame.length === 0 ? {} : { blame }),
  })
}

/** So many refused that too few are left. */
export function refusedByMost({ requestId, tries }: Ending): Reply {
  const refused = Object.fromEntries([...tries.refused].map(([p, why]) => [String(p), why]))
  return failure(knownId(tries.commonRefusal() ?? ''), { requestId, details: { refused } })
}

/** There are no signers to choose, and waiting did not help. */
export function quorum(
  { kind, requestId, standing }: Ending,
  { reason, reachable, needed }: Short,
): Reply {
  const missing = standing.members.filter(({ index }) => !reachable.includes(index))
  const names = missing.map(({ index, label }) => `${index} (${label})`).join(', ')
  const details = {
    reachable: reachable.length,
    needed,
    missing: missing.map(({ index }) => index),
  }
  if (reason === 'bans')
    return failure('PAIR_BANNED', {
      requestId,
      details,
      message: 'every subset of reachable members has a banned pair',
    })
  const message =
    reason === 'pairs'
      ? `insufficient signers: ${reachable.length} members are reachable, but the pair setups of this node with them are not finished`
      : kind === 'keygen'
        ? `a key generation needs all ${needed} members; not available: ${names}`
        : `insufficient signers: ${reachable.length} of ${needed} needed members are available; not available: ${names}`
  return failure('MPC_QUORUM', { requestId, details, message })
}
