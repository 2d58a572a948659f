import { objectTags } from '../../crypto/tags.ts'
import { objectHash } from '../../crypto/transcript.ts'
import { encodeCanonical } from '../../session/canonical-cbor.ts'
import type { ProvenApproval, ProvenCredential } from '../credentials/access-context.ts'
import { sameBytes } from '../credentials/passkey.ts'
import type { ErrorId } from '../errors.ts'
import { isManagement, type PolicyClass } from '../method-class.ts'
import {
  type CredentialMatch,
  MAX_POLICY_DEPTH,
  type PolicyDoc,
  type PolicyNode,
} from './policy-document.ts'

export type Decision = 'ALLOW' | 'WAIT' | 'DENY'

/** All that a policy looks at; guests agree on each of it (05 §3.2). */
export interface PolicyFacts {
  readonly asks: PolicyClass
  readonly credentials: readonly ProvenCredential[]
  readonly approvals: readonly ProvenApproval[]
  /** The agreed time, unix seconds. */
  readonly now: number
  /** When the request's ticket was issued; null without one. */
  readonly ticketIat: number | null
  /** Time of the certified `pending` entry of this request; null without one. */
  readonly pendingSince: number | null
}

/** What one node came to. */
export interface Reason {
  /** Where it stands: `scope` or `account`, the class, then an index per level. */
  readonly path: string
  readonly node: string
  readonly decision: Decision
}

export interface Evaluation {
  readonly decision: Decision
  /** Every node, in document order, a node after those under it. */
  readonly reasons: readonly Reason[]
  /** The id to answer with (rows 16 and 17 of 05 §3.3); null where it is allowed. */
  readonly refusal: ErrorId | null
}

/** policyHash of 05 §1.4, 32 bytes. */
export const policyHashOf = (scopeHash: Uint8Array, own: PolicyDoc | null): Uint8Array =>
  objectHash(objectTags.policy, encodeCanonical([scopeHash, own]))

/**
 * The decision about a request: all of the scope's policy, which is the floor, and the account's own
 * (05 §1.4). Pure and total: no short circuit, document order, a class that is missing is DENY. A session
 * counts only if the same policies allow its opening, since nobody but its user may have seen that before.
 */
export function evaluatePolicy(
  floor: PolicyDoc,
  own: PolicyDoc | null,
  given: PolicyFacts,
): Evaluation {
  const reasons: Reason[] = []
  const credentials = given.credentials.filter((one) => isRightlyOpened(floor, own, one))
  const facts = { ...given, credentials }
  const decision = decide(floor, own, facts, approvalOf, reasons)
  if (decision === 'ALLOW') return { decision, reasons, refusal: null }
  if (decision === 'WAIT') return { decision, reasons, refusal: 'APPROVAL_REQUIRED' }
  const awaited = decide(floor, own, facts, () => 'WAIT', [])
  const refusal = awaited === 'DENY' ? 'POLICY_DENIED' : approvalRefusal(facts)
  return { decision, reasons, refusal }
}

/** A capability carries no approvals and waits for nothing: what WAITs did not open a session. */
function isRightlyOpened(
  floor: PolicyDoc,
  own: PolicyDoc | null,
  { kind, session }: ProvenCredential,
): boolean {
  if (kind !== 'session') return true
  if (session === undefined) return false
  const opening: PolicyFacts = {
    asks: 'session.open',
    credentials: session.openers.filter((one) => one.kind !== 'session'),
    approvals: [],
    now: session.openedAt,
    ticketIat: session.ticketIat,
    pendingSince: null,
  }
  return decide(floor, own, opening, approvalOf, []) === 'ALLOW'
}

type ApprovalRule = (id: string, facts: PolicyFacts) => Decision

function decide(
  floor: PolicyDoc,
  own: PolicyDoc | null,
  facts: PolicyFacts,
  approval: ApprovalRule,
  reasons: Reason[],
): Decision {
  const trees: readonly (readonly [string, PolicyDoc])[] =
    own === null
      ? [['scope', floor]]
      : [
          ['scope', floor],
          ['account', own],
        ]
  const decisions = trees.map(([name, { actions }]) => {
    const path = `${name}.${facts.asks}`
    const root = actions[facts.asks]
    if (root !== undefined) return evaluate(root, path, 1, facts, approval, reasons)
    reasons.push({ path, node: 'missing', decision: 'DENY' })
    return 'DENY'
  })
  return allOf(decisions)
}

function evaluate(
  node: PolicyNode,
  path: string,
  depth: number,
  facts: PolicyFacts,
  approval: ApprovalRule,
  reasons: Reason[],
): Decision {
  if (depth > MAX_POLICY_DEPTH) throw new Error('bug: a policy deeper than documents may be')
  const under = (nodes: readonly PolicyNode[]): Decision[] =>
    nodes.map((one, i) => evaluate(one, `${path}.${i}`, depth + 1, facts, approval, reasons))
  const decision = ((): Decision => {
    if ('all' in node) return allOf(under(node.all))
    if ('any' in node) return anyOf(under(node.any))
    if ('threshold' in node) return atLeast(node.threshold.m, under(node.threshold.of))
    if ('credential' in node) return hasCredential(node.credential, facts) ? 'ALLOW' : 'DENY'
    if ('approval' in node) return approval(node.approval, facts)
    if ('delay' in node) return hasWaited(node.delay, facts) ? 'ALLOW' : 'WAIT'
    if ('fresh' in node) return isFresh(node.fresh, facts) ? 'ALLOW' : 'DENY'
    return 'always' in node ? 'ALLOW' : 'DENY'
  })()
  reasons.push({ path, node: Object.keys(node).join(), decision })
  return decision
}

const allOf = (decisions: readonly Decision[]): Decision => {
  if (decisions.includes('DENY')) return 'DENY'
  return decisions.includes('WAIT') ? 'WAIT' : 'ALLOW'
}

const anyOf = (decisions: readonly Decision[]): Decision => {
  if (decisions.includes('ALLOW')) return 'ALLOW'
  return decisions.includes('WAIT') ? 'WAIT' : 'DENY'
}

function atLeast(m: number, decisions: readonly Decision[]): Decision {
  const allowed = decisions.filter((one) => one === 'ALLOW').length
  const waiting = decisions.filter((one) => one === 'WAIT').length
  if (allowed >= m) return 'ALLOW'
  return allowed + waiting >= m ? 'WAIT' : 'DENY'
}

const hasCredential = (match: CredentialMatch, { credentials, asks }: PolicyFacts): boolean =>
  credentials.some((one) => isMatch(match, one, asks))

/** A session stands for its openers where an account is used; to change one, the policy must name sessions. */
function isMatch(match: CredentialMatch, one: ProvenCredential, asks: PolicyClass): boolean {
  const isSession = one.kind === 'session'
  if (match instanceof Uint8Array)
    return sameBytes(match, one.id) && !(isSession && isManagement(asks))
  const { kind, role } = match
  if (kind !== undefined && kind !== one.kind) return false
  if (kind === undefined && isSession && isManagement(asks)) return false
  return role === undefined || one.roles.includes(role)
}

/** One no counts more than any yes; a yes is good until it expires. */
function approvalOf(id: string, { approvals, now }: PolicyFacts): Decision {
  const said = approvals.filter((one) => one.id === id)
  if (said.some(({ decision }) => decision === 'deny')) return 'DENY'
  if (said.some(({ exp }) => exp > now)) return 'ALLOW'
  return said.length > 0 ? 'DENY' : 'WAIT'
}

const approvalRefusal = ({ approvals }: PolicyFacts): ErrorId =>
  approvals.some(({ decision }) => decision === 'deny') ? 'APPROVAL_DENIED' : 'APPROVAL_TIMEOUT'

const hasWaited = (seconds: number, { pendingSince, now }: PolicyFacts): boolean =>
  pendingSince !== null && now - pendingSince >= seconds

const isFresh = (seconds: number, { ticketIat, now }: PolicyFacts): boolean =>
  ticketIat !== null && now - ticketIat <= seconds
