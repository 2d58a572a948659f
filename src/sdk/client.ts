import { bytesToHex } from '@noble/hashes/utils.js'
import { quorums } from '../../protocols/agreement/quorums.ts'
import { uuidBytes } from '../../protocols/request/account-id.ts'
import { toBase64url } from '../../protocols/request/base64url.ts'
import type { JsonParams } from '../../protocols/request/core.ts'
import { type Intent, intentOf } from '../../protocols/request/intents/intent.ts'
import type { PublicKey } from '../../protocols/request/proofs.ts'
import { NODE_STATUS, type NodeStatus } from '../wire/status.ts'
import { agreedAddresses } from './agreed-addresses.ts'
import { raced, type Wait, waitFor } from './deadline.ts'
import { firstAnswer } from './failover.ts'
import { HoldfastError, toHoldfastError } from './holdfast-error.ts'
import { KnownKeys } from './known-keys.ts'
import { isLoopbackUrl, type Network, parseNetworkId, parseRootKey } from './network.ts'
import type { NetworkState } from './network-state.ts'
import { Nodes } from './nodes.ts'
import { type Fetch, post } from './post.ts'
import { Requests } from './requests.ts'
import type { Signer } from './signer.ts'
import {
  type Message,
  messageJson,
  type TransactionFields,
  transactionJson,
  typedDataJson,
} from './to-json.ts'
import { Trust } from './trust.ts'
import { type Account, verifyAccount } from './verify-account.ts'
import { verifySigned } from './verify-signature.ts'

export interface HoldfastOptions {
  /** Addresses of gateways, of any members. */
  readonly nodes: string | readonly string[]
  /** The network's id, hex or base64url. This, `rootKey` or `state` is needed unless every node is on this machine (05 §1.1). */
  readonly networkId?: string
  /** The network's root key, hex or base64url: with it the committee is verified by two signatures (03 §3.3). */
  readonly rootKey?: string
  /** What `onState` told an earlier client of this network: no committee older than that is believed. */
  readonly state?: NetworkState
  /** Told of each newer epoch that verified; an application that keeps it is not fooled after a restart either. */
  readonly onState?: (state: NetworkState) => void
  /** Unix milliseconds, for stamps; the machine's clock by default. */
  readonly now?: () => number
  /** Approves requests; a call may bring another. */
  readonly signer?: Signer
  readonly fetch?: Fetch
  /** For each call, 30 s by default. */
  readonly deadlineMs?: number
}

export interface CallOptions {
  /** Ends the wait, not the request: that one only its expiry ends. */
  readonly signal?: AbortSignal
  readonly deadlineMs?: number
  /** Makes the call repeatable: the same key joins the first request and gets its answer (06 §1). */
  readonly idempotencyKey?: string
  readonly signer?: Signer
  /** Told of each answer that verified: by which node, and who it says signed, which is not proved. */
  readonly onAnswer?: (answer: AnswerReport) => void
}

export interface AnswerReport {
  readonly node: string
  /** Digest of the request, hex. */
  readonly requestId: string
  /** Party indices; empty where the node does not say. */
  readonly signers: readonly number[]
}

/** An account as far as signing needs it. The address is what every answer is held against. */
export type AccountRef = Pick<Account, 'accountId' | 'address'>

/** The client of a Holdfast network. Every path rejects with a `HoldfastError`. */
export interface Holdfast {
  /**
   * A new account whose key no one holds; the signer's credential approves for it. Proved is that a quorum of
   * members certified a key with this address; that it is this account's key is the word of max(f+1, t) of
   * the given nodes, or of all of them where fewer are given: with one node, that node's word. Rejects with
   * ACCOUNT_UNCONFIRMED or ACCOUNT_DISPUTED where they do not agree. The account exists then, and nothing is
   * lost: a call with the same `idempotencyKey` joins it.
   */
  createAccount(parameters?: { credential?: PublicKey }, options?: CallOptions): Promise<Account>
  /**
   * The addresses of an account, as max(f+1, t) of the given nodes name them, or all where fewer are given.
   * Nothing else proves them: with one node they are that node's word.
   */
  getAccounts(
    parameters: Pick<Account, 'accountId'> & { address?: string },
    options?: CallOptions,
  ): Promise<readonly string[]>
  /** EIP-191: 65 bytes in hex, v 27 or 28. */
  signMessage(
    parameters: { account: AccountRef; message: Message },
    options?: CallOptions,
  ): Promise<string>
  /** EIP-712: 65 bytes in hex, v 27 or 28. */
  signTypedData(
    parameters: { account: AccountRef; typedData: string | object },
    options?: CallOptions,
  ): Promise<string>
  /** The raw signed transaction in hex. */
  signTransaction(
    parameters: { account: AccountRef; transaction: TransactionFields },
    options?: CallOptions,
  ): Promise<string>
  /** The network, once its genesis and its committee were checked. */
  getNetwork(options?: CallOptions): Promise<Network>
  /** What the first node to answer says about itself; nothing of it is proved. */
  getStatus(options?: CallOptions): Promise<NodeStatus>
}

const DEADLINE_MS = 30_000 // 06 §1

/** A client over HTTP. Synchronous: nothing is sent before the first call. Throws for unusable options. */
export function createHoldfast(options: HoldfastOptions): Holdfast {
  return new HoldfastClient(options)
}

class HoldfastClient implements Holdfast {
  readonly #nodes: Nodes
  readonly #fetch: Fetch
  readonly #signer: Signer | undefined
  readonly #deadlineMs: number
  readonly #requests = new Requests()
  readonly #keys = new KnownKeys()

  constructor(options: HoldfastOptions) {
    const urls = (typeof options.nodes === 'string' ? [options.nodes] : options.nodes).map(urlOf)
    if (urls.length === 0) throw new HoldfastError('NO_NODE', { message: 'no nodes are given' })
    const { networkId, rootKey, state, onState, now = Date.now } = options
    const isPinned = networkId !== undefined || rootKey !== undefined || state !== undefined
    if (!isPinned && !urls.every(isLoopbackUrl))
      throw new HoldfastError('MANIFEST_INVALID', {
        message: 'give networkId or rootKey: only nodes on this machine may be used without',
      })
    const trust = new Trust({
      networkId: networkId === undefined ? undefined : parseNetworkId(networkId),
      rootKey: rootKey === undefined ? undefined : parseRootKey(rootKey),
      ...{ state, onState, now },
    })
    this.#fetch = options.fetch ?? ((url, init) => globalThis.fetch(url, init))
    this.#nodes = new Nodes(urls, trust, this.#fetch)
    this.#signer = options.signer
    this.#deadlineMs = options.deadlineMs ?? DEADLINE_MS
  }

  createAccount(
    parameters: { credential?: PublicKey } = {},
    options: CallOptions = {},
  ): Promise<Account> {
    return this.#within(options, async (wait) => {
      const signer = this.#signerOf(options)
      const { kid, alg, spki } = parameters.credential ?? signer.credential
      const params = { credential: { kid, alg, spki: toBase64url(spki) } }
      const account = await this.#request(
        { method: 'holdfast_createAccount', params, accountId: null },
        options,
        wait,
        (value, digest, network) => verifyAccount(value, network, digest),
      )
      // A certificate proves a key of this network, not whose it is: other nodes must know it as this account's.
      // So many must that one of them is honest, and that they could sign with it: less is the word of a few.
      await this.#agreed(account.accountId, account.address, { ...options, signer }, wait)
      return account
    })
  }

  getAccounts(
    { accountId, address }: { accountId: string; address?: string },
    options: CallOptions = {},
  ): Promise<readonly string[]> {
    return this.#within(options, (wait) => this.#agreed(accountId, address, options, wait))
  }

  signMessage(
    { account, message }: { account: AccountRef; message: Message },
    options: CallOptions = {},
  ): Promise<string> {
    return this.#within(options, (wait) =>
      this.#sign('personal_sign', [messageJson(message), account.address], account, options, wait),
    )
  }

  signTypedData(
    { account, typedData }: { account: AccountRef; typedData: string | object },
    options: CallOptions = {},
  ): Promise<string> {
    return this.#within(options, (wait) => {
      const params = [account.address, typedDataJson(typedData)]
      return this.#sign('eth_signTypedData_v4', params, account, options, wait)
    })
  }

  signTransaction(
    { account, transaction }: { account: AccountRef; transaction: TransactionFields },
    options: CallOptions = {},
  ): Promise<string> {
    return this.#within(options, (wait) => {
      const params = [transactionJson(transaction, account.address)]
      return this.#sign('eth_signTransaction', params, account, options, wait)
    })
  }

  getNetwork(options: CallOptions = {}): Promise<Network> {
    return this.#within(options, (wait) =>
      firstAnswer(this.#nodes.inOrder(), (node, signal) => this.#nodes.network(node, signal), {
        signal: wait.signal,
      }),
    )
  }

  getStatus(options: CallOptions = {}): Promise<NodeStatus> {
    return this.#within(options, (wait) =>
      firstAnswer(
        this.#nodes.inOrder(),
        async (node, signal) => {
          const call = { method: 'getStatus', params: [] }
          const { result } = await post(this.#fetch, node, call, signal)
          const parsed = NODE_STATUS.safeParse(result)
          if (parsed.success) return parsed.data
          throw new HoldfastError('NO_NODE', { message: `${node} gave no status` })
        },
        { signal: wait.signal },
      ),
    )
  }

  /** The intent is built and checked here first: what a node could not sign is refused without asking. */
  async #sign(
    method: string,
    params: JsonParams,
    { accountId, address }: AccountRef,
    options: CallOptions,
    wait: Wait,
  ): Promise<string> {
    const intent: Intent = intentOf(method, params, address)
    return this.#request(
      { method, params, accountId },
      options,
      wait,
      (value) => verifySigned(value, intent, address, this.#keys),
      () => this.#keys.expect(address),
    )
  }

  /**
   * One request, the same bytes to every node that is asked, and the first answer that verifies. `meanwhile` is
   * done once while a node works.
   */
  /** An answer may be of an epoch that began after the node was asked about its network. */
  async #verified<T>(
    node: string,
    shown: Network,
    verify: (network: Network) => T,
    signal: AbortSignal,
  ): Promise<T> {
    try {
      return verify(shown)
    } catch (error) {
      if (!(error instanceof HoldfastError) || error.id !== 'SIGNATURE_INVALID') throw error
      const now = await this.#nodes.networkAnew(node, signal)
      if (now.committee?.record.e === shown.committee?.record.e) throw error
      return verify(now)
    }
  }

  async #request<T>(
    call: { method: string; params: JsonParams; accountId: string | null },
    options: CallOptions,
    wait: Wait,
    verify: (value: unknown, digest: Uint8Array, network: Network) => T,
    meanwhile: () => void = () => undefined,
  ): Promise<T> {
    const network =
      this.#nodes.known ?? (await this.getNetwork({ ...options, signal: wait.signal }))
    const request = await this.#requests.build(
      {
        networkId: network.networkId,
        accountId: call.accountId === null ? null : uuidBytes(call.accountId),
        method: call.method,
        params: call.params,
        idempotencyKey: options.idempotencyKey,
      },
      this.#signerOf(options),
    )
    return firstAnswer(
      this.#nodes.inOrder(),
      async (node, signal) => {
        const shown = await this.#nodes.network(node, signal) // trust before send (06 §3)
        const posted = post(this.#fetch, node, request.json, signal)
        setTimeout(meanwhile, 0) // the request leaves first
        const { result, info } = await posted
        const check = (under: Network) => verify(result, request.digest, under)
        const answer = await this.#verified(node, shown, check, signal)
        this.#nodes.good(node)
        const { signers } = info ?? {}
        options.onAnswer?.({ node, requestId: bytesToHex(request.digest), signers: signers ?? [] })
        return answer
      },
      {
        signal: wait.signal,
        refusals: oneHonest(network),
        onRefused: (node) => this.#nodes.refused(node),
      },
    )
  }

  async #agreed(
    accountId: string,
    address: string | undefined,
    options: CallOptions,
    wait: Wait,
  ): Promise<readonly string[]> {
    const network =
      this.#nodes.known ?? (await this.getNetwork({ ...options, signal: wait.signal }))
    const request = await this.#requests.build(
      {
        networkId: network.networkId,
        accountId: uuidBytes(accountId),
        method: 'eth_accounts',
        params: [],
        idempotencyKey: undefined,
      },
      this.#signerOf(options),
    )
    const { urls } = this.#nodes
    return agreedAddresses(
      urls,
      async (node, signal) => {
        await this.#nodes.network(node, signal)
        // Who it is matters only beside others.
        const peer = urls.length === 1 ? node : await this.#nodes.peer(node, signal)
        return { peer, addresses: (await post(this.#fetch, node, request.json, signal)).result }
      },
      {
        address,
        needed: Math.max(oneHonest(network), network.epochs[0].t),
        signal: wait.signal,
      },
    )
  }

  #signerOf({ signer = this.#signer }: CallOptions): Signer {
    if (signer === undefined)
      throw new HoldfastError('AUTH_FAILED', { message: 'no signer is given' })
    return signer
  }

  async #within<T>(options: CallOptions, work: (wait: Wait) => Promise<T>): Promise<T> {
    const wait = waitFor(options.deadlineMs ?? this.#deadlineMs, options.signal)
    try {
      wait.signal.throwIfAborted()
      return await raced(work(wait), wait.signal) // a signer may never answer
    } catch (error) {
      throw wait.signal.aborted ? wait.reason() : toHoldfastError(error)
    }
  }
}

/** The network's id as text, as `networkId` of the options takes it. */
export const networkIdText = ({ networkId }: Network): string => bytesToHex(networkId)

/** f+1: among so many members one is honest. */
const oneHonest = ({ epochs: [{ members, t }] }: Network): number =>
  quorums(members.length, t).f + 1

function urlOf(text: string): string {
  const url = URL.parse(text)
  if (url === null || (url.protocol !== 'http:' && url.protocol !== 'https:'))
    throw new HoldfastError('NO_NODE', { message: `${text} is no address of a node` })
  return url.href
}
