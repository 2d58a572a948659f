import type { ObjectTag } from '../crypto/tags.ts'
import { objectHash } from '../crypto/transcript.ts'
import { encodeCanonical } from '../session/canonical-cbor.ts'

/**
 * A Merkle root over leaves that come one by one (03 §1.2): leaves and inner nodes are hashed under tags
 * of their own, an odd node is promoted. It keeps a hash per level, whatever the number of leaves.
 */
export class MerkleRoot {
  readonly #leaf: ObjectTag
  readonly #node: ObjectTag
  /** Roots of full trees that are not joined yet, each with its height; heights fall. */
  readonly #peaks: { height: number; hash: Uint8Array }[] = []
  #count = 0

  constructor(leaf: ObjectTag, node: ObjectTag) {
    this.#leaf = leaf
    this.#node = node
  }

  get count(): number {
    return this.#count
  }

  /** `value` is an item of canonical encoding. */
  add(value: unknown): void {
    let peak = { height: 0, hash: objectHash(this.#leaf, encodeCanonical(value)) }
    while (this.#peaks.at(-1)?.height === peak.height) {
      const left = this.#peaks.pop()
      if (left !== undefined)
        peak = { height: peak.height + 1, hash: this.#join(left.hash, peak.hash) }
    }
    this.#peaks.push(peak)
    this.#count++
  }

  /** 32 bytes; for no leaves the inner hash of nothing. */
  root(): Uint8Array {
    const [last, ...before] = this.#peaks.toReversed().map(({ hash }) => hash)
    if (last === undefined) return objectHash(this.#node, encodeCanonical([]))
    return before.reduce((right, left) => this.#join(left, right), last)
  }

  #join(left: Uint8Array, right: Uint8Array): Uint8Array {
    return objectHash(this.#node, encodeCanonical([left, right]))
  }
}
