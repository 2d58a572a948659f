import { MAX_PAGE_ITEM_BYTES } from '../../../protocols/agreement/chain/pages.ts'
import { body } from '../../../protocols/agreement/epoch/body.ts'
import { type HeldKey, heldKey } from '../../../protocols/agreement/epoch/held-key.ts'
import type { KeyListName } from '../../../protocols/agreement/epoch/key-lists.ts'
import { b32, uint } from '../../../protocols/agreement/objects/items.ts'
import type { Field } from '../../../protocols/agreement/objects/object-codec.ts'
import { decodeCanonical, encodeCanonical } from '../../../protocols/session/canonical-cbor.ts'
import { type Codec, DecodeError } from '../../../protocols/session/codec.ts'

/** Keys of one list: ten times what a committee is made for. */
export const MAX_LIST_KEYS = 131_072

export const listKind: Field<KeyListName['of']> = {
  write: (value) => value,
  read: (item, name) => {
    if (item === 'keys' || item === 'certificates') return item
    throw new DecodeError(`${name} is no kind of list`)
  },
}

/** Who lacks a list asks for its page that begins at `first` (03 §4.5). */
export interface ListAsk extends KeyListName {
  readonly first: number
}

export const ListAsk: Codec<ListAsk> = body<ListAsk>('list-ask', {
  of: listKind,
  count: uint,
  root: b32,
  first: uint,
})

/** A key as an item of a page. */
export const encodeKeyItem = (key: HeldKey): Uint8Array => encodeCanonical(heldKey.write(key))

/** Throws `DecodeError`. */
export const decodeKeyItem = (item: Uint8Array): HeldKey =>
  heldKey.read(decodeCanonical(item, MAX_PAGE_ITEM_BYTES), 'key')
