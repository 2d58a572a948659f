import { objectTags } from '../../protocols/crypto/tags.ts'
import { objectHash } from '../../protocols/crypto/transcript.ts'
import { NO_SCOPE_ID } from '../../protocols/request/account-id.ts'
import type { JsonParams, RequestCore } from '../../protocols/request/core.ts'
import { type PlainRequest, plainRequest } from '../../protocols/request/plain-request.ts'
import { encodeCanonical } from '../../protocols/session/canonical-cbor.ts'
import type { Signer } from './signer.ts'

export interface RequestFields {
  readonly networkId: Uint8Array
  /** 16 bytes, or null for the account's first request. */
  readonly accountId: Uint8Array | null
  readonly method: string
  readonly params: JsonParams
  readonly idempotencyKey: string | undefined
}

const TTL_S = 120 // outlives every deadline, and a replay of it soon ends (05 §3.3, row 6: at most 300)
const NONCE_BYTES = 16

/** A request with the signer's proofs, dated `now` (unix ms). The key of an equal earlier one gives its nonce. */
export async function buildRequest(
  fields: RequestFields,
  signer: Signer,
  now: number,
): Promise<PlainRequest> {
  const { networkId, accountId, method, params, idempotencyKey } = fields
  const iat = Math.floor(now / 1000)
  const core: RequestCore = {
    networkId,
    scopeId: NO_SCOPE_ID,
    accountId,
    method,
    params,
    nonce:
      idempotencyKey === undefined
        ? crypto.getRandomValues(new Uint8Array(NONCE_BYTES))
        : nonceOf(accountId, idempotencyKey),
    iat,
    exp: iat + TTL_S,
    ticketHash: null,
    head: null,
  }
  const { digest } = plainRequest(core, [])
  return plainRequest(core, await signer.prove(digest))
}

/** nonce = H(idem; [scope, account, key])[0..16] (06 §1). */
const nonceOf = (accountId: Uint8Array | null, key: string): Uint8Array =>
  objectHash(objectTags.idempotency, encodeCanonical([NO_SCOPE_ID, accountId, key])).slice(
    0,
    NONCE_BYTES,
  )
