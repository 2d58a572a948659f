import { createPublicKey, type KeyObject, verify } from 'node:crypto'
import { BoundedMap } from '../bounded-map.ts'

const SPKI_HEAD: Buffer = Buffer.from('302a300506032b6570032100', 'hex') // RFC 8410, before the 32 bytes
const MAX_KEYS = 64 // a committee, and the one before it

const keys = new BoundedMap<KeyObject>(MAX_KEYS)

/**
 * Whether this guest key signed the message. Votes are judged by guests alone, all with this code, a dozen of them
 * for each new account: OpenSSL takes a tenth of the time. Clients judge K4, so that is judged as they do.
 */
export function isSignedBy(id: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  let key = keys.get(id)
  if (key === undefined) {
    const der = Buffer.concat([SPKI_HEAD, id])
    key = createPublicKey({ key: der, format: 'der', type: 'spki' })
    keys.set(id, key)
  }
  return verify(null, message, key, signature)
}
