import type { LevelDatastore } from 'datastore-level'
import { fromString } from 'uint8arrays/from-string'
import { toString as textOf } from 'uint8arrays/to-string'
import type { HighMarks } from './record-memory.ts'

const PREFIX = '/holdfast/dht-high' // beside libp2p's own keys, none of which begins so
const END = '/holdfast/dht-high0' // '0' follows '/'

/** Highest orders beside libp2p's records; without a store, for the life of the process (07 §3.3). */
export function highMarks(store: LevelDatastore | undefined): HighMarks {
  if (store === undefined) return { load: async () => new Map(), save: async () => {} }
  return {
    load: async () => {
      const marks = new Map<string, number>()
      for await (const [key, value] of store.db.iterator({ gt: `${PREFIX}/`, lt: END })) {
        const seq = Number(textOf(value))
        if (Number.isSafeInteger(seq)) marks.set(key.slice(PREFIX.length), seq)
      }
      return marks
    },
    save: (key, seq) => store.db.put(`${PREFIX}${key}`, fromString(String(seq))),
  }
}
