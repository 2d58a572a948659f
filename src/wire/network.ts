import * as z from 'zod'

const MAX_NODES = 64 // arrays of the data model (05 §1)
const MAX_ADDRESSES = 16
const BYTES32_CHARS = 43 // base64url without padding
const MAX_GENESIS_CHARS = 87_382 // 64 KiB in base64url

/** Where a node may be found; a hint, no truth. */
export interface NodeHint {
  readonly peerId: string
  readonly https?: string | undefined
  readonly multiaddrs: readonly string[]
}

/** Result of `getNetwork`: the manifest (05 §1.1) and the genesis whose hash is the network id. Bytes are base64url. */
export interface NetworkManifest {
  readonly v: 1
  readonly networkId: string
  readonly name: string
  readonly environment: 'development' | 'production'
  /** Null until the committee has a root key. */
  readonly rootKey: string | null
  readonly nodes: readonly NodeHint[]
  readonly minLevel: 'process' | 'boot-bound' | 'tee'
  /** Seconds. */
  readonly maxSkew: number
  readonly maxTtl: number
  readonly genesis: string
}

export const NETWORK_MANIFEST: z.ZodType<NetworkManifest> = z.strictObject({
  v: z.literal(1),
  networkId: z.string().length(BYTES32_CHARS),
  name: z.string().max(128),
  environment: z.enum(['development', 'production']),
  rootKey: z.string().max(64).nullable(),
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
  genesis: z.string().max(MAX_GENESIS_CHARS),
})
