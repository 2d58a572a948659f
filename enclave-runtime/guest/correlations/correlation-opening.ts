import { bytesField, objectFields, uintField } from '../../../protocols/agreement/fields.ts'
import { MAX_BATCH } from '../../../protocols/correlations/messages.ts'
import { decodeCanonical, encodeCanonical } from '../../../protocols/session/canonical-cbor.ts'
import { DecodeError } from '../../../protocols/session/codec.ts'

const MAX_BYTES = 128 // a name, two numbers and 32 bytes
const MAX_U32 = 0xffff_ffff

/** What the initiator of a batch tells the other side (02 §4.3); the rest each computes itself. */
export interface CorrelationOpening {
  readonly batchNo: number
  /** N, 1 to 16. */
  readonly count: number
  /** Coordinator nonce, 32 bytes. */
  readonly nonce: Uint8Array
}

export const encodeCorrelationOpening = ({
  batchNo,
  count,
  nonce,
}: CorrelationOpening): Uint8Array => encodeCanonical(['correlations', 1, batchNo, count, nonce])

/** Throws `DecodeError`. */
export function decodeCorrelationOpening(body: Uint8Array): CorrelationOpening {
  const [batchNo, count, nonce] = objectFields(decodeCanonical(body, MAX_BYTES), 'correlations', 3)
  const opening = {
    batchNo: uintField(batchNo, 'batchNo', MAX_U32),
    count: uintField(count, 'count', MAX_BATCH),
    nonce: bytesField(nonce, 'nonce', 32),
  }
  if (opening.count === 0) throw new DecodeError('an empty batch')
  return opening
}
