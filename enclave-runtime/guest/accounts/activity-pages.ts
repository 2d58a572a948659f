import {
  bytesField,
  listField,
  objectFields,
  uintField,
} from '../../../protocols/agreement/fields.ts'
import { decodeCanonical, encodeCanonical } from '../../../protocols/session/canonical-cbor.ts'
import type { Records } from '../records.ts'
import { VaultError } from '../vault/vault-error.ts'

/** Written anew with each of its entries, so small; and one page is one step of pruning. */
const ENTRIES = 64
const ENTRY_BYTES = 32 // account and nonce
const MAX_PAGE_BYTES = 4 * 1024
const MAX_RANGE_BYTES = 64
const RANGE = 'activities'

interface Page {
  readonly places: readonly Uint8Array[]
  /** The last expiry of its requests, unix seconds. */
  readonly exp: number
}

/** Records to write with something else; null deletes. */
export interface Rows {
  readonly bulk: readonly (readonly [string, Uint8Array | null])[]
  readonly critical: readonly (readonly [string, Uint8Array | null])[]
}

/**
 * Which activity records there are, in order of time: a store cannot list what it cannot read. Pages are
 * bulk records with running numbers; their range is a critical one. Every start begins a new page.
 */
export class ActivityPages {
  readonly #records: Pick<Records, 'critical' | 'bulk'>
  #first: number
  #next: number
  #open: Page = { places: [], exp: 0 }
  #isOpen = false

  constructor(records: Pick<Records, 'critical' | 'bulk'>) {
    this.#records = records
    const range = records.critical(RANGE)
    const [first, next] = range === undefined ? [0, 0] : decodeRange(range)
    this.#first = first
    this.#next = next
  }

  /** Lists a record; the rows are for the batch that writes it, in the same turn. */
  add(place: Uint8Array, exp: number): Rows {
    const fresh = !this.#isOpen || this.#open.places.length >= ENTRIES
    if (fresh) {
      this.#open = { places: [], exp: 0 }
      this.#isOpen = true
      this.#next += 1
    }
    this.#open = {
      places: [...this.#open.places, place],
      exp: Math.max(this.#open.exp, exp),
    }
    return {
      bulk: [[pageName(this.#next - 1), encodePage(this.#open)]],
      critical: fresh ? [this.#range()] : [],
    }
  }

  /** The oldest page that gets no more entries; 'lost' when the store has none there that opens. */
  async oldest(): Promise<Page | 'lost' | undefined> {
    if (this.#first >= this.#next - (this.#isOpen ? 1 : 0)) return undefined
    try {
      const record = await this.#records.bulk(pageName(this.#first))
      return record === undefined ? 'lost' : decodePage(record)
    } catch (error) {
      if (error instanceof VaultError && error.code === 'RECORD_CORRUPT') return 'lost'
      throw error
    }
  }

  /** Forgets the oldest page; the rows are for a batch written in the same turn. */
  drop(): Rows {
    const name = pageName(this.#first)
    this.#first += 1
    return { bulk: [[name, null]], critical: [this.#range()] }
  }

  #range(): readonly [string, Uint8Array] {
    return [RANGE, encodeCanonical(['activities', 1, this.#first, this.#next])]
  }
}

function decodeRange(bytes: Uint8Array): [first: number, next: number] {
  const [first, next] = objectFields(decodeCanonical(bytes, MAX_RANGE_BYTES), 'activities', 2)
  return [uintField(first, 'first'), uintField(next, 'next')]
}

const encodePage = ({ places, exp }: Page): Uint8Array =>
  encodeCanonical(['activity page', 1, exp, places])

function decodePage(bytes: Uint8Array): Page {
  const fields = objectFields(decodeCanonical(bytes, MAX_PAGE_BYTES), 'activity page', 2)
  const [exp, places] = fields
  return {
    exp: uintField(exp, 'exp'),
    places: listField(places, 'places', ENTRIES).map((place) =>
      bytesField(place, 'place', ENTRY_BYTES),
    ),
  }
}

const pageName = (number: number): string => `activity-page/${number}`
