/** The rules of a record (03 §1.3). */
export type RecordRule = 'R1' | 'R2' | 'R3' | 'R4' | 'R5' | 'R6' | 'R7' | 'R8' | 'R9' | 'R10'

/** What else an object of an epoch change must keep, named by the object. */
export type ObjectRule =
  | 'join'
  | 'proposal'
  | 'answer'
  | 'start'
  | 'ready'
  | 'commit'
  | 'abort'
  | 'fault'

/** Why something is not valid: the first rule that it breaks, and how, for people. */
export interface BrokenRule {
  readonly rule: RecordRule | ObjectRule
  readonly reason: string
}

/**
 * One demand: the rule it belongs to, whether it is kept, and what is wrong if not. What costs time is a
 * function: it is asked only when everything before it is in order.
 */
export type Demand = readonly [
  rule: BrokenRule['rule'],
  kept: boolean | (() => boolean),
  reason: string,
]

/** The first demand that is not kept. */
export function firstBroken(demands: readonly Demand[]): BrokenRule | undefined {
  const broken = demands.find(([, kept]) => (typeof kept === 'boolean' ? !kept : !kept()))
  return broken && { rule: broken[0], reason: broken[2] }
}
