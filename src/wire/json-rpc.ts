import * as z from 'zod'

const MAX_ID_CHARS = 128
const MAX_METHOD_CHARS = 128

/** An id that comes back as it was. Fractions are not: they may not survive the way (JSON-RPC 2.0 §4). */
export type JsonRpcId = string | number | null
const ID: z.ZodType<JsonRpcId> = z.union([
  z.string().max(MAX_ID_CHARS),
  z.int(), // safe integers
  z.null(),
])

/** One call. `holdfast` stands beside `params` in the plain form of a request (05 §3.1). */
export interface JsonRpcCall {
  readonly jsonrpc: '2.0'
  readonly id?: JsonRpcId | undefined
  readonly method: string
  readonly params?: readonly unknown[] | { readonly [key: string]: unknown } | undefined
  readonly holdfast?: unknown
}

/** Only the envelope: what is in `params` and `holdfast` is read by those who know the method. */
export const JSON_RPC_CALL: z.ZodType<JsonRpcCall> = z.strictObject({
  jsonrpc: z.literal('2.0'),
  id: ID.optional(),
  method: z.string().min(1).max(MAX_METHOD_CHARS),
  params: z
    .custom<JsonRpcCall['params']>((value) => typeof value === 'object' && value !== null)
    .optional(),
  holdfast: z.unknown().optional(),
})

/** `data` of every error (05 §4.1): `id` for programs, `requestId` the digest in hex where one is known. */
export interface ErrorData {
  readonly id: string
  readonly retryable: boolean
  readonly requestId: string | null
  readonly details?: unknown
  /** Peer ids. */
  readonly blame?: readonly string[] | undefined
}

export interface JsonRpcError {
  readonly code: number
  readonly message: string
  readonly data: ErrorData
}

const MAX_BLAMED = 16
const ERROR = z.object({
  code: z.int(),
  message: z.string().max(1_024),
  data: z.object({
    id: z.string().max(64),
    retryable: z.boolean(),
    requestId: z.string().max(128).nullable(),
    details: z.unknown().optional(),
    blame: z.array(z.string().max(128)).max(MAX_BLAMED).optional(),
  }),
})

/** What a node says about a request beside its result; nothing of it is proved. */
export interface AnswerInfo {
  /** The digest, hex. */
  readonly requestId: string
  /** Party indices. */
  readonly signers?: readonly number[] | undefined
}

export interface JsonRpcResult {
  readonly jsonrpc: '2.0'
  readonly id: JsonRpcId
  readonly result: unknown
  readonly holdfast?: AnswerInfo | undefined
}

export type JsonRpcAnswer =
  | JsonRpcResult
  | { readonly jsonrpc: '2.0'; readonly id: JsonRpcId; readonly error: JsonRpcError }

const INFO = z.object({
  requestId: z.string().max(128),
  signers: z.array(z.int().min(1).max(0xffff)).max(16).optional(),
})

/** One answer, as a client must find it. Members it does not know are dropped. */
export const JSON_RPC_ANSWER: z.ZodType<JsonRpcAnswer> = z.union([
  z.object({ jsonrpc: z.literal('2.0'), id: ID, error: ERROR }),
  z.object({ jsonrpc: z.literal('2.0'), id: ID, result: z.json(), holdfast: INFO.optional() }),
])
