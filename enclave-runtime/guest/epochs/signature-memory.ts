import { blake3 } from '@noble/hashes/blake3.js'
import { bytesToHex, concatBytes, utf8ToBytes } from '@noble/hashes/utils.js'

/** Signatures that were good: about all of one epoch change of sixteen members. */
const MAX_REMEMBERED = 8_192

/**
 * Remembers which signatures were good, for what nobody answered is sent again every two seconds, and a verification
 * takes a hundred times as long as a look here. Nothing is remembered of one that was bad.
 */
export class SignatureMemory {
  readonly #good = new Set<string>()

  /** Whether `verify` says, or said, that `key` signed these bytes as an object of this type. */
  isGood(
    type: string,
    key: Uint8Array,
    bytes: Uint8Array,
    signature: Uint8Array,
    verify: () => boolean,
  ): boolean {
    const parts = [utf8ToBytes(type), Uint8Array.of(0), key, signature, bytes] // all but the last of one length each
    const name = bytesToHex(blake3(concatBytes(...parts)))
    if (this.#good.has(name)) return true
    if (!verify()) return false
    this.#good.add(name)
    const [oldest] = this.#good
    if (this.#good.size > MAX_REMEMBERED && oldest !== undefined) this.#good.delete(oldest)
    return true
  }
}
