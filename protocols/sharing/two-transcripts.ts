import { equalBytes } from '@noble/curves/utils.js'
import { publicHashOf, transcriptOf } from './hashes.ts'

/** A signed T with all that it is of: what pub hashes behind sid, and the records of the keys. */
export interface SignedTranscript {
  readonly sid: Uint8Array
  readonly fields: readonly Uint8Array[]
  readonly records: readonly Uint8Array[]
  /** K4's. */
  readonly signature: Uint8Array
}

/**
 * Whether one member signed two different T of one run, which no honest one does: evidence for anybody (02 §8). T alone
 * does not say what it is of, so both are recomputed. `verifies` checks a signature of the accused over T.
 */
export function signedTwoTranscripts(
  one: SignedTranscript,
  other: SignedTranscript,
  verifies: (transcript: Uint8Array, signature: Uint8Array) => boolean,
): boolean {
  if (!equalBytes(one.sid, other.sid)) return false
  const [first, second] = [one, other].map(({ sid, fields, records }) =>
    transcriptOf(publicHashOf(sid, fields), records),
  )
  if (first === undefined || second === undefined || equalBytes(first, second)) return false
  return verifies(first, one.signature) && verifies(second, other.signature)
}
