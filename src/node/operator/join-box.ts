import { sameBytes } from '../../../protocols/agreement/compare-bytes.ts'
import { Join, SignedJoin } from '../../../protocols/agreement/objects/join.ts'
import { isSignedBy } from '../../../protocols/agreement/objects/signed.ts'
import { DecodeError } from '../../../protocols/session/codec.ts'

const MAX_WAITING = 16 // 16 members are the largest committee (03 §1.2)
const MAX_LIFE_MS = 30 * 24 * 3_600_000 // whoever waits longer asks again

/** Signed joins that came to this node and wait for its operator. Anybody may send one: what is not signed as it must be is not kept, and strangers push out nobody. */
export class JoinBox {
  readonly #networkId: Uint8Array
  readonly #now: () => number
  #joins: { readonly join: SignedJoin; readonly bytes: Uint8Array }[] = []

  constructor(networkId: Uint8Array, now: () => number) {
    this.#networkId = networkId
    this.#now = now
  }

  /** Encoded, in the order in which they came. */
  get waiting(): readonly Uint8Array[] {
    this.#expire()
    return this.#joins.map(({ bytes }) => bytes)
  }

  /** Whether it was taken: a later one of the same guest takes the place of the earlier. */
  add(bytes: Uint8Array): boolean {
    this.#expire()
    const join = this.#read(bytes)
    if (join === undefined) return false
    const others = this.#joins.filter(
      (known) => !sameBytes(known.join.object.guestSig, join.object.guestSig),
    )
    if (others.length >= MAX_WAITING) return false
    this.#joins = [...others, { join, bytes }]
    return true
  }

  /** Guests that are members of what serves wait no more, unless their entry differs. */
  settle(isDone: (join: Join) => boolean): void {
    this.#joins = this.#joins.filter(({ join }) => !isDone(join.object))
  }

  #read(bytes: Uint8Array): SignedJoin | undefined {
    let join: SignedJoin
    try {
      join = SignedJoin.decode(bytes)
    } catch (error) {
      if (error instanceof DecodeError) return undefined
      throw error
    }
    const { object, objectBytes, guestSignature, operatorSignature } = join
    const now = this.#now()
    const isSigned = (signature: Uint8Array, key: Uint8Array): boolean =>
      isSignedBy(Join, { object, objectBytes, signature }, this.#networkId, key)
    const isGood =
      sameBytes(object.networkId, this.#networkId) &&
      object.expiresAt > now &&
      object.expiresAt < now + MAX_LIFE_MS &&
      isSigned(guestSignature, object.guestSig) &&
      isSigned(operatorSignature, object.operatorKey)
    return isGood ? join : undefined
  }

  #expire(): void {
    const now = this.#now()
    this.#joins = this.#joins.filter(({ join }) => join.object.expiresAt > now)
  }
}
