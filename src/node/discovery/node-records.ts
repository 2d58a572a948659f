/** What this node reads from a valid `/hf-node` record. */
export interface NodeRecordFacts {
  readonly seq: number
  readonly expiresAt: number
  /** Whether the guest that signed it is a member of the genesis. */
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
