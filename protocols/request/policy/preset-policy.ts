import { isManagement, POLICY_CLASSES, type PolicyClass } from '../method-class.ts'
import type { PolicyDoc, PolicyNode } from './policy-document.ts'

/** Who controls the accounts of a scope (05 §1.4, presets). */
export const CONTROL_MODES = ['user', 'developer', 'hybrid'] as const
export type ControlMode = (typeof CONTROL_MODES)[number]

/** A user who changes an account has just asked for it. */
const FRESH_SECONDS = 300
/** Developers change what protects an account, or take its key, in view of the user. */
const DELAY_SECONDS = 86_400
const DELAYED: readonly PolicyClass[] = ['policy.set', 'key.export']
/** Digests without meaning and programs are allowed by a policy that says so, never by a preset. */
const NOT_IN_PRESETS: readonly PolicyClass[] = ['sign.raw', 'lambda.run']

/** The policy of a control mode. Hybrid: both sign one digest, so approvals of different payloads never combine. */
export function presetPolicy(mode: ControlMode): PolicyDoc {
  const classes = POLICY_CLASSES.filter((name) => !NOT_IN_PRESETS.includes(name))
  const actions = Object.fromEntries(classes.map((name) => [name, presetNode(mode, name)]))
  return { v: 1, limits: 'quorum', lists: {}, actions, rules: [] }
}

function presetNode(mode: ControlMode, asks: PolicyClass): PolicyNode {
  switch (mode) {
    case 'user': {
      const user: PolicyNode = { credential: { role: 'user' } }
      return isManagement(asks) ? { all: [user, { fresh: FRESH_SECONDS }] } : user
    }
    case 'developer': {
      const developer: PolicyNode = { credential: { role: 'developer' } }
      return DELAYED.includes(asks) ? { all: [developer, { delay: DELAY_SECONDS }] } : developer
    }
    case 'hybrid':
      return { all: [presetNode('user', asks), presetNode('developer', asks)] }
  }
}
