import { blake3 } from '@noble/hashes/blake3.js'
import { bytesToHex, concatBytes, utf8ToBytes } from '@noble/hashes/utils.js'
import { type RecordClass, u64be } from './sealed-record.ts'

/** Derivations of 04 §6, §7 and §9: BLAKE3 in derive-key mode, the context in the first argument. */
const derive = (context: string, ...fields: readonly Uint8Array[]): Uint8Array => {
  const input = concatBytes(...fields)
  const key = blake3(input, { context: utf8ToBytes(context) })
  input.fill(0)
  return key
}

/** K_root wraps K_node. */
export const rootKey = (device: Uint8Array, network: Uint8Array): Uint8Array =>
  derive('holdfast/1/seal/root', device, network)

/** K_name turns logical names into names in the store. */
export const nameKey = (node: Uint8Array): Uint8Array => derive('holdfast/1/seal/name', node)

/** K_wrap,e wraps K_e. */
export const wrapKey = (
  device: Uint8Array,
  secret: Uint8Array,
  network: Uint8Array,
  epoch: bigint,
): Uint8Array => derive('holdfast/1/seal/epoch', device, secret, network, u64be(epoch))

/** The two names that must be known before any key is. */
export const META_NAME = 'n/m/meta'
export const ROOT_NAME = 'n/r/root'
export const CRITICAL_PREFIX = 'n/c/'

/** Before the names of everything that lies under an epoch's key, that key included. */
export const epochPrefix = (epoch: bigint): string => `e/${epoch.toString(16).padStart(8, '0')}/`

/** A name as the host sees it: place, epoch, class, and 32 hex that say nothing. */
export function storeName(
  key: Uint8Array,
  recordClass: RecordClass,
  epoch: bigint | null,
  logical: string,
): string {
  const place = epoch === null ? 'n/' : epochPrefix(epoch)
  return `${place}${recordClass}/${bytesToHex(blake3(utf8ToBytes(logical), { key, dkLen: 16 }))}`
}
