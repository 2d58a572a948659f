import { decodeCanonical, encodeCanonical } from '../../session/canonical-cbor.ts'
import type { Codec } from '../../session/codec.ts'
import { objectFields } from '../fields.ts'
import { b32, b33, list, row, uint } from '../objects/items.ts'
import { MAX_LARGE_OBJECT_BYTES } from '../objects/object-codec.ts'
import { Stamp } from '../objects/root-signatures.ts'

/** A committee of a network, as `/hf-net/…` lists it (03 §3.1). */
export interface ListedCommittee {
  readonly committeeId: Uint8Array
  /** Compressed secp256k1 key, 33 bytes. */
  readonly rootKey: Uint8Array
  readonly e: number
  readonly recordHash: Uint8Array
  readonly stamp: Stamp
}

const MAX_COMMITTEES = 64
const committees = list(
  row<ListedCommittee>({ committeeId: b32, rootKey: b33, e: uint, recordHash: b32, stamp: Stamp }),
  MAX_COMMITTEES,
)

/** The value of `/hf-net/…`: `["net",1,[[committeeId,rootKey,e,recordHash,stamp]...]]` (03 §3.1). It verifies nothing. */
export const PublishedNetwork: Codec<readonly ListedCommittee[]> = {
  encode: (listed) => encodeCanonical(['net', 1, committees.write(listed)]),
  decode: (bytes) => {
    const [listed] = objectFields(decodeCanonical(bytes, MAX_LARGE_OBJECT_BYTES), 'net', 1)
    return committees.read(listed, 'committees')
  },
}
