import { ERRORS } from '../../protocols/request/errors.ts'
import { encodePlainRequest, fromJsonRpc } from '../../protocols/request/plain-request.ts'
import type { Coordinator } from '../coordinator/coordinate.ts'
import type { PhaseClock } from '../coordinator/phases.ts'
import type { Answer } from '../coordinator/reply.ts'
import {
  JSON_RPC_CALL,
  type JsonRpcAnswer,
  type JsonRpcCall,
  type JsonRpcError,
  type JsonRpcId,
  type JsonRpcResult,
} from '../wire/json-rpc.ts'
import { MAX_BATCH } from '../wire/limits.ts'
import type { NodeView } from './methods/method.ts'
import { METHODS } from './methods/table.ts'
import { errorOf, rpcError, toReply } from './to-reply.ts'
import type { TokenBuckets } from './token-buckets.ts'

export interface RpcDependencies {
  readonly coordinator: Pick<Coordinator, 'handle'>
  readonly node: NodeView
  readonly networkId: Uint8Array
  /** Why plain requests are not taken here; undefined where they are (05 §3.1). */
  readonly plainRefused: () => string | undefined
  readonly buckets: {
    readonly address: TokenBuckets
    readonly registrations: TokenBuckets
    readonly account: TokenBuckets
  }
  readonly unexpected: (error: unknown) => void
}

export interface Caller {
  /** Its address or network, as the buckets name it. */
  readonly source: string
  readonly signal: AbortSignal
  /** Where the time of its one call goes. */
  readonly phases?: PhaseClock
}

/** What goes back: answers of calls (HTTP 200), nothing (204), or a failure of the whole body. */
export type RpcOutcome =
  | { readonly kind: 'answers'; readonly body: JsonRpcAnswer | readonly JsonRpcAnswer[] }
  | { readonly kind: 'nothing' }
  | { readonly kind: 'failure'; readonly status: 400; readonly error: JsonRpcError }
  | { readonly kind: 'limited'; readonly retryAfterMs: number }

const INVALID_REQUEST = -32600 // JSON-RPC 2.0 §5.1

/** Answers one parsed body: a call or a batch of them (JSON-RPC 2.0). One token was taken already. */
export async function handleRpc(
  deps: RpcDependencies,
  body: unknown,
  caller: Caller,
): Promise<RpcOutcome> {
  if (!Array.isArray(body)) return single(deps, body, caller)
  if (body.length === 0 || body.length > MAX_BATCH)
    return refuseBody(`a batch has 1 to ${MAX_BATCH} calls`)
  const delay = deps.buckets.address.take(caller.source, body.length - 1)
  if (delay !== undefined) return { kind: 'limited', retryAfterMs: delay }
  const { source, signal } = caller // calls of a batch run side by side: no one clock is theirs
  const answers = await Promise.all(
    body.map((call: unknown) => answerOf(deps, call, { source, signal })),
  )
  const told = answers.filter((answer) => answer !== undefined)
  return told.length === 0 ? { kind: 'nothing' } : { kind: 'answers', body: told }
}

async function single(deps: RpcDependencies, body: unknown, caller: Caller): Promise<RpcOutcome> {
  if (!JSON_RPC_CALL.safeParse(body).success) return refuseBody('not a JSON-RPC 2.0 call')
  const answer = await answerOf(deps, body, caller)
  return answer === undefined ? { kind: 'nothing' } : { kind: 'answers', body: answer }
}

const refuseBody = (message: string): RpcOutcome => ({
  kind: 'failure',
  status: 400,
  error: errorOf('REQ_MALFORMED', message),
})

/** A call without an id is a notification: nobody could receive the answer, so nothing is done for it. */
async function answerOf(
  deps: RpcDependencies,
  body: unknown,
  caller: Caller,
): Promise<JsonRpcAnswer | undefined> {
  const parsed = JSON_RPC_CALL.safeParse(body)
  if (!parsed.success)
    return { jsonrpc: '2.0', id: null, error: errorOf('REQ_MALFORMED', 'not a JSON-RPC 2.0 call') }
  const { id } = parsed.data
  if (id === undefined) return undefined
  try {
    return await answerCall(deps, parsed.data, id, caller)
  } catch (error) {
    return { jsonrpc: '2.0', id, error: toReply(error, deps.unexpected) }
  }
}

async function answerCall(
  deps: RpcDependencies,
  { method: name, params = [], holdfast }: JsonRpcCall,
  id: JsonRpcId,
  { source, signal, phases }: Caller,
): Promise<JsonRpcAnswer> {
  const refuse = (error: JsonRpcError): JsonRpcAnswer => ({ jsonrpc: '2.0', id, error })
  const method = METHODS.get(name)
  if (method === undefined) return refuse(errorOf('METHOD_UNSUPPORTED'))
  if (method.kind === 'public') {
    if (Object.keys(params).length > 0)
      return refuse(errorOf('PARAMS_INVALID', 'this method takes no parameters'))
    return { jsonrpc: '2.0', id, result: await method.answer(deps.node, signal) }
  }
  const refused = deps.plainRefused()
  if (refused !== undefined) return refuse(errorOf('BAD_REQUEST', refused, INVALID_REQUEST))
  const request = encodePlainRequest(
    fromJsonRpc({ method: name, params, holdfast }, deps.networkId),
  )
  const delay = method.registration ? deps.buckets.registrations.take(source) : undefined
  if (delay !== undefined) return refuse(limited(delay))
  const reply = await deps.coordinator.handle(request, {
    signal,
    origin: source,
    ...(phases && { phases }),
    admit: (account) => (account === null ? undefined : deps.buckets.account.take(account)),
    mayAdmit: (account) => deps.buckets.account.has(account),
  })
  return 'error' in reply
    ? refuse(rpcError(reply.error))
    : { jsonrpc: '2.0', id, result: reply.result, ...about(reply) }
}

/** Beside the result, as `holdfast` stands beside the parameters: which request it was, and who signed. */
function about({ requestId, signers }: Answer): Pick<JsonRpcResult, 'holdfast'> {
  if (requestId === undefined) return {}
  return { holdfast: { requestId, ...(signers === undefined ? {} : { signers }) } }
}

export const limited = (retryAfterMs: number): JsonRpcError =>
  rpcError({
    id: 'LIMIT_EXCEEDED',
    message: ERRORS.LIMIT_EXCEEDED.text,
    retryable: true,
    details: { retryAfterMs },
  })
