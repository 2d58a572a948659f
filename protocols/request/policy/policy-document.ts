import * as z from 'zod'
import { type DocumentForm, textOf } from '../byte-field.ts'
import { ROLES, type Role } from '../credentials/credential.ts'
import { POLICY_CLASSES, type PolicyClass } from '../method-class.ts'

/** What a `credential` node asks for: one credential, or any of a kind and a role. */
export type CredentialMatch =
  | Uint8Array
  | { readonly kind?: 'passkey' | 'key' | 'oidc' | 'session'; readonly role?: Role }

/** A node of the policy tree (05 §1.4). Rules and lambdas come with a later version. */
export type PolicyNode =
  | { readonly all: readonly PolicyNode[] }
  | { readonly any: readonly PolicyNode[] }
  | { readonly threshold: { readonly m: number; readonly of: readonly PolicyNode[] } }
  | { readonly credential: CredentialMatch }
  /** Id of an approver of the scope. */
  | { readonly approval: string }
  /** Seconds since the certified `pending` entry of the request. */
  | { readonly delay: number }
  /** Seconds that the ticket may be old. */
  | { readonly fresh: number }
  | { readonly never: true }
  | { readonly always: true }

/** A policy (05 §1.4). A class that is missing is denied. */
export interface PolicyDoc {
  readonly v: 1
  readonly limits: 'quorum' | 'strict'
  readonly lists: Readonly<Record<string, never>>
  readonly actions: { readonly [Class in PolicyClass]?: PolicyNode }
  readonly rules: readonly never[]
}

/** Levels of one tree, its root counted (05 §1.4). */
export const MAX_POLICY_DEPTH = 8
/** Nodes of all trees of a document (05 §1.4). */
export const MAX_POLICY_NODES = 256
const MAX_CHILDREN = 64
/** Ten years: a delay beyond it is `never`. */
const MAX_WAIT_SECONDS = 315_360_000

/** The shape of a policy in either form of a document. */
export function policyShape({ id }: DocumentForm): z.ZodType<PolicyDoc> {
  const node: z.ZodType<PolicyNode> = z.lazy(() =>
    z.union([
      z.strictObject({ all: children }),
      z.strictObject({ any: children }),
      z.strictObject({
        threshold: z
          .strictObject({ m: z.number().int().min(1).max(MAX_CHILDREN), of: children })
          .refine(({ m, of }) => m <= of.length, 'a threshold above the number of its nodes'),
      }),
      z.strictObject({ credential: z.union([id, match]) }),
      z.strictObject({ approval: textOf() }),
      z.strictObject({ delay: seconds }),
      z.strictObject({ fresh: seconds }),
      z.strictObject({ never: z.literal(true) }),
      z.strictObject({ always: z.literal(true) }),
    ]),
  ) as z.ZodType<PolicyNode>
  const children = z.array(node).min(1).max(MAX_CHILDREN)
  const seconds = z.number().int().min(1).max(MAX_WAIT_SECONDS)
  const match = z
    .strictObject({
      kind: z.enum(['passkey', 'key', 'oidc', 'session']).optional(),
      role: z.enum(ROLES).optional(),
    })
    .refine(({ kind, role }) => kind !== undefined || role !== undefined, 'any credential at all')
  return z
    .strictObject({
      v: z.literal(1),
      limits: z.enum(['quorum', 'strict']),
      lists: z.strictObject({}),
      actions: z.partialRecord(z.enum(POLICY_CLASSES), node),
      rules: z.array(z.never()).max(0),
    })
    .check(({ value, issues }) => {
      const { depth, nodes } = sizeOf(value as PolicyDoc)
      if (depth > MAX_POLICY_DEPTH || nodes > MAX_POLICY_NODES)
        issues.push({ code: 'custom', message: 'a policy that is too large', input: value })
    }) as unknown as z.ZodType<PolicyDoc>
}

/** Depth of the deepest tree and nodes of all trees. */
export function sizeOf({ actions }: PolicyDoc): { depth: number; nodes: number } {
  let [depth, nodes] = [0, 0]
  let level: readonly PolicyNode[] = Object.values(actions)
  while (level.length > 0) {
    depth += 1
    nodes += level.length
    level = level.flatMap(childrenOf)
  }
  return { depth, nodes }
}

/** The nodes under a node, in document order. */
export function childrenOf(node: PolicyNode): readonly PolicyNode[] {
  if ('all' in node) return node.all
  if ('any' in node) return node.any
  return 'threshold' in node ? node.threshold.of : []
}

/** Every node of a policy, level by level. */
export function nodesOf({ actions }: PolicyDoc): PolicyNode[] {
  const found: PolicyNode[] = []
  let level: readonly PolicyNode[] = Object.values(actions)
  while (level.length > 0) {
    found.push(...level)
    level = level.flatMap(childrenOf)
  }
  return found
}
