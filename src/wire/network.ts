import * as z from 'zod'

const MAX_NODES = 64 // arrays of the data model (05 §1)
const MAX_ADDRESSES = 16
const BYTES32_CHARS = 43 // base64url without padding
/** Of refreshes once a week a key that lay ready for two months is still certified by one of them. */
export const MAX_RECORDS_BEFORE = 8
const BYTES33_CHARS = 44
const MAX_LARGE_CHARS = 87_382 // 64 KiB in base64url (03 §1.1)

/** Where a node may be found; a hint, no truth. */
export interface NodeHint {
  readonly peerId: string
  readonly https?: string | undefined
  readonly multiaddrs: readonly string[]
}

/** The committee as it is published (03 §3.1), in base64url: at most 64 KiB each. */
export interface ShownCommittee {
  /** Object `published`: certificate with its record, rootSig, stamp. */
  readonly published: string
  /** epochCert of epoch 0, for those who know no root key; null where `published` has it, or the node does not. */
  readonly first: string | null
  /** Records before the published one, newest first: keys that were made in their epochs are certified by their members. */
  readonly before: readonly string[]
}

/** Result of `getNetwork`: the manifest (05 §1.1) and the genesis whose hash is the network id. Bytes are base64url. */
export interface NetworkManifest {
  readonly v: 1
  readonly networkId: string
  readonly name: string
  readonly environment: 'development' | 'production'
  /** Compressed key of the committee, 33 bytes; null until it has one, and then `committee` is null too. */
  readonly rootKey: string | null
  readonly nodes: readonly NodeHint[]
  readonly minLevel: 'process' | 'boot-bound' | 'tee'
  /** Seconds. */
  readonly maxSkew: number
  readonly maxTtl: number
  readonly genesis: string
  readonly committee: ShownCommittee | null
}

export const NETWORK_MANIFEST: z.ZodType<NetworkManifest> = z.strictObject({
  v: z.literal(1),
  networkId: z.string().length(BYTES32_CHARS),
  name: z.string().max(128),
  environment: z.enum(['development', 'production']),
  rootKey: z.string().length(BYTES33_CHARS).nullable(),
  nodes: z
    .array(
      z.strictObject({
        peerId: z.string().max(128),
        https: z.string().max(256).optional(),
        multiaddrs: z.array(z.string().max(256)).max(MAX_ADDRESSES),
      }),
    )
    .max(MAX_NODES),
  minLevel: z.enum(['process', 'boot-bound', 'tee']),
  maxSkew: z.int().nonnegative(),
  maxTtl: z.int().positive(),
  genesis: z.string().max(MAX_LARGE_CHARS),
  committee: z
    .strictObject({
      published: z.string().max(MAX_LARGE_CHARS),
      first: z.string().max(MAX_LARGE_CHARS).nullable(),
      before: z.array(z.string().max(MAX_LARGE_CHARS)).max(MAX_RECORDS_BEFORE),
    })
    .nullable(),
})
