import { bytesField, objectFields, uintField } from '../../../protocols/agreement/fields.ts'
import { ENGINE_VERSION } from '../../../protocols/request/binding.ts'
import { decodeCanonical, encodeCanonical } from '../../../protocols/session/canonical-cbor.ts'
import { DecodeError } from '../../../protocols/session/codec.ts'
import { MAX_BATCH } from './pending-batch.ts'

const MAX_BYTES = 616 * 1024 // a request of 600 KiB and a few numbers
const MAX_BUDGET_MS = 600_000
const MAX_U32 = 0xffff_ffff

/** What the leader of a key generation tells every other guest; all else each computes itself. */
export interface KeygenOpening {
  /** The whole request with its proofs. */
  readonly request: Uint8Array
  readonly attempt: number
  /** Coordinator nonce, 32 bytes. */
  readonly nonce: Uint8Array
  /** Unix seconds. */
  readonly evalTime: number
  readonly budgetMs: number
}

export const encodeKeygenOpening = (opening: KeygenOpening): Uint8Array =>
  encodeCanonical([
    'keygen',
    1,
    opening.request,
    opening.attempt,
    opening.nonce,
    opening.evalTime,
    ENGINE_VERSION,
    opening.budgetMs,
  ])

/** Throws `DecodeError`. */
export function decodeKeygenOpening(body: Uint8Array): KeygenOpening {
  const fields = objectFields(decodeCanonical(body, MAX_BYTES), 'keygen', 6)
  const [request, attempt, nonce, evalTime, engine, budgetMs] = fields
  if (!(request instanceof Uint8Array)) throw new DecodeError('no request')
  if (engine !== ENGINE_VERSION) throw new DecodeError('another engine')
  return {
    request,
    attempt: uintField(attempt, 'attempt', MAX_U32),
    nonce: bytesField(nonce, 'nonce', 32),
    evalTime: uintField(evalTime, 'evalTime'),
    budgetMs: uintField(budgetMs, 'budgetMs', MAX_BUDGET_MS),
  }
}

const MAX_BATCH_OPENING_BYTES = 128 // a nonce and three numbers

/** What the owner of ready keys to come tells every other guest. */
export interface BatchOpening extends Pick<KeygenOpening, 'nonce' | 'budgetMs'> {
  readonly count: number
}

export const encodeBatchOpening = ({ nonce, count, budgetMs }: BatchOpening): Uint8Array =>
  encodeCanonical(['keygen batch', 1, nonce, count, budgetMs])

/** Throws `DecodeError`. */
export function decodeBatchOpening(body: Uint8Array): BatchOpening {
  const fields = objectFields(decodeCanonical(body, MAX_BATCH_OPENING_BYTES), 'keygen batch', 3)
  const [nonce, told, budgetMs] = fields
  const count = uintField(told, 'count', MAX_BATCH)
  if (count === 0) throw new DecodeError('a batch of no keys')
  return {
    nonce: bytesField(nonce, 'nonce', 32),
    count,
    budgetMs: uintField(budgetMs, 'budgetMs', MAX_BUDGET_MS),
  }
}
