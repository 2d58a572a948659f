import { toString as hexOf } from 'uint8arrays/to-string'
import { verifyNodeRecord } from '../../../protocols/agreement/node-record.ts'
import { DecodeError } from '../../../protocols/session/codec.ts'

const bytesToHex = (bytes: Uint8Array): string => hexOf(bytes, 'base16')

/** What this node reads from a valid `/hf-node` record. */
export interface NodeRecordFacts {
  readonly guestSig: Uint8Array
  readonly seq: number
  readonly expiresAt: number
  /** Whether the guest that signed it takes part in the committee. */
  readonly member: boolean
  readonly peerId: string
  readonly multiaddrs: readonly string[]
}

/** Pure check of a record: form, canonical, key matches content, times, signature (07 §3.2). */
export type VerifyNodeRecord = (
  key: string,
  bytes: Uint8Array,
  now: number,
) => NodeRecordFacts | { readonly reason: string }

/** What the guest is asked to sign; it adds its own key. */
export interface NodeRecordFields {
  readonly peerId: string
  readonly multiaddrs: readonly string[]
  readonly gateway: string | null
  readonly seq: number
  readonly expiresAt: number
}

/** Resolves to the record `[object bytes, signature]`. */
export type SignNodeRecord = (fields: NodeRecordFields, signal: AbortSignal) => Promise<Uint8Array>

const KEY = /^\/hf-node\/([0-9a-f]{64})$/

export const nodeRecordKey = (guestSig: Uint8Array): string => `/hf-node/${bytesToHex(guestSig)}`

/** The check for one network; `isKnown`: whether a guest takes part in its committee now. */
export function nodeRecordVerifier(
  networkId: Uint8Array,
  isKnown: (guestSig: Uint8Array) => boolean,
): VerifyNodeRecord {
  return (key, bytes, now) => {
    const [, named] = KEY.exec(key) ?? []
    if (named === undefined) return { reason: 'key' }
    try {
      const record = verifyNodeRecord(bytes, networkId, now)
      if (bytesToHex(record.guestSig) !== named) return { reason: 'key' }
      const { guestSig, seq, expiresAt, peerId, multiaddrs } = record
      return { guestSig, seq, expiresAt, peerId, multiaddrs, member: isKnown(guestSig) }
    } catch (error) {
      if (error instanceof DecodeError) return { reason: 'invalid' }
      throw error
    }
  }
}
