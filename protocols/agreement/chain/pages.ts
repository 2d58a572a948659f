import { objectTags } from '../../crypto/tags.ts'
import { DecodeError } from '../../session/codec.ts'
import { sameBytes } from '../compare-bytes.ts'
import { MerkleRoot } from '../merkle.ts'
import { b32, bytesUpTo, list, uint } from '../objects/items.ts'
import { MAX_LARGE_OBJECT_BYTES, type ObjectCodec, object } from '../objects/object-codec.ts'

/** A part of a list that some signed object names by count and root (03 §1.1). */
export interface Page {
  /** Root of the whole list. */
  readonly root: Uint8Array
  /** Place of the first item, from 0. */
  readonly first: number
  /** Encoded items, in order. At least one. */
  readonly items: readonly Uint8Array[]
}

/** Heads of a page and of the items in it. */
const PAGE_OVERHEAD_BYTES = 128
const ITEM_OVERHEAD_BYTES = 5
/** An item that fills a page alone. */
export const MAX_PAGE_ITEM_BYTES: number =
  MAX_LARGE_OBJECT_BYTES - PAGE_OVERHEAD_BYTES - ITEM_OVERHEAD_BYTES
/** Items of one byte: no page has room for more. */
const MAX_PAGE_ITEMS: number = MAX_LARGE_OBJECT_BYTES / 2

export const Page: ObjectCodec<Page> = object<Page>(
  'page',
  { root: b32, first: uint, items: list(bytesUpTo(MAX_PAGE_ITEM_BYTES), MAX_PAGE_ITEMS) },
  {
    maxBytes: MAX_LARGE_OBJECT_BYTES,
    check: ({ items }) => {
      if (items.length === 0) throw new DecodeError('an empty page')
    },
  },
)

/** What of an item is hashed: a canonical item, such as the hash of a certificate. */
export type LeafOf = (item: Uint8Array) => unknown

/** Root of a list that is fetched in pages: Merkle, as of `MerkleRoot` (03 §1.2). */
export function listRoot(leaves: Iterable<unknown>): Uint8Array {
  const tree = new MerkleRoot(objectTags.listLeaf, objectTags.listNode)
  for (const leaf of leaves) tree.add(leaf)
  return tree.root()
}

/** The pages of a list, each as full as it goes. Throws `DecodeError` for an item that no page holds. */
export function* pagesOf(root: Uint8Array, items: Iterable<Uint8Array>): Generator<Page> {
  let first = 0
  let page: Uint8Array[] = []
  let bytes = PAGE_OVERHEAD_BYTES
  for (const item of items) {
    if (item.length > MAX_PAGE_ITEM_BYTES) throw new DecodeError('an item is larger than a page')
    const more = item.length + ITEM_OVERHEAD_BYTES
    if (bytes + more > MAX_LARGE_OBJECT_BYTES) {
      yield { root, first, items: page }
      first += page.length
      page = []
      bytes = PAGE_OVERHEAD_BYTES
    }
    page.push(item)
    bytes += more
  }
  if (page.length > 0) yield { root, first, items: page }
}

/**
 * Takes the pages of one list in order and checks them against its count and root, which a signature
 * covers. What it returns of a page is not yet checked: only `end` says that all of it was right.
 */
export class PagedList {
  readonly #count: number
  readonly #root: Uint8Array
  readonly #leafOf: LeafOf
  readonly #tree = new MerkleRoot(objectTags.listLeaf, objectTags.listNode)

  constructor(count: number, root: Uint8Array, leafOf: LeafOf) {
    this.#count = count
    this.#root = root
    this.#leafOf = leafOf
  }

  /** The place that the next page starts at; equal to the count when there is none. */
  get next(): number {
    return this.#tree.count
  }

  /** Throws `DecodeError` for a page of another list, out of order, or with too many items. */
  add({ root, first, items }: Page): readonly Uint8Array[] {
    if (!sameBytes(root, this.#root)) throw new DecodeError('a page of another list')
    if (first !== this.next) throw new DecodeError(`page ${first}, where ${this.next} is next`)
    if (first + items.length > this.#count) throw new DecodeError('more items than were named')
    for (const item of items) this.#tree.add(this.#leafOf(item))
    return items
  }

  /** Throws `DecodeError` unless exactly the named list has come. */
  end(): void {
    if (this.next !== this.#count) throw new DecodeError('items are missing')
    if (!sameBytes(this.#tree.root(), this.#root))
      throw new DecodeError('not the list of this root')
  }
}
