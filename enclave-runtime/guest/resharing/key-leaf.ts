import { sameBytes } from '../../../protocols/agreement/compare-bytes.ts'
import type { HeldKey } from '../../../protocols/agreement/epoch/held-key.ts'
import { objectTags } from '../../../protocols/crypto/tags.ts'
import { objectHash } from '../../../protocols/crypto/transcript.ts'
import type { KeyRecord } from '../../../protocols/keygen/generate-keys.ts'
import { encodeCanonical } from '../../../protocols/session/canonical-cbor.ts'

type KnownKey = Pick<KeyRecord, 'keyId' | 'curve' | 'publicKey' | 'chainCode' | 'commitment'>

/** The leaf of a key set that this key is (03 §1.2). */
export const leafOf = ({ keyId, curve, publicKey, chainCode, commitment }: KnownKey): HeldKey => ({
  keyId,
  curve,
  publicKey,
  chainCodeHash: objectHash(objectTags.cc, encodeCanonical(chainCode)),
  commitmentHash: objectHash(objectTags.F, encodeCanonical(commitment)),
  certificate: null,
})

/** Whether the leaf is of this key, with this chain code and this F. */
export function isLeafOf(leaf: HeldKey, key: KnownKey): boolean {
  const own = leafOf(key)
  return (
    sameBytes(leaf.keyId, own.keyId) &&
    leaf.curve === own.curve &&
    sameBytes(leaf.publicKey, own.publicKey) &&
    sameBytes(leaf.chainCodeHash, own.chainCodeHash) &&
    sameBytes(leaf.commitmentHash, own.commitmentHash)
  )
}
