import { ed25519 } from '@noble/curves/ed25519.js'
import { p256 } from '@noble/curves/nist.js'
import { secp256k1 } from '@noble/curves/secp256k1.js'
import { sha256 } from '@noble/hashes/sha2.js'
import type { JsonValue, LeadReply } from '../../../enclave-runtime/port/messages.ts'
import { NO_SCOPE_ID, uuidBytes } from '../../../protocols/request/account-id.ts'
import { toBase64url } from '../../../protocols/request/base64url.ts'
import { encodeCore, type RequestCore, requestDigest } from '../../../protocols/request/core.ts'
import { encodePlainRequest, plainRequest } from '../../../protocols/request/plain-request.ts'
import { proofMessage } from '../../../protocols/request/proofs.ts'
import { encodeSpki, type SignatureAlgorithm } from '../../../protocols/request/spki.ts'
import { seeded } from '../../support/seeded.ts'
import { START_S } from './guest-net.ts'
import { NETWORK } from './vault/vault-fixture.ts'

export interface NewAccount {
  readonly account_id: string
  readonly key_id: string
  readonly address: string
}

/** A developer with one key, who writes requests as the SDK does, and wrong ones where a test says so. */
export class TestClient {
  readonly alg: SignatureAlgorithm
  readonly kid = 'dev'
  readonly #secret: Uint8Array
  readonly #random: (length: number) => Uint8Array
  accountId: Uint8Array | null = null
  address = ''

  constructor(seed: string, alg: SignatureAlgorithm = 'EdDSA') {
    this.alg = alg
    this.#random = seeded(`client ${seed}`)
    this.#secret = this.#random(32)
  }

  credential(): JsonValue {
    const spki = encodeSpki(this.alg, this.#point())
    return { kid: this.kid, alg: this.alg, spki: toBase64url(spki) }
  }

  create(wrong: Partial<RequestCore> = {}): Uint8Array {
    const params = { credential: this.credential() }
    return this.request('holdfast_createAccount', params, { accountId: null, ...wrong })
  }

  message(text: string, wrong: Partial<RequestCore> = {}): Uint8Array {
    return this.request('personal_sign', [text, this.address], wrong)
  }

  /** Bytes of a plain request, signed by this key. */
  request(
    method: string,
    params: RequestCore['params'],
    wrong: Partial<RequestCore> = {},
    sign: (digest: Uint8Array) => Uint8Array = (digest) => this.sign(digest),
  ): Uint8Array {
    const core: RequestCore = {
      networkId: NETWORK,
      scopeId: NO_SCOPE_ID,
      accountId: this.accountId,
      method,
      params,
      nonce: this.#random(16),
      iat: START_S,
      exp: START_S + 300,
      ticketHash: null,
      head: null,
      ...wrong,
    }
    const digest = requestDigest(encodeCore(core))
    const proofs = [{ kind: 'key', kid: this.kid, signature: sign(digest) } as const]
    return encodePlainRequest(plainRequest(core, proofs))
  }

  sign(digest: Uint8Array): Uint8Array {
    const message = proofMessage(digest)
    if (this.alg === 'EdDSA') return ed25519.sign(message, this.#secret)
    const curve = this.alg === 'ES256' ? p256 : secp256k1
    return curve.sign(sha256(message), this.#secret, { prehash: false, lowS: true })
  }

  /** Remembers the account that a key generation made. */
  adopt(reply: LeadReply): NewAccount {
    if (reply.kind !== 'done') throw new Error(`no account: ${JSON.stringify(reply)}`)
    const account = reply.result as unknown as NewAccount
    this.accountId = uuidBytes(account.account_id)
    this.address = account.address
    return account
  }

  #point(): Uint8Array {
    if (this.alg === 'EdDSA') return ed25519.getPublicKey(this.#secret)
    const curve = this.alg === 'ES256' ? p256 : secp256k1
    return curve.getPublicKey(this.#secret, false)
  }
}
