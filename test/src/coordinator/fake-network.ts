import type {
  CheckReply,
  LeadFailed,
  LeadOffer,
  LeadPlan,
  LeadReply,
} from '../../../enclave-runtime/host/guest.ts'
import type { JsonValue } from '../../../protocols/request/json-value.ts'
import {
  decodePlainRequest,
  encodePlainRequest,
  plainRequest,
} from '../../../protocols/request/plain-request.ts'
import type {
  Clock,
  CommitteeMember,
  CoordinatorGuest,
  LinkStates,
  Rpc,
} from '../../../src/coordinator/collaborators.ts'
import { type Coordinator, createCoordinator } from '../../../src/coordinator/coordinate.ts'

/** Unix ms at which the requests of these tests are valid. */
export const NOW = 1_800_000_000_000

/** A clock that stands still unless someone waits. */
export class StillClock implements Clock {
  at = 0
  monotonic(): number {
    return this.at
  }
  async wait(ms: number, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    this.at += ms
  }
}

export type Script = (plan: LeadPlan, leader: number) => LeadReply | Promise<LeadReply>

/** Members in one process: each has a coordinator and a guest that acts out `script`. */
export class FakeNetwork {
  readonly members: CommitteeMember[]
  readonly clock: StillClock = new StillClock()
  readonly down: Set<number> = new Set()
  readonly suspect: Set<number> = new Set()
  readonly unpaired: Set<number> = new Set()
  readonly bans: [number, number][] = []
  readonly rtt: Map<number, number> = new Map()
  /** Who asked whom to do what. */
  readonly leads: { leader: number; plan: LeadPlan }[] = []
  readonly checks: number[] = []
  /** What member 1 asked its guest, in order. */
  readonly asked: ('check' | 'lead' | 'status')[] = []
  readonly known: Map<number, JsonValue> = new Map()
  readonly logged: string[] = []
  kind: 'sign' | 'keygen' = 'sign'
  account: Uint8Array | null = new Uint8Array(16).fill(0x33)
  script: Script = (plan) => ({ kind: 'done', result: '0xsigned', signers: plan.signers })
  check: ((party: number, request: Uint8Array) => CheckReply | undefined) | undefined
  /** What member 1 offers its guest, each time that it asks for a check. */
  readonly offers: (LeadOffer | undefined)[] = []
  /** Whom the presignature of member 1 is with, which takes an offer that allows for it. */
  presigned: readonly number[] | undefined
  onRpc: ((to: number) => void) | undefined
  readonly #servers = new Map<string, Parameters<Rpc['serve']>[0]>()
  readonly #coordinators = new Map<number, Coordinator>()

  readonly #threshold: number
  constructor(n = 5, threshold = 3) {
    this.#threshold = threshold
    this.members = Array.from({ length: n }, (_, i) => ({
      index: i + 1,
      guestSig: new Uint8Array(32).fill(i + 1),
      peerId: `peer-${i + 1}`,
      label: `node ${i + 1}`,
    }))
    for (const { index } of this.members) this.#coordinators.set(index, this.#start(index))
  }

  at(party: number): Coordinator {
    const found = this.#coordinators.get(party)
    if (found === undefined) throw new Error(`no member ${party}`)
    return found
  }

  ask(
    request: Uint8Array = requestOf(),
    entry = 1,
    options: Partial<Parameters<Coordinator['handle']>[1]> = {},
  ): ReturnType<Coordinator['handle']> {
    return this.at(entry).handle(request, {
      signal: new AbortController().signal,
      origin: 'test',
      ...options,
    })
  }

  /** What member `party` answers to a frame from `from`. */
  serve(party: number, frame: Uint8Array, from: string): AsyncIterable<Uint8Array> {
    const server = this.#servers.get(`peer-${party}`)
    if (server === undefined) throw new Error(`no member ${party}`)
    return server(frame, from)
  }

  #start(me: number): Coordinator {
    const log = {
      info: (_: object, message: string) => void this.logged.push(message),
      warn: (_: object, message: string) => void this.logged.push(message),
    }
    return createCoordinator({
      guest: this.#guest(me),
      links: this.#links(),
      rpc: this.#rpc(me),
      committee: { threshold: this.#threshold, members: this.members, me },
      now: () => NOW,
      log,
      clock: this.clock,
    })
  }

  #guest(me: number): CoordinatorGuest {
    const note = (question: FakeNetwork['asked'][number]): void => {
      if (me === 1) this.asked.push(question)
    }
    return {
      check: async (request, _, offer) => {
        this.checks.push(me)
        note('check')
        if (me === 1) this.offers.push(offer)
        const answer = this.check?.(me, request)
        if (answer !== undefined) return answer
        const result = this.known.get(me)
        if (result !== undefined) return { kind: 'done', result }
        const { digest } = decodePlainRequest(request)
        const signers = me === 1 ? this.presigned : undefined
        const isTaken = signers?.every((signer) => offer?.able.includes(signer))
        if (isTaken !== true || offer === undefined || this.account === null)
          return {
            kind: this.kind,
            reqId: digest,
            accountId: this.account,
            ...(signers && { signers }),
          }
        const { budgetMs, budgets } = offer
        const plan = { attempt: 0, signers: signers ?? [], budgetMs, ...(budgets && { budgets }) }
        const outcome = await this.script(plan, me)
        return {
          kind: 'led',
          reqId: digest,
          accountId: this.account,
          signers: plan.signers,
          outcome,
        }
      },
      lead: async (_, plan) => {
        this.leads.push({ leader: me, plan })
        note('lead')
        const reply = await this.script(plan, me)
        if (reply.kind === 'done')
          for (const party of reply.signers) this.known.set(party, reply.result)
        return reply
      },
      status: async () => {
        note('status')
        const others = this.members.filter(({ index }) => index !== me)
        return {
          pairs: others.map(({ index }) => ({
            party: index,
            state: this.unpaired.has(me) || this.unpaired.has(index) ? 'running' : 'ready',
          })),
          bans: this.bans,
        }
      },
    }
  }

  #links(): LinkStates {
    return {
      state: (peer) => {
        const party = this.#index(peer)
        return {
          up: !this.down.has(party),
          suspect: this.suspect.has(party),
          rttMs: this.rtt.get(party) ?? 10,
        }
      },
    }
  }

  #rpc(me: number): Rpc {
    const from = `peer-${me}`
    return {
      serve: (handle) => void this.#servers.set(from, handle),
      call: (peer, frame) => this.#call(peer, frame, from),
    }
  }

  async *#call(peer: string, frame: Uint8Array, from: string): AsyncIterable<Uint8Array> {
    this.onRpc?.(this.#index(peer))
    const server = this.#servers.get(peer)
    if (server === undefined || this.down.has(this.#index(peer))) throw new Error('UNREACHABLE')
    yield* server(frame, from)
  }

  #index(peer: string): number {
    return Number(peer.slice('peer-'.length))
  }
}

export const failed = (
  fault: LeadFailed['fault'],
  parties: readonly number[],
  more: Partial<LeadFailed> = {},
): LeadFailed => ({ kind: 'failed', fault, parties, retryAfterMs: 0, ids: [], ...more })

/** A request that decodes; its proof is nobody's, as the fake guests do not look at it. */
export function requestOf(
  parameters: { nonce?: number; ttl?: number; proof?: number; method?: 'eth_accounts' } = {},
): Uint8Array {
  const iat = NOW / 1000
  const core = {
    networkId: new Uint8Array(32).fill(0x11),
    scopeId: new Uint8Array(16),
    accountId: new Uint8Array(16).fill(0x33),
    method: parameters.method ?? 'personal_sign',
    params: parameters.method === undefined ? ['0x68656c6c6f', `0x${'00'.repeat(19)}aa`] : [],
    nonce: new Uint8Array(16).fill(parameters.nonce ?? 0x44),
    iat,
    exp: iat + (parameters.ttl ?? 120),
    ticketHash: null,
    head: null,
  }
  const signature = new Uint8Array(64).fill(parameters.proof ?? 0)
  return encodePlainRequest(plainRequest(core, [{ kind: 'key', kid: 'k', signature }]))
}
