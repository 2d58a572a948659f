import { bytesToHex } from '@noble/hashes/utils.js'
import { objectTags } from '../../crypto/tags.ts'
import { objectHash } from '../../crypto/transcript.ts'
import { encodeCanonical } from '../../session/canonical-cbor.ts'
import { compareBytes, sameBytes } from '../compare-bytes.ts'
import { MerkleRoot } from '../merkle.ts'
import type { EpochRecord } from '../objects/record.ts'
import { type BrokenRule, firstBroken } from '../rules/broken-rule.ts'

/** A key as an epoch holds it (03 §1.2). Nothing here is secret. */
export interface KeyEntry {
  readonly keyId: Uint8Array
  readonly curve: number
  /** P, 33 bytes. */
  readonly publicKey: Uint8Array
  /** 32 bytes; the same in every epoch. */
  readonly chainCode: Uint8Array
  /** F, t × 33 bytes; another in every epoch. */
  readonly commitment: Uint8Array
}

/** Count and root of a set of keys. */
export interface KeySet {
  readonly count: number
  readonly root: Uint8Array
}

/**
 * keySetRoot (03 §1.2): Merkle root over [keyId, curve, P, H(cc; cc), H(F; F)]. Keys come one by one,
 * sorted by keyId; any other order is a defect of the caller.
 */
export class KeySetRoot {
  readonly #tree = new MerkleRoot(objectTags.keySetLeaf, objectTags.keySetNode)
  #last: Uint8Array | undefined

  add({ keyId, curve, publicKey, chainCode, commitment }: KeyEntry): void {
    if (this.#last !== undefined && compareBytes(this.#last, keyId) >= 0)
      throw new Error('bug: keys are not sorted')
    this.#last = keyId
    const ccHash = objectHash(objectTags.cc, encodeCanonical(chainCode))
    const FHash = objectHash(objectTags.F, encodeCanonical(commitment))
    this.#tree.add([keyId, curve, publicKey, ccHash, FHash])
  }

  get(): KeySet {
    return { count: this.#tree.count, root: this.#tree.root() }
  }
}

export function keySetRoot(sorted: Iterable<KeyEntry>): KeySet {
  const set = new KeySetRoot()
  for (const entry of sorted) set.add(entry)
  return set.get()
}

/**
 * R7 (03 §1.3), which the signers of READY check: `next` are exactly the keys of `before`, no P, no chain
 * code and no curve is another, and the record names their count and root. Both are sorted by keyId and
 * read once, in step.
 */
export function brokenKeySet(
  before: Iterable<KeyEntry>,
  next: Iterable<KeyEntry>,
  record: Pick<EpochRecord, 'keyCount' | 'keySetRoot'>,
): BrokenRule | undefined {
  const check = checkKeySet(before, next, record)
  for (;;) {
    const { done, value } = check.next()
    if (done === true) return value
  }
}

/** As `brokenKeySet`, with a pause after each key: many thousands take longer than a main loop may stand still. */
export function* checkKeySet(
  before: Iterable<KeyEntry>,
  next: Iterable<KeyEntry>,
  record: Pick<EpochRecord, 'keyCount' | 'keySetRoot'>,
): Generator<undefined, BrokenRule | undefined> {
  const set = new KeySetRoot()
  const others = next[Symbol.iterator]()
  for (const old of before) {
    const { value: key, done } = others.next()
    const named = `key ${bytesToHex(old.keyId)}`
    if (done === true || !sameBytes(key.keyId, old.keyId))
      return { rule: 'R7', reason: `${named} is missing, or a key before it is new` }
    if (!isSameKey(old, key)) return { rule: 'R7', reason: `${named} is another` }
    set.add(key)
    yield undefined
  }
  if (others.next().done !== true) return { rule: 'R7', reason: 'a key is new' }
  const { count, root } = set.get()
  return firstBroken([
    ['R7', record.keyCount === count, `keyCount is not ${count}`],
    ['R7', sameBytes(record.keySetRoot, root), 'keySetRoot is not that of the keys'],
  ])
}

const isSameKey = (a: KeyEntry, b: KeyEntry): boolean =>
  a.curve === b.curve && sameBytes(a.publicKey, b.publicKey) && sameBytes(a.chainCode, b.chainCode)
