import { secp256k1 } from '@noble/curves/secp256k1.js'
import { sha256 } from '@noble/hashes/sha2.js'
import { concatBytes, utf8ToBytes } from '@noble/hashes/utils.js'
import { encodeCanonical } from '../../session/canonical-cbor.ts'
import { sameBytes } from '../compare-bytes.ts'
import type { RootSig, Stamp } from '../objects/root-signatures.ts'

/** All that rootKey ever signs (03 §1.2); guests refuse anything else. */
export type RootDomain = 'epoch-active' | 'epoch-test' | 'stamp' | 'canary' | 'committee-grant'

/** sha256("holdfast/<domain>/1" ‖ bytes), 32 bytes: what rootKey signs. SHA-256 so that ordinary tools can check it. */
export const rootDigest = (domain: RootDomain, bytes: Uint8Array): Uint8Array =>
  sha256(concatBytes(utf8ToBytes(`holdfast/${domain}/1`), bytes))

/** The digest of a stamp covers the encoding of its five fields (03 §1.2). */
export const stampDigest = (stamp: Omit<Stamp, 'signature'>): Uint8Array =>
  rootDigest(
    'stamp',
    encodeCanonical([
      stamp.committeeId,
      stamp.e,
      stamp.recordHash,
      stamp.issuedAt,
      stamp.validUntil,
    ]),
  )

/** The digest of a canary: a nonce of 32 bytes that says nothing, and the epoch whose shares sign it (03 §9.4). */
export const canaryDigest = (epochId: Uint8Array, nonce: Uint8Array): Uint8Array =>
  rootDigest('canary', encodeCanonical([epochId, nonce]))

/** Whether rootKey made this signature of 65 bytes (r, low s, recovery id) over a digest of 32 bytes. */
export function isRootSignature(
  rootKey: Uint8Array,
  digest: Uint8Array,
  signature: Uint8Array,
): boolean {
  try {
    const compact = secp256k1.Signature.fromBytes(signature.subarray(0, 64), 'compact')
    if (signature.length !== 65 || compact.hasHighS()) return false
    const signer = compact.addRecoveryBit(signature[64] ?? 4).recoverPublicKey(digest)
    return sameBytes(signer.toBytes(true), rootKey)
  } catch {
    return false // no signature of any key
  }
}

/** Whether rootKey says that the epoch of this record is active (03 §1.2). */
export const isActivated = (
  rootKey: Uint8Array,
  recordHash: Uint8Array,
  rootSig: RootSig,
): boolean =>
  sameBytes(rootSig.recordHash, recordHash) &&
  isRootSignature(rootKey, rootDigest('epoch-active', recordHash), rootSig.signature)

export const isStampedBy = (rootKey: Uint8Array, stamp: Stamp): boolean =>
  isRootSignature(rootKey, stampDigest(stamp), stamp.signature)
