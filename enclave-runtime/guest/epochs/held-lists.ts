import { bytesToHex } from '@noble/hashes/utils.js'
import { sameBytes } from '../../../protocols/agreement/compare-bytes.ts'
import type { HeldKey } from '../../../protocols/agreement/epoch/held-key.ts'
import {
  inKeyOrder,
  isListOf,
  type KeyListName,
} from '../../../protocols/agreement/epoch/key-lists.ts'
import { recordListName } from '../../../protocols/agreement/epoch/message-codec.ts'
import type { State } from '../../../protocols/agreement/epoch/state.ts'

/** A list that a machine can put together of the keys it holds: a record's, those under a cut, those that came after one. */
export function heldList(
  state: Readonly<State>,
  name: KeyListName,
): readonly HeldKey[] | undefined {
  const { base, made, attempts } = state
  for (const { record, keys } of [base, ...attempts.values()])
    if (record !== null && keys !== null && isNamed(name, recordListName(record))) return keys
  const all = [...made.values()]
  const candidates =
    name.of === 'keys'
      ? [[...base.keys, ...all]]
      : [all, ...[...attempts.values()].map(({ started }) => without(all, started.cut))]
  for (const keys of candidates) {
    const sorted = inKeyOrder(keys)
    if (isListOf(name, sorted)) return sorted
  }
  return undefined
}

const isNamed = (a: KeyListName, b: KeyListName): boolean =>
  a.of === b.of && a.count === b.count && sameBytes(a.root, b.root)

function without(keys: readonly HeldKey[], others: readonly HeldKey[]): readonly HeldKey[] {
  const ids = new Set(others.map(({ keyId }) => bytesToHex(keyId)))
  return keys.filter(({ keyId }) => !ids.has(bytesToHex(keyId)))
}
