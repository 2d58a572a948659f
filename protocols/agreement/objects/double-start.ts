import { MAX_OBJECT_BYTES, type ObjectCodec, object } from './object-codec.ts'
import { signed } from './signed.ts'
import { type SignedStart, Start } from './start.ts'

/** Evidence against an initiator: two STARTs of one attempt that it signed (03 §1.2, §4.1 S3). */
export interface DoubleStart {
  readonly first: SignedStart
  readonly second: SignedStart
}

const start = signed(Start)

export const DoubleStart: ObjectCodec<DoubleStart> = object<DoubleStart>(
  'doubleStart',
  { first: start, second: start },
  { maxBytes: 2 * MAX_OBJECT_BYTES + 1024 },
)
