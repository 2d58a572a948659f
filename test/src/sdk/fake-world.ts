import { ed25519 } from '@noble/curves/ed25519.js'
import { secp256k1 } from '@noble/curves/secp256k1.js'
import { bytesToHex, bytesToNumberBE } from '@noble/curves/utils.js'
import { concatBytes } from '@noble/hashes/utils.js'
import {
  committeeIdOf,
  encodeGenesis,
  type Genesis,
  networkIdOf,
} from '../../../protocols/agreement/genesis.ts'
import {
  certificateMessage,
  encodeKeyCertificate,
  type KeyCertificate,
} from '../../../protocols/keygen/key-certificate.ts'
import {
  accountIdOf,
  NO_IDENTIFIER_HASH,
  NO_SCOPE_ID,
  uuidText,
} from '../../../protocols/request/account-id.ts'
import { toBase64url } from '../../../protocols/request/base64url.ts'
import { ERRORS, type ErrorId, RequestError } from '../../../protocols/request/errors.ts'
import {
  addressOf,
  type RecoverableSignature,
} from '../../../protocols/request/ethereum-address.ts'
import { intentOf } from '../../../protocols/request/intents/intent.ts'
import { parseParams } from '../../../protocols/request/methods.ts'
import { fromJsonRpc, type PlainRequest } from '../../../protocols/request/plain-request.ts'
import { type PublicKey, verifyKeyProof } from '../../../protocols/request/proofs.ts'
import { transcriptOf } from '../../../protocols/sharing/hashes.ts'
import { keyRecordHash } from '../../../protocols/sharing/key-record.ts'
import { derive } from '../../../protocols/sign/bip32.ts'
import type { Fetch } from '../../../src/sdk/post.ts'
import type { CreatedAccount } from '../../../src/wire/accounts.ts'
import type { NodeStatus } from '../../../src/wire/status.ts'
import { exampleGenesis } from '../../protocols/agreement/example-genesis.ts'
import { seeded } from '../../support/seeded.ts'

const { Fn } = secp256k1.Point
const PATH = [44, 60, 0, 0, 0]

/** An account of the world: the whole key in one place, as only a test may have it. */
export interface WorldAccount {
  readonly credential: PublicKey
  readonly created: CreatedAccount
  readonly certificate: KeyCertificate
  readonly secret: bigint
}

/** What a lying node does to an honest answer. */
export type Lie = (result: unknown, call: { method: string; request: PlainRequest }) => unknown

/** A network whose guests are one object: answers are right, and nodes lie about them as told. */
export class FakeWorld {
  readonly genesis: Genesis
  readonly genesisBytes: Uint8Array
  readonly networkId: Uint8Array
  readonly accounts: Map<string, WorldAccount> = new Map()
  /** Digest of each request that reached a node, and how many nodes it reached. */
  readonly seen: { node: string; method: string; digest: string }[] = []
  readonly lies: Map<string, Lie> = new Map()
  /** What a node's manifest says instead. */
  readonly manifests: Map<string, Record<string, unknown>> = new Map()
  /** Instead of answering. */
  readonly acts: Map<string, (init: { signal: AbortSignal }) => Promise<never> | Response> =
    new Map()
  readonly errors: Map<string, ErrorId> = new Map()
  /** The peer id that a node claims, where it is not its own. */
  readonly claims: Map<string, string> = new Map()
  readonly #random = seeded('fake world')

  constructor(genesis: Genesis = exampleGenesis(5, 3)) {
    this.genesis = genesis
    this.genesisBytes = encodeGenesis(genesis)
    this.networkId = networkIdOf(this.genesisBytes)
  }

  readonly fetch: Fetch = async (url, { body, signal }) => {
    const node = new URL(url).hostname
    const act = this.acts.get(node)
    if (act !== undefined) return act({ signal })
    const { id, jsonrpc, ...call } = JSON.parse(body)
    try {
      const result = this.#answer(node, call)
      return reply({ jsonrpc, id, result })
    } catch (error) {
      if (!(error instanceof RequestError)) throw error
      const { code, retryable } = ERRORS[error.id]
      const data = { id: error.id, retryable, requestId: null }
      return reply({ jsonrpc, id, error: { code, message: error.message, data } })
    }
  }

  /** A key with a certificate of all members. */
  makeKey(): { certificate: KeyCertificate; secret: bigint } {
    const generated = bytesToNumberBE(secp256k1.utils.randomSecretKey(this.#random(48)))
    const point = (): Uint8Array =>
      secp256k1.getPublicKey(secp256k1.utils.randomSecretKey(this.#random(48)))
    const publicKey = secp256k1.getPublicKey(Fn.toBytes(generated))
    const { t } = this.genesis.params
    const fields = {
      keyId: this.#random(32),
      curve: 1,
      t,
      publicKey,
      chainCode: this.#random(32),
      commitment: concatBytes(publicKey, ...Array.from({ length: t - 1 }, point)),
    }
    const pub = this.#random(32)
    const records = [keyRecordHash(fields)]
    const certificate: KeyCertificate = {
      ...fields,
      committeeId: committeeIdOf(this.networkId, 0),
      epochId: this.networkId,
      deviceKey: new Uint8Array(),
      pub,
      records,
      signatures: this.certify(transcriptOf(pub, records)),
    }
    const { epsilon } = derive(publicKey, fields.chainCode, PATH)
    return { certificate, secret: Fn.add(generated, Fn.fromBytes(epsilon)) }
  }

  /** K4 of every member; `forger` signs with keys that are nobody's. */
  certify(transcript: Uint8Array, forger = ''): [number, Uint8Array][] {
    const message = certificateMessage(this.networkId, transcript)
    return this.genesis.members.map(({ index }) => [
      index,
      ed25519.sign(message, seeded(`${forger}member ${index}`)(32)),
    ])
  }

  sign(digest: Uint8Array, secret: bigint): RecoverableSignature {
    const bytes = secp256k1.sign(digest, Fn.toBytes(secret), {
      prehash: false,
      format: 'recovered',
    })
    return { r: bytes.slice(1, 33), s: bytes.slice(33), recovery: bytes[0] ?? 0 }
  }

  #answer(node: string, call: { method: string; params: unknown; holdfast?: unknown }): unknown {
    const refused = this.errors.get(node)
    const lie: Lie = this.lies.get(node) ?? ((result) => result)
    if (call.method === 'getNetwork') return { ...this.#manifest(), ...this.manifests.get(node) }
    if (refused !== undefined) throw new RequestError(refused)
    if (call.method === 'getStatus') return statusOf(this.claims.get(node) ?? `peer of ${node}`)
    const request = fromJsonRpc(call, this.networkId)
    const digest = bytesToHex(request.digest)
    this.seen.push({ node, method: call.method, digest })
    return lie(this.#guests(request), { method: call.method, request })
  }

  #guests(request: PlainRequest): unknown {
    const { method, params, accountId } = request.core
    if (method === 'holdfast_createAccount') return this.#create(request)
    const account = accountId === null ? undefined : this.accounts.get(uuidText(accountId))
    if (account === undefined) throw new RequestError('AUTH_FAILED')
    this.#assertProven(account.credential, request)
    const { address } = account.created
    if (method === 'eth_accounts') return [address]
    const intent = intentOf(method, params, address)
    return intent.finish(this.sign(intent.digest, account.secret))
  }

  #create(request: PlainRequest): CreatedAccount {
    const { credential } = parseParams('holdfast_createAccount', request.core.params)
    this.#assertProven(credential, request)
    const id = uuidText(
      accountIdOf(this.networkId, NO_SCOPE_ID, NO_IDENTIFIER_HASH, request.digest),
    )
    const known = this.accounts.get(id)
    if (known !== undefined) return known.created
    const { certificate, secret } = this.makeKey()
    const created = {
      account_id: id,
      key_id: bytesToHex(certificate.keyId),
      address: addressOf(derive(certificate.publicKey, certificate.chainCode, PATH).publicKey),
      certificate: toBase64url(encodeKeyCertificate(certificate)),
    }
    this.accounts.set(id, { credential, created, certificate, secret })
    return created
  }

  #assertProven(credential: PublicKey, { digest, proofs }: PlainRequest): void {
    const signature = proofs.find(({ kid }) => kid === credential.kid)?.signature
    if (signature === undefined || !verifyKeyProof(credential, digest, signature))
      throw new RequestError('AUTH_FAILED')
  }

  #manifest(): Record<string, unknown> {
    return {
      v: 1,
      networkId: toBase64url(this.networkId),
      name: this.genesis.name,
      environment: this.genesis.environment,
      rootKey: null,
      nodes: [],
      minLevel: 'process',
      maxSkew: 30,
      maxTtl: 300,
      genesis: toBase64url(this.genesisBytes),
      committee: null,
    }
  }
}

const statusOf = (peerId: string): NodeStatus => ({
  index: 1,
  peerId,
  label: '',
  version: '0.1.0',
  members: 5,
  threshold: 3,
  epoch: null,
  standing: 'genesis',
  kernel: 'wasm',
  guest: {
    alive: true,
    ready: true,
    pairs: [],
    bans: [],
    keys: { active: 0, pending: 0, ready: 0 },
    presignatures: 0,
    correlations: [],
    held: 0,
  },
  links: [],
})

export const reply = (body: unknown, status = 200): Response =>
  new Response(typeof body === 'string' ? body : JSON.stringify(body), { status })

/** A node that takes the call and never answers. */
export const hangs = ({ signal }: { signal: AbortSignal }): Promise<never> =>
  new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true })
  })

export const isDown = (): Promise<never> => Promise.reject(new TypeError('fetch failed'))
