import type { KadDHT, QueryEvent } from '@libp2p/kad-dht'
import type { Log } from '../log.ts'
import { type Directory, DirectoryError, type SignedRecord } from './directory.ts'
import { keyBytes, type RecordKeeper, RecordRefused } from './record-memory.ts'

const QUERY_MS = 10_000 // a query waits for a first peer in the table, for ever if one lets it

export interface DhtDirectoryInit {
  readonly dht: KadDHT
  readonly memory: RecordKeeper
  readonly log: Log
}

/** Peers in kad-dht's routing table; its interface does not name the table. */
export function tableSize(dht: KadDHT): number {
  const table: unknown = 'routingTable' in dht ? dht.routingTable : undefined
  const size: unknown =
    typeof table === 'object' && table !== null && 'size' in table ? table.size : 0
  return typeof size === 'number' ? size : 0
}

/** Records in kad-dht, with everything checked here first and again on the way back (07 §3.4). */
export function dhtDirectory({ dht, memory, log }: DhtDirectoryInit): Directory {
  return {
    publish: async (record) => {
      await refuseOwn(memory, record) // kad-dht stores locally without asking the validator
      const known = tableSize(dht)
      const stored = new Set<string>()
      await collect(
        dht.put(keyBytes(record.key), record.bytes, { signal: AbortSignal.timeout(QUERY_MS) }),
        (event) => {
          if (event.name === 'PEER_RESPONSE' && event.messageName === 'PUT_VALUE')
            stored.add(event.from.toString())
          // `put` never throws when a server refuses; it may say both.
          if (event.name === 'QUERY_ERROR') stored.delete(event.from.toString())
        },
        log,
      )
      if (stored.size === 0 || stored.size < Math.ceil(known / 2))
        throw new DirectoryError('UNSTORED', `${stored.size} of ${known} servers took the record`)
      return stored.size
    },
    find: async (key, signal) => {
      const bounded = AbortSignal.any([signal, AbortSignal.timeout(QUERY_MS)])
      await collect(
        dht.get(keyBytes(key), { signal: bounded }),
        async (event) => {
          const bytes =
            event.name === 'VALUE'
              ? event.value
              : event.name === 'PEER_RESPONSE'
                ? event.record?.value
                : undefined
          if (bytes !== undefined) await remember(memory, { key, bytes: new Uint8Array(bytes) })
        },
        log,
      )
      return memory.best(key)?.record // never less than what was seen before
    },
  }
}

async function refuseOwn(memory: RecordKeeper, record: SignedRecord): Promise<void> {
  try {
    await memory.accept(record)
  } catch (cause) {
    if (!(cause instanceof RecordRefused)) throw cause
    throw new DirectoryError('REFUSED', cause.reason, { cause })
  }
}

async function remember(memory: RecordKeeper, record: SignedRecord): Promise<void> {
  try {
    await memory.accept(record)
  } catch (error) {
    if (!(error instanceof RecordRefused)) throw error // a bad answer was counted; others may be good
  }
}

/** Runs a query to its end or its deadline: what it gathered until then counts. */
async function collect(
  query: AsyncIterable<QueryEvent>,
  take: (event: QueryEvent) => void | Promise<void>,
  log: Log,
): Promise<void> {
  try {
    for await (const event of query) await take(event)
  } catch (error) {
    log.debug('dht-query-ended', { reason: error instanceof Error ? error.name : 'unknown' })
  }
}
