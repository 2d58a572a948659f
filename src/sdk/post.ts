import { isErrorId } from '../../protocols/request/errors.ts'
import { type AnswerInfo, JSON_RPC_ANSWER, type JsonRpcError } from '../wire/json-rpc.ts'
import { MAX_ANSWER_BYTES, MAX_BODY_BYTES } from '../wire/limits.ts'
import { HoldfastError } from './holdfast-error.ts'

/** What the SDK needs of `fetch`. */
export type Fetch = (url: string, init: FetchInit) => Promise<FetchResponse>
export interface FetchInit {
  readonly method: 'POST'
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
  readonly redirect: 'error'
  readonly signal: AbortSignal
}
export interface FetchResponse {
  readonly status: number
  readonly body: AsyncIterable<Uint8Array> | ReadableByteStream | null
}
export interface ReadableByteStream {
  getReader(): {
    read(): Promise<{ done: boolean; value?: Uint8Array | undefined }>
    cancel(): Promise<void>
  }
}

export interface Call {
  readonly method: string
  readonly params: unknown
  readonly holdfast?: unknown
}

/** A result, not verified yet, and what the node says about it. */
export interface Posted {
  readonly result: unknown
  readonly info: AnswerInfo | undefined
}

const MAX_DETAIL_CHARS = 1_024

/** One JSON-RPC call to one node. Throws `HoldfastError`: the node's own error, or NO_NODE for anything else. */
export async function post(
  fetch: Fetch,
  node: string,
  call: Call,
  signal: AbortSignal,
): Promise<Posted> {
  const id = 1
  const body = JSON.stringify({ jsonrpc: '2.0', id, ...call })
  if (new TextEncoder().encode(body).length > MAX_BODY_BYTES)
    throw new HoldfastError('PARAMS_INVALID', { message: `more than ${MAX_BODY_BYTES} bytes` })
  const { status, text } = await exchange(fetch, node, body, signal)
  const parsed = JSON_RPC_ANSWER.safeParse(json(text))
  if (!parsed.success || (parsed.data.id !== id && !('error' in parsed.data)))
    throw new HoldfastError('NO_NODE', {
      message: `${node} gave no JSON-RPC answer (HTTP ${status})`,
      details: { node, status, body: text.slice(0, MAX_DETAIL_CHARS) },
    })
  if ('error' in parsed.data) throw nodeError(node, parsed.data.error)
  return { result: parsed.data.result, info: parsed.data.holdfast }
}

async function exchange(
  fetch: Fetch,
  node: string,
  body: string,
  signal: AbortSignal,
): Promise<{ status: number; text: string }> {
  try {
    const headers = { 'content-type': 'application/json' }
    const response = await fetch(node, { method: 'POST', headers, body, redirect: 'error', signal })
    return { status: response.status, text: await readText(response) }
  } catch (cause) {
    if (cause instanceof HoldfastError) throw cause
    throw new HoldfastError('NO_NODE', {
      message: `${node} did not answer`,
      details: { node },
      cause,
    })
  }
}

/** What a node says is believed only as far as the table goes: code and retryability are its, where it knows the id. */
function nodeError(node: string, { code, message, data }: JsonRpcError): HoldfastError {
  const details = { node, ...(data.details === undefined ? {} : { said: data.details }) }
  const { id, blame } = data
  const requestId = data.requestId ?? undefined
  const common = { message, requestId, details, blame }
  return new HoldfastError(
    id,
    isErrorId(id) ? common : { ...common, code, retryable: data.retryable },
  )
}

/** The body, of bounded length. */
async function readText({ body }: FetchResponse): Promise<string> {
  if (body === null) return ''
  const decoder = new TextDecoder('utf-8', { fatal: true })
  let text = ''
  let length = 0
  for await (const chunk of chunks(body)) {
    length += chunk.length
    if (length > MAX_ANSWER_BYTES) throw new Error(`more than ${MAX_ANSWER_BYTES} bytes`)
    text += decoder.decode(chunk, { stream: true })
  }
  return text + decoder.decode()
}

/** Not every browser's stream is an async iterable. */
async function* chunks(
  body: AsyncIterable<Uint8Array> | ReadableByteStream,
): AsyncIterable<Uint8Array> {
  if (Symbol.asyncIterator in body) {
    yield* body
    return
  }
  const reader = body.getReader()
  try {
    for (;;) {
      const { done, value } = await reader.read()
      if (done || value === undefined) return
      yield value
    }
  } finally {
    await reader.cancel()
  }
}

function json(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined // the caller says what it got instead
  }
}
