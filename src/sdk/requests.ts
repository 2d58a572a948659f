import { toBase64url } from '../../protocols/request/base64url.ts'
import { type PlainRequest, toJsonRpc } from '../../protocols/request/plain-request.ts'
import { buildRequest, type RequestFields } from './build-request.ts'
import type { Signer } from './signer.ts'

/** A request ready to be sent, as often as needed: always these bytes. */
export interface ReadyRequest {
  readonly digest: Uint8Array
  readonly json: ReturnType<typeof toJsonRpc>
}

const MAX_KEPT = 1_000 // requests with a key, the oldest out; a node knows them longer

/**
 * Requests by idempotency key. A call that repeats another sends the same bytes as long as these are
 * valid, so that nodes see one request (05 §3.5).
 */
export class Requests {
  readonly #kept = new Map<string, { request: Promise<PlainRequest>; until: number }>()

  /** A request of these fields with the signer's proofs. */
  async build(fields: RequestFields, signer: Signer): Promise<ReadyRequest> {
    const request = await this.#request(fields, signer)
    return { digest: request.digest, json: toJsonRpc(request) }
  }

  #request(fields: RequestFields, signer: Signer): Promise<PlainRequest> {
    const now = Date.now()
    if (fields.idempotencyKey === undefined) return buildRequest(fields, signer, now)
    const name = nameOf(fields, signer)
    const kept = this.#kept.get(name)
    if (kept !== undefined && kept.until > now) return kept.request
    const request = buildRequest(fields, signer, now)
    this.#kept.delete(name)
    this.#kept.set(name, { request, until: now + KEPT_MS })
    request.catch(() => this.#kept.delete(name)) // the caller gets the error; the next call tries again
    const [oldest] = this.#kept.keys()
    if (this.#kept.size > MAX_KEPT && oldest !== undefined) this.#kept.delete(oldest)
    return request
  }
}

const KEPT_MS = 100_000 // less than a request is valid, so that what is sent again still is

const nameOf = (fields: RequestFields, signer: Signer): string =>
  JSON.stringify([
    toBase64url(fields.networkId),
    fields.accountId === null ? null : toBase64url(fields.accountId),
    fields.idempotencyKey,
    fields.method,
    fields.params,
    signer.credential.kid,
  ])
