import { type FastifyInstance, type FastifyReply, type FastifyRequest, fastify } from 'fastify'
import { decodeGenesis, type Genesis, networkIdOf } from '../../protocols/agreement/genesis.ts'
import type { Coordinator } from '../coordinator/coordinate.ts'
import { type Phase, PhaseClock } from '../coordinator/phases.ts'
import { failure } from '../coordinator/reply.ts'
import type { JsonRpcError } from '../wire/json-rpc.ts'
import { MAX_BODY_BYTES } from '../wire/limits.ts'
import type { NodeStatus } from '../wire/status.ts'
import { freshStatus } from './fresh-status.ts'
import { handleRpc, limited, type RpcDependencies } from './handle-rpc.ts'
import { GATEWAY_LIMITS, type GatewayLimits } from './limits.ts'
import { type NetworkSource, presentManifest } from './manifest.ts'
import type { NodeView } from './methods/method.ts'
import { corsHeaders, hostAllowed, isLoopback, sourceOf } from './origins.ts'
import { readJson } from './read-json.ts'
import { readiness } from './ready.ts'
import { errorOf, rpcError } from './to-reply.ts'
import { TokenBuckets } from './token-buckets.ts'

export interface GatewayDependencies {
  readonly coordinator: Pick<Coordinator, 'handle'>
  /** The encoded genesis, where the members' nodes may be found, and who the committee is. */
  readonly network: NetworkSource
  status(signal: AbortSignal): Promise<NodeStatus>
  readonly limits?: Partial<GatewayLimits>
  /** Takes requests in the plain form, on loopback of a development network only (05 §3.1). */
  readonly allowPlain: boolean
  /** Names, lower-case, under which this node is reached beside its addresses. */
  readonly hosts?: readonly string[]
  /** Origins of pages that may ask; none by default. */
  readonly origins?: readonly string[]
  /** Monotonic milliseconds, for the rates. */
  readonly monotonic?: () => number
  /** Told of each signature whose answer left: where its time went, and how long it took in all (10 §6.4). */
  readonly onPhases?: (ms: ReadonlyMap<Phase, number>, wholeMs: number) => void
  readonly log: { warn(fields: Readonly<Record<string, unknown>>, message: string): void }
}

export interface Gateway {
  /** Resolves when it listens, with the address it got. Rejects when it cannot, for instance on a used port. */
  listen(at: { readonly host: string; readonly port: number }): Promise<{ readonly url: string }>
  close(): Promise<void>
}

const BODY_TIMEOUT_MS = 10_000 // 600 KiB in 10 s: slower is no client
const KEEP_ALIVE_MS = 30_000
const STATUS_TIMEOUT_MS = 2_000 // health is asked often and answered at once, or not
const FULL_DELAY_MS = 1_000 // as long as requests wait for a turn

export function createGateway(deps: GatewayDependencies): Gateway {
  const state = { listening: undefined as string | undefined, closing: false }
  const server = gatewayServer(deps, state)
  return {
    async listen({ host, port }) {
      const url = await server.listen({ host, port })
      state.listening = addressOf(server)
      return { url }
    },
    async close() {
      state.closing = true
      await server.close()
    },
  }
}

/** The server without a socket; tests inject into it. `state.listening` is the address it listens on. */
export function gatewayServer(
  deps: GatewayDependencies,
  state: { listening: string | undefined; closing: boolean },
): FastifyInstance {
  const limits = { ...GATEWAY_LIMITS, ...deps.limits }
  const hosts = deps.hosts ?? []
  const origins = deps.origins ?? []
  const genesis = decodeGenesis(deps.network.genesis) // once: it costs some curve arithmetic
  const rpc = rpcDependencies(deps, genesis, limits, () =>
    plainRefused(genesis, deps.allowPlain, state.listening),
  )
  const server = fastify({
    logger: false,
    bodyLimit: MAX_BODY_BYTES,
    requestTimeout: BODY_TIMEOUT_MS,
    keepAliveTimeout: KEEP_ALIVE_MS,
    exposeHeadRoutes: false,
    forceCloseConnections: 'idle',
  })
  // Apart from the calls: who watches a node must not take the calls of a client beside it.
  const monotonic = monotonicOf(deps)
  const looks = new TokenBuckets(limits.address, monotonic)
  const clocks = new WeakMap<FastifyRequest, PhaseClock>()
  let open = 0
  server.removeAllContentTypeParsers()
  server.addContentTypeParser('application/json', { parseAs: 'buffer' }, (_, body, done) =>
    done(null, body),
  )
  server.addHook('onRequest', async (request, reply) => {
    if (!hostAllowed(request.headers.host, hosts))
      return fail(reply, 400, errorOf('BAD_REQUEST', 'this node does not answer under this name'))
    reply.headers(corsHeaders(request.headers.origin, origins))
    if (request.method === 'OPTIONS') return undefined // asks nothing of the guest
    if (request.method !== 'POST') {
      const delay = looks.take(sourceOf(request.ip))
      return delay === undefined ? undefined : tooMany(reply, delay)
    }
    if (deps.onPhases !== undefined) clocks.set(request, timing(monotonic, deps.onPhases, reply))
    if (state.closing || open >= limits.open) return full(reply)
    const delay = rpc.buckets.address.take(sourceOf(request.ip))
    if (delay !== undefined) return tooMany(reply, delay)
    open += 1
    reply.raw.once('close', () => {
      open -= 1
    })
    return undefined
  })
  server.setErrorHandler((error, _, reply) => fail(reply, ...httpFailure(error, rpc.unexpected)))
  server.setNotFoundHandler((_, reply) => fail(reply, 404, errorOf('NOT_FOUND')))

  server.post('/', (request, reply) => post(rpc, request, reply, clocks.get(request)))
  server.options('/', async (request, reply) =>
    Object.keys(corsHeaders(request.headers.origin, origins)).length > 0
      ? reply.code(204).send()
      : fail(reply, 400, errorOf('BAD_REQUEST', 'this origin is not allowed')),
  )
  server.get('/healthz', (_, reply) => health(rpc.node, deps.log, reply))
  server.get('/readyz', (_, reply) => ready(rpc.node, deps.log, reply))
  return server
}

async function post(
  rpc: RpcDependencies,
  request: FastifyRequest,
  reply: FastifyReply,
  phases: PhaseClock | undefined,
): Promise<FastifyReply> {
  const gone = new AbortController()
  reply.raw.once('close', () => gone.abort(new Error('the client left')))
  let body: unknown
  try {
    body = readJson(request.body instanceof Uint8Array ? request.body : new Uint8Array())
  } catch {
    return fail(reply, 400, errorOf('BAD_REQUEST', 'the body is no JSON'))
  }
  const source = sourceOf(request.ip)
  const caller = { source, signal: gone.signal, ...(phases && { phases }) }
  const outcome = await handleRpc(rpc, body, caller)
  switch (outcome.kind) {
    case 'answers':
      return reply.code(200).send(outcome.body)
    case 'nothing':
      return reply.code(204).send()
    case 'failure':
      return fail(reply, outcome.status, outcome.error)
    case 'limited':
      return tooMany(reply, outcome.retryAfterMs)
  }
}

/** From the first byte of a request until its answer has left; told only of signatures that were made. */
function timing(
  monotonic: () => number,
  tell: (ms: ReadonlyMap<Phase, number>, wholeMs: number) => void,
  reply: FastifyReply,
): PhaseClock {
  const from = monotonic()
  const phases = new PhaseClock(monotonic)
  reply.raw.once('finish', () => {
    const ms = phases.times()
    if (ms.has('combine')) tell(ms, monotonic() - from)
  })
  return phases
}

/** The process is alive, and so is its guest. */
async function health(
  node: NodeView,
  log: GatewayDependencies['log'],
  reply: FastifyReply,
): Promise<FastifyReply> {
  const status = await currentStatus(node, log)
  const alive = status?.guest.alive === true
  return reply
    .code(alive ? 200 : 503)
    .send(alive ? { alive } : { alive, reasons: ['the guest does not answer'] })
}

async function ready(
  node: NodeView,
  log: GatewayDependencies['log'],
  reply: FastifyReply,
): Promise<FastifyReply> {
  const status = await currentStatus(node, log)
  if (status === undefined)
    return reply.code(503).send({ ready: false, reasons: ['the guest does not answer'] })
  const answer = readiness(status)
  return reply.code(answer.ready ? 200 : 503).send(answer)
}

async function currentStatus(
  node: NodeView,
  log: GatewayDependencies['log'],
): Promise<NodeStatus | undefined> {
  try {
    return await node.status(AbortSignal.timeout(STATUS_TIMEOUT_MS))
  } catch (error) {
    log.warn({ error }, 'no status')
    return undefined
  }
}

const monotonicOf = ({ monotonic }: GatewayDependencies): (() => number) =>
  monotonic ?? (() => performance.now())

function rpcDependencies(
  deps: GatewayDependencies,
  genesis: Genesis,
  limits: GatewayLimits,
  refused: () => string | undefined,
): RpcDependencies {
  const monotonic = monotonicOf(deps)
  const bucketsOf = (rate: GatewayLimits['address']): TokenBuckets =>
    new TokenBuckets(rate, monotonic)
  return {
    coordinator: deps.coordinator,
    node: {
      manifest: () => presentManifest(genesis, deps.network),
      status: freshStatus((signal) => deps.status(signal), monotonic),
    },
    networkId: networkIdOf(deps.network.genesis),
    plainRefused: refused,
    buckets: {
      address: bucketsOf(limits.address),
      registrations: bucketsOf(limits.registrations),
      account: bucketsOf(limits.account),
    },
    unexpected: (error) => deps.log.warn({ error }, 'a call failed'),
  }
}

function plainRefused(
  { environment }: Genesis,
  allowPlain: boolean,
  listening: string | undefined,
): string | undefined {
  const because = 'requests in the plain form are not taken here:'
  if (environment !== 'development') return `${because} this is not a development network`
  if (!allowPlain) return `${because} the node was not started with allowPlain`
  return listening !== undefined && isLoopback(listening)
    ? undefined
    : `${because} the node does not listen on loopback alone`
}

function addressOf(server: FastifyInstance): string | undefined {
  const addresses = server
    .addresses()
    .map((at: string | { address: string }) => (typeof at === 'string' ? at : at.address))
  return addresses.find((address) => !isLoopback(address)) ?? addresses[0]
}

/** A failure before any call was processed: readable for JSON-RPC clients and for others (05 §4.3). */
const fail = (reply: FastifyReply, status: number, error: JsonRpcError): FastifyReply =>
  reply.code(status).send({
    jsonrpc: '2.0',
    id: null,
    error: { ...error, id: error.data.id, requestId: error.data.requestId },
  })

const tooMany = (reply: FastifyReply, delayMs: number): FastifyReply =>
  fail(reply.header('retry-after', String(Math.ceil(delayMs / 1000))), 429, limited(delayMs))

const full = (reply: FastifyReply): FastifyReply =>
  fail(
    reply.header('retry-after', String(FULL_DELAY_MS / 1000)),
    503,
    rpcError({ ...failure('OVERLOADED').error, details: { retryAfterMs: FULL_DELAY_MS } }),
  )

/** Errors of the server itself: a body that is too long, of another type, or broken off. */
function httpFailure(
  error: unknown,
  unexpected: (error: unknown) => void,
): [status: number, error: JsonRpcError] {
  const status =
    error instanceof Error && 'statusCode' in error ? Number(error.statusCode) : undefined
  if (status === 413) return [413, errorOf('BAD_REQUEST', `more than ${MAX_BODY_BYTES} bytes`)]
  if (status === 415) return [400, errorOf('BAD_REQUEST', 'the body must be application/json')]
  if (status !== undefined && status >= 400 && status < 500) return [400, errorOf('BAD_REQUEST')]
  unexpected(error)
  return [503, errorOf('INTERNAL_ERROR')]
}
