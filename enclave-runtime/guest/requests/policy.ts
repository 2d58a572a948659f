import { objectTags } from '../../../protocols/crypto/tags.ts'
import { objectHash } from '../../../protocols/crypto/transcript.ts'
import type { MethodClass } from '../../../protocols/request/methods.ts'
import { encodeCanonical } from '../../../protocols/session/canonical-cbor.ts'

/** What an account's one credential may do without a scope (05 §4.1): sign, and nothing else. */
const SIGN_CLASSES: readonly MethodClass[] = ['sign.message', 'sign.typed', 'sign.tx']

/** Whether the account's own credential may do this. Reading its own addresses needs no policy of its own. */
export const isAllowed = (asked: MethodClass): boolean =>
  asked === 'read.private' || SIGN_CLASSES.includes(asked)

/** H(policy; [scopeHash, account.policy]) with no scope (05 §1.4); part of every session's binding. */
export const policyHashOf = (credentialId: Uint8Array): Uint8Array => {
  const actions = Object.fromEntries(
    SIGN_CLASSES.map((name) => [name, { credential: credentialId }]),
  )
  const policy = { v: 1, limits: 'quorum', lists: {}, actions, rules: [] }
  return objectHash(objectTags.policy, encodeCanonical([null, policy]))
}
