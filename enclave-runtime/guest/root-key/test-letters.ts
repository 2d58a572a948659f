import { bytesField, listField, objectFields } from '../../../protocols/agreement/fields.ts'
import { decodeCanonical, encodeCanonical } from '../../../protocols/session/canonical-cbor.ts'
import type { PartyIndex } from '../../../protocols/session/faults.ts'
import { signersField } from './root-opening.ts'

/** First items of the letters of S7: what became of subsets, and a question for it. */
export const TESTED = 'root tested'
export const TESTED_ASK = 'root tested ask'

/** Pairs of 16 members: no cover has more subsets; and one more for each suspect. */
export const MAX_SUBSETS = 136
const MAX_BYTES = 16 * 1024 // so many subsets of 9 indices with 65 bytes each
const MAX_ASK_BYTES = 64

/** A subset that signed, or could not. */
export interface TestedSubset {
  readonly signers: readonly PartyIndex[]
  /** 65 bytes; null if it failed, which only its members can say. */
  readonly signature: Uint8Array | null
}

/** What became of test subsets (03 §4.1 S7), as one member knows it. */
export interface TestedLetter {
  readonly recordHash: Uint8Array
  readonly subsets: readonly TestedSubset[]
}

export const encodeTested = ({ recordHash, subsets }: TestedLetter): Uint8Array =>
  encodeCanonical([
    TESTED,
    1,
    recordHash,
    subsets.map(({ signers, signature }) => [signers, signature]),
  ])

/** Throws `DecodeError`. */
export function decodeTested(body: Uint8Array): TestedLetter {
  const [recordHash, subsets] = objectFields(decodeCanonical(body, MAX_BYTES), TESTED, 2)
  return {
    recordHash: bytesField(recordHash, 'recordHash', 32),
    subsets: listField(subsets, 'subsets', MAX_SUBSETS).map((subset) => {
      const [signers, signature] = listField(subset, 'subset', 2)
      return {
        signers: signersField(signers),
        signature: signature === null ? null : bytesField(signature, 'signature', 65),
      }
    }),
  }
}

export const encodeTestedAsk = (recordHash: Uint8Array): Uint8Array =>
  encodeCanonical([TESTED_ASK, 1, recordHash])

/** Throws `DecodeError`. */
export function decodeTestedAsk(body: Uint8Array): Uint8Array {
  const [recordHash] = objectFields(decodeCanonical(body, MAX_ASK_BYTES), TESTED_ASK, 1)
  return bytesField(recordHash, 'recordHash', 32)
}
