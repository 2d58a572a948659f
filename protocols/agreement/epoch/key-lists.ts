import { objectTags } from '../../crypto/tags.ts'
import { listRoot } from '../chain/pages.ts'
import { compareBytes, sameBytes } from '../compare-bytes.ts'
import { MerkleRoot } from '../merkle.ts'
import { keyCertHash } from '../objects/freeze.ts'
import type { HeldKey } from './held-key.ts'

/**
 * A list of keys that a signed object or a record names (03 §1.1): `keys` by keySetRoot, `certificates` by the root over
 * their hashes. It does not stand in what names it: whoever lacks it asks for it.
 */
export interface KeyListName {
  readonly of: 'keys' | 'certificates'
  readonly count: number
  readonly root: Uint8Array
}

/** Each once, in order of id: how lists of keys are hashed, sent and stored. */
export const inKeyOrder = (keys: readonly HeldKey[]): readonly HeldKey[] =>
  keys.toSorted((a, b) => compareBytes(a.keyId, b.keyId))

/** The root key first, as key number one of its epoch; the others in order of id. */
export const inChunkOrder = (
  keys: readonly HeldKey[],
  rootKey: Uint8Array | null,
): readonly HeldKey[] => {
  const isRoot = ({ publicKey }: HeldKey): boolean =>
    rootKey !== null && sameBytes(publicKey, rootKey)
  return [...keys.filter(isRoot), ...keys.filter((key) => !isRoot(key))]
}

/** Whether no key is named twice and all are in order of id. */
export const areInKeyOrder = (keys: readonly HeldKey[]): boolean =>
  keys.every((key, i) => {
    const before = keys[i - 1]
    return before === undefined || compareBytes(before.keyId, key.keyId) < 0
  })

/** Ten thousand keys take a third of a second, and one list is looked at when it comes, when START is judged, and when it is stored. */
const roots = new WeakMap<readonly HeldKey[], Uint8Array>()

/** keySetRoot over leaves whose chain code and F are hashed already (03 §1.2); `keys` in any order. Lists of keys never change. */
export function keySetRootOf(keys: readonly HeldKey[]): Uint8Array {
  const known = roots.get(keys)
  if (known !== undefined) return known
  const tree = new MerkleRoot(objectTags.keySetLeaf, objectTags.keySetNode)
  for (const { keyId, curve, publicKey, chainCodeHash, commitmentHash } of inKeyOrder(keys))
    tree.add([keyId, curve, publicKey, chainCodeHash, commitmentHash])
  const root = tree.root()
  roots.set(keys, root)
  return root
}

/** `listRoot` of the hashes of their certificates in order of id: the root of FROZEN (03 §1.2); `keys` in any order. Each has a certificate. */
export const certificatesRootOf = (keys: readonly HeldKey[]): Uint8Array =>
  listRoot(inKeyOrder(keys).map(({ certificate }) => keyCertHash(certificate ?? new Uint8Array())))

/** Whether this is the list of that name: in order, complete, and its root. */
export const isListOf = ({ of, count, root }: KeyListName, keys: readonly HeldKey[]): boolean => {
  if (keys.length !== count || !areInKeyOrder(keys)) return false
  if (of === 'certificates' && keys.some(({ certificate }) => certificate === null)) return false
  return sameBytes(of === 'keys' ? keySetRootOf(keys) : certificatesRootOf(keys), root)
}

/** Whether two entries say the same of one key, certificates apart. */
export const isSameLeaf = (a: HeldKey, b: HeldKey): boolean =>
  a.curve === b.curve &&
  sameBytes(a.keyId, b.keyId) &&
  sameBytes(a.publicKey, b.publicKey) &&
  sameBytes(a.chainCodeHash, b.chainCodeHash) &&
  sameBytes(a.commitmentHash, b.commitmentHash)
