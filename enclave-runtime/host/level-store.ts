import { Level } from 'level'
import {
  type Batch,
  MAX_PAGE_BYTES,
  MAX_PAGE_ROWS,
  type Page,
  type RecordSnapshot,
  type RecordStore,
  type Row,
  StoreError,
} from './record-store.ts'

type Database = Level<string, Uint8Array>
/** Where a scan begins, and in which state of the records. */
type From = ({ readonly gt: string } | { readonly gte: string }) & {
  readonly snapshot?: ReturnType<Database['snapshot']>
}

const RECORD_NAME = /^(n|e\/[0-9a-f]{8,16})\/[a-z]\/[a-z0-9]{4,32}$/ // 04 §6

/**
 * Opens the LevelDB folder `path`, making it when `create` says so. Throws `StoreError`: STORE_IN_USE when another
 * process holds it, STORE_FOREIGN when other programs' data lies in it, STORE_FAILED when it cannot be opened.
 */
export async function openLevelStore(
  path: string,
  { create = true }: { create?: boolean } = {},
): Promise<RecordStore> {
  const database: Database = new Level(path, {
    keyEncoding: 'utf8',
    valueEncoding: 'view',
    createIfMissing: create,
  })
  try {
    await database.open()
  } catch (cause) {
    throw openError(path, cause)
  }
  for (const reverse of [false, true])
    for await (const name of database.keys({ limit: 1, reverse }))
      if (!RECORD_NAME.test(name)) {
        await database.close()
        throw new StoreError(
          'STORE_FOREIGN',
          `${path} holds a LevelDB that is not a node's records`,
        )
      }
  return new LevelRecordStore(database)
}

class LevelRecordStore implements RecordStore {
  readonly #database: Database

  constructor(database: Database) {
    this.#database = database
  }

  async get(name: string): Promise<Uint8Array | undefined> {
    const record = await this.#do(() => this.#database.get(name))
    return record && plain(record)
  }

  async batch({ puts, deletes }: Batch): Promise<void> {
    const operations = [
      ...deletes.map((key) => ({ type: 'del', key }) as const),
      ...puts.map(([key, value]) => ({ type: 'put', key, value: plain(value) }) as const),
    ]
    await this.#do(() => this.#database.batch(operations, { sync: true }))
  }

  scan(prefix: string, after: string): Promise<Page> {
    const from = after > prefix ? { gt: after } : { gte: prefix }
    return this.#page(from, prefix)
  }

  snapshot(): RecordSnapshot {
    const snapshot = this.#database.snapshot()
    return {
      scan: (after) => this.#page({ gt: after, snapshot }, ''),
      close: () => snapshot.close(),
    }
  }

  #page(from: From, prefix: string): Promise<Page> {
    return this.#do(async () => {
      const rows: Row[] = []
      let size = 0
      for await (const [name, record] of this.#database.iterator(from)) {
        if (!name.startsWith(prefix)) break
        size += record.length
        if (rows.length === MAX_PAGE_ROWS || (rows.length > 0 && size > MAX_PAGE_BYTES))
          return { rows, more: true }
        rows.push([name, plain(record)])
      }
      return { rows, more: false }
    })
  }

  async close(): Promise<void> {
    await this.#database.close()
  }

  async #do<T>(run: () => Promise<T>): Promise<T> {
    try {
      return await run()
    } catch (cause) {
      throw new StoreError('STORE_FAILED', 'the record store failed', { cause })
    }
  }
}

/** Bytes of our own: neither a pooled buffer nor the caller's. */
const plain = (bytes: Uint8Array): Uint8Array => new Uint8Array(bytes)

function openError(path: string, cause: unknown): StoreError {
  for (let error = cause; error instanceof Error; error = error.cause)
    if ('code' in error && error.code === 'LEVEL_LOCKED')
      return new StoreError(
        'STORE_IN_USE',
        `the records in ${path} are in use by another process; stop the other node first`,
        { cause },
      )
  return new StoreError('STORE_FAILED', `the records in ${path} cannot be opened as a LevelDB`, {
    cause,
  })
}
