import { taggedMessage, verifyClientSignature } from '../credentials/client-key.ts'
import { sameBytes } from '../credentials/passkey.ts'
import { RequestError } from '../errors.ts'
import type { Scope } from './scope.ts'
import { scopeHash } from './scope-document.ts'

/** `sign("scope", hash)` of an owner (05 §1.2). */
export interface OwnerSignature {
  readonly kid: string
  readonly signature: Uint8Array
}

/**
 * Whether `next` may follow the newest version (05 §1.2): its number and link, what never changes, and the
 * signatures of enough owners of the newest version, of its own for version 1. Throws SCOPE_VERSION_STALE,
 * SCOPE_INVALID or AUTH_FAILED.
 */
export function checkNextScope(
  newest: Scope | null,
  next: Scope,
  signatures: readonly OwnerSignature[],
  networkId: Uint8Array,
): void {
  if (!sameBytes(next.network, networkId))
    throw new RequestError('SCOPE_INVALID', 'a scope of another network')
  if (newest === null) {
    if (next.version !== 1) throw new RequestError('SCOPE_VERSION_STALE')
  } else checkLink(newest, next)
  const { threshold, keys } = (newest ?? next).owners
  const message = taggedMessage('scope', scopeHash(next))
  const signers = keys.filter((key) =>
    signatures.some(
      ({ kid, signature }) => kid === key.kid && verifyClientSignature(key, message, signature),
    ),
  )
  if (signatures.length > keys.length || signers.length < threshold)
    throw new RequestError('AUTH_FAILED', 'not signed by enough owners')
}

function checkLink(newest: Scope, next: Scope): void {
  const isLinked =
    next.version === newest.version + 1 &&
    next.previous !== null &&
    sameBytes(next.previous, scopeHash(newest))
  if (!isLinked) throw new RequestError('SCOPE_VERSION_STALE')
  if (!sameBytes(next.id, newest.id) || next.environment !== newest.environment)
    throw new RequestError('SCOPE_INVALID', 'id and environment of a scope never change')
}
