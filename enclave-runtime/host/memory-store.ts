import {
  type Batch,
  MAX_PAGE_BYTES,
  MAX_PAGE_ROWS,
  type Page,
  type RecordSnapshot,
  type RecordStore,
  type Row,
} from './record-store.ts'

/** For tests and simulations. The LevelDB store passes the same conformance suite. */
export class MemoryRecordStore implements RecordStore {
  readonly #records = new Map<string, Uint8Array>()

  async get(name: string): Promise<Uint8Array | undefined> {
    return this.#records.get(name)?.slice()
  }

  async batch({ puts, deletes }: Batch): Promise<void> {
    for (const name of deletes) this.#records.delete(name)
    for (const [name, record] of puts) this.#records.set(name, record.slice())
  }

  async scan(prefix: string, after: string): Promise<Page> {
    return pageOf(this.#records, prefix, after)
  }

  snapshot(): RecordSnapshot {
    const records = new Map([...this.#records].map(([name, record]) => [name, record.slice()]))
    return { scan: async (after) => pageOf(records, '', after), close: async () => undefined }
  }

  async close(): Promise<void> {}
}

function pageOf(records: ReadonlyMap<string, Uint8Array>, prefix: string, after: string): Page {
  const names = [...records.keys()].filter((name) => name.startsWith(prefix) && name > after).sort()
  const rows: Row[] = []
  let size = 0
  for (const name of names) {
    const record = records.get(name)?.slice() ?? new Uint8Array()
    size += record.length
    if (rows.length === MAX_PAGE_ROWS || (rows.length > 0 && size > MAX_PAGE_BYTES))
      return { rows, more: true }
    rows.push([name, record])
  }
  return { rows, more: false }
}
