import {
  doneReply,
  getReply,
  PORT_TYPES,
  type StoreAsk,
  scanReply,
  storeAsk,
} from '../../port/messages.ts'
import type { Port } from '../../port/port.ts'
import type { SealedStore } from './sealed-store.ts'

const STORE_TIMEOUT_MS = 30_000 // a synced write on a busy disk; after that the host is as good as gone

/** The store of the host, over the port. Throws `PortError`; bytes that do not decode throw `DecodeError`. */
export function portStore(port: Port): SealedStore {
  const ask = (question: StoreAsk): Promise<Uint8Array> =>
    port.request(PORT_TYPES.store, storeAsk.encode(question), AbortSignal.timeout(STORE_TIMEOUT_MS))
  return {
    async get(name) {
      return getReply.decode(await ask({ op: 'get', name })).record ?? undefined
    },
    async batch({ puts, deletes }) {
      doneReply.decode(await ask({ op: 'batch', puts, deletes }))
    },
    async scan(prefix, after) {
      return scanReply.decode(await ask({ op: 'scan', prefix, after }))
    },
  }
}
