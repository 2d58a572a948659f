import {
  addressOfPoint,
  isBy,
  type PublicPoint,
  type RecoverableSignature,
  recoverPoint,
} from '../../protocols/request/ethereum-address.ts'

const MAX_KEYS = 1_024 // some hundred bytes each; those of others are recovered every time
const MAX_TABLES = 16 // some hundred kilobytes each, and some milliseconds once
const TABLE_AFTER = 2 // signatures: who signs once more will sign again
const WINDOW_BITS = 4 // of a table: half of the time at a twentieth of the size of the fastest

interface Known {
  readonly point: PublicPoint
  signatures: number
  hasTable: boolean
}

/**
 * The keys behind the addresses of this client's accounts, as their signatures showed them: whoever made the last
 * signature is told from a forger by one equation, at half of the cost of finding out who made it.
 */
export class KnownKeys {
  readonly #keys = new Map<string, Known>()
  #tables = 0

  /** Whether the key of this address made the signature, of low s. Throws `DecodeError` where no key did. */
  signed(address: string, digest: Uint8Array, signature: RecoverableSignature): boolean {
    const known = this.#keys.get(address)
    if (known !== undefined) {
      const isIts = isBy(known.point, digest, signature)
      if (isIts) known.signatures += 1
      return isIts
    }
    const point = recoverPoint(digest, signature)
    if (addressOfPoint(point) !== address) return false
    if (this.#keys.size < MAX_KEYS)
      this.#keys.set(address, { point, signatures: 1, hasTable: false })
    return true
  }

  /** A signature of this key is being made: time to compute what verifying it needs. */
  expect(address: string): void {
    const known = this.#keys.get(address)
    if (known === undefined || known.hasTable || known.signatures < TABLE_AFTER) return
    if (this.#tables === MAX_TABLES) return
    this.#tables += 1
    known.hasTable = true
    known.point.precompute(WINDOW_BITS, false)
  }
}
