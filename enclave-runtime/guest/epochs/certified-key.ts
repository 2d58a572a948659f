import { bytesToHex } from '@noble/hashes/utils.js'
import { sameBytes } from '../../../protocols/agreement/compare-bytes.ts'
import type { HeldKey } from '../../../protocols/agreement/epoch/held-key.ts'
import { isSameLeaf } from '../../../protocols/agreement/epoch/key-lists.ts'
import type { BaseEpoch } from '../../../protocols/agreement/epoch/state.ts'
import { keyCertHash } from '../../../protocols/agreement/objects/freeze.ts'
import { quorums } from '../../../protocols/agreement/quorums.ts'
import { objectTags } from '../../../protocols/crypto/tags.ts'
import { objectHash } from '../../../protocols/crypto/transcript.ts'
import {
  decodeKeyCertificate,
  type KeyCertificate,
  verifyKeyCertificate,
} from '../../../protocols/keygen/key-certificate.ts'
import { encodeCanonical } from '../../../protocols/session/canonical-cbor.ts'
import { DecodeError } from '../../../protocols/session/codec.ts'

/** Certificates that were found good: they come in every list that names their key. */
const MAX_REMEMBERED = 32_768

/** A key as the epoch that made it holds it (03 §1.2). `certificate` is the encoding of `cert`. */
export const heldKeyOf = (
  cert: Pick<KeyCertificate, 'keyId' | 'curve' | 'publicKey' | 'chainCode' | 'commitment'>,
  certificate: Uint8Array | null,
): HeldKey => ({
  keyId: cert.keyId,
  curve: cert.curve,
  publicKey: cert.publicKey,
  chainCodeHash: objectHash(objectTags.cc, encodeCanonical(cert.chainCode)),
  commitmentHash: objectHash(objectTags.F, encodeCanonical(cert.commitment)),
  certificate,
})

/** Whether keys belong to an epoch: by its record, or by a certificate of its members (03 §1.2). */
export class CertifiedKeys {
  readonly #networkId: Uint8Array
  readonly #lists = new WeakMap<readonly HeldKey[], ReadonlyMap<string, HeldKey>>()
  readonly #good = new Set<string>()

  constructor(networkId: Uint8Array) {
    this.#networkId = networkId
  }

  has(key: HeldKey, { record, keys }: BaseEpoch): boolean {
    if (key.certificate === null) {
      const listed = this.#listOf(keys).get(bytesToHex(key.keyId))
      return listed !== undefined && isSameLeaf(listed, key)
    }
    const name = `${bytesToHex(record.epochId)}/${bytesToHex(keyCertHash(key.certificate))}`
    if (!this.#good.has(name) && !this.#isGood(key.certificate, record)) return false
    this.#remember(name)
    return isSameLeaf(key, heldKeyOf(decodeKeyCertificate(key.certificate), null))
  }

  #isGood(certificate: Uint8Array, record: BaseEpoch['record']): boolean {
    try {
      const cert = decodeKeyCertificate(certificate)
      const { committeeId, epochId, members, t } = record
      return (
        cert.t === t &&
        sameBytes(cert.epochId, epochId) &&
        verifyKeyCertificate(cert, {
          networkId: this.#networkId,
          committeeId,
          epochId,
          members,
          quorum: quorums(members.length, t).q,
        })
      )
    } catch (error) {
      if (error instanceof DecodeError) return false
      throw error
    }
  }

  #listOf(keys: readonly HeldKey[]): ReadonlyMap<string, HeldKey> {
    const known = this.#lists.get(keys)
    if (known !== undefined) return known
    const made = new Map(keys.map((key) => [bytesToHex(key.keyId), key] as const))
    this.#lists.set(keys, made)
    return made
  }

  #remember(name: string): void {
    this.#good.delete(name)
    this.#good.add(name)
    const [oldest] = this.#good
    if (this.#good.size > MAX_REMEMBERED && oldest !== undefined) this.#good.delete(oldest)
  }
}
