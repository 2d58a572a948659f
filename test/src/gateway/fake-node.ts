import type { InjectOptions } from 'fastify'
import { encodeGenesis, type Genesis } from '../../../protocols/agreement/genesis.ts'
import type { PlainRequest } from '../../../protocols/request/plain-request.ts'
import { plainRequest, toJsonRpc } from '../../../protocols/request/plain-request.ts'
import type { HandleOptions } from '../../../src/coordinator/coordinate.ts'
import type { Reply } from '../../../src/coordinator/reply.ts'
import { type GatewayDependencies, gatewayServer } from '../../../src/gateway/http.ts'
import type { NodeStatus } from '../../../src/wire/status.ts'
import { exampleGenesis } from '../../protocols/agreement/example-genesis.ts'

export const GENESIS: Genesis = exampleGenesis(5, 3)

export const status = (more: Partial<NodeStatus> = {}): NodeStatus => ({
  index: 1,
  peerId: 'peer',
  label: 'node 1',
  version: '0.1.0',
  members: 5,
  threshold: 3,
  epoch: null,
  standing: 'genesis',
  kernel: 'wasm',
  guest: {
    alive: true,
    ready: true,
    pairs: [2, 3, 4, 5].map((party) => ({ party, state: 'ready' })),
    bans: [],
    keys: { active: 1, pending: 0, ready: 2 },
    presignatures: 3,
    correlations: [{ party: 2, ready: 16 }],
    held: 8,
  },
  links: [2, 3, 4, 5].map((party) => ({ party, up: true, suspect: false, rttMs: 1 })),
  ...more,
})

/** A gateway without a socket over a coordinator that answers `reply`. */
export class FakeNode {
  readonly handled: { request: Uint8Array; options: HandleOptions }[] = []
  readonly warned: string[] = []
  reply: (request: Uint8Array, options: HandleOptions) => Reply | Promise<Reply> = () => ({
    result: '0xsigned',
  })
  status: () => Promise<NodeStatus> = async () => status()
  at = 0
  readonly state: { listening: string | undefined; closing: boolean } = {
    listening: '127.0.0.1',
    closing: false,
  }
  readonly server: ReturnType<typeof gatewayServer>

  constructor(more: Partial<GatewayDependencies> = {}, genesis: Genesis = GENESIS) {
    this.server = gatewayServer(
      {
        coordinator: {
          handle: async (request, options) => {
            this.handled.push({ request, options })
            return this.reply(request, options)
          },
        },
        network: {
          genesis: encodeGenesis(genesis),
          nodes: () => [],
          published: () => null,
          past: async () => ({ first: null, before: [] }),
        },
        status: () => this.status(),
        allowPlain: true,
        monotonic: () => this.at,
        log: { warn: (_, message) => void this.warned.push(message) },
        limits: { address: { perMinute: 6_000, burst: 1_000 } },
        ...more,
      },
      this.state,
    )
  }

  post(
    body: unknown,
    headers: Record<string, string> = {},
    remoteAddress = '127.0.0.1',
  ): Promise<{ status: number; headers: Record<string, unknown>; body: Body }> {
    return this.#inject({
      method: 'POST',
      url: '/',
      remoteAddress,
      headers: { host: '127.0.0.1:9545', 'content-type': 'application/json', ...headers },
      payload: typeof body === 'string' ? body : JSON.stringify(body),
    })
  }

  /** Half a second after the call before it, so that what it says is not the answer of then. */
  get(url: string, headers: Record<string, string> = {}): Promise<{ status: number; body: Body }> {
    this.at += 500
    return this.getNow(url, headers)
  }

  getNow(
    url: string,
    headers: Record<string, string> = {},
  ): Promise<{ status: number; headers: Record<string, unknown>; body: Body }> {
    return this.#inject({ method: 'GET', url, headers: { host: 'localhost', ...headers } })
  }

  async #inject(
    request: InjectOptions,
  ): Promise<{ status: number; headers: Record<string, unknown>; body: Body }> {
    const answer = await this.server.inject(request)
    const body = answer.body === '' ? undefined : JSON.parse(answer.body)
    return { status: answer.statusCode, headers: answer.headers, body }
  }
}

/** What came back, looked into by path. */
// biome-ignore lint/suspicious/noExplicitAny: tests look into JSON of any form
export type Body = any

export const call = (more: Record<string, unknown> = {}): Record<string, unknown> => ({
  jsonrpc: '2.0',
  id: 1,
  method: 'getNetwork',
  ...more,
})

export const signed = (nonce = 1, networkId: Uint8Array = new Uint8Array(32)): PlainRequest =>
  plainRequest(
    {
      networkId,
      scopeId: new Uint8Array(16),
      accountId: new Uint8Array(16).fill(0x33),
      method: 'personal_sign',
      params: ['0x68656c6c6f', `0x${'00'.repeat(19)}aa`],
      nonce: new Uint8Array(16).fill(nonce),
      iat: 1_800_000_000,
      exp: 1_800_000_120,
      ticketHash: null,
      head: null,
    },
    [{ kind: 'key', kid: 'k', signature: new Uint8Array(64) }],
  )

export const signCall = (nonce = 1, id: unknown = 1): Record<string, unknown> => ({
  jsonrpc: '2.0',
  id,
  ...toJsonRpc(signed(nonce)),
})
