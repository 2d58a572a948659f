import * as z from 'zod'

const INDEX = z.int().min(1).max(0xffff)
const MAX_PARTIES = 16 // 03 §1.2

/** Where a node's guest stands: `genesis` waits for epoch 0, `joining` is in no committee yet, `asking` asks what it missed. */
export type NodeStanding = 'genesis' | 'joining' | 'asking' | 'member' | 'stopped' | 'left'

/** Result of `getStatus`: what a node says about itself. Nothing in it is proved. */
export interface NodeStatus {
  /** Party index; 0 for a node that is no member. */
  readonly index: number
  readonly peerId: string
  readonly label: string
  readonly version: string
  readonly members: number
  readonly threshold: number
  /** The epoch that serves, and the attempt that made it; null before epoch 0. */
  readonly epoch: { readonly e: number; readonly k: number } | null
  readonly standing: NodeStanding
  /** What its guest computes with; `reference` only on development networks that ask for it (02 §14). */
  readonly kernel: 'wasm' | 'reference'
  readonly guest: {
    readonly alive: boolean
    readonly ready: boolean
    readonly pairs: readonly { readonly party: number; readonly state: string }[]
    readonly bans: readonly (readonly [number, number])[]
    readonly keys: { readonly active: number; readonly pending: number; readonly ready: number }
    /** What was made ahead (02 §4, §6.3): presignatures it may name, and correlations with each member. */
    readonly presignatures: number
    readonly correlations: readonly { readonly party: number; readonly ready: number }[]
    /** Secrets in the guest's kernel. */
    readonly held: number
  }
  readonly links: readonly {
    readonly party: number
    readonly up: boolean
    readonly suspect: boolean
    readonly rttMs: number | null
  }[]
}

export const NODE_STATUS: z.ZodType<NodeStatus> = z.strictObject({
  index: z.int().min(0).max(0xffff),
  peerId: z.string().max(128),
  label: z.string().max(64),
  version: z.string().max(64),
  members: z.int().min(1).max(MAX_PARTIES),
  threshold: z.int().min(1).max(MAX_PARTIES),
  epoch: z
    .strictObject({ e: z.int().min(0).max(0xffff), k: z.int().min(1).max(0xffff) })
    .nullable(),
  standing: z.enum(['genesis', 'joining', 'asking', 'member', 'stopped', 'left']),
  kernel: z.enum(['wasm', 'reference']),
  guest: z.strictObject({
    alive: z.boolean(),
    ready: z.boolean(),
    pairs: z.array(z.strictObject({ party: INDEX, state: z.string().max(32) })).max(MAX_PARTIES),
    bans: z.array(z.tuple([INDEX, INDEX])).max((MAX_PARTIES * (MAX_PARTIES - 1)) / 2),
    keys: z.strictObject({
      active: z.int().nonnegative(),
      pending: z.int().nonnegative(),
      ready: z.int().nonnegative(),
    }),
    presignatures: z.int().nonnegative(),
    correlations: z
      .array(z.strictObject({ party: INDEX, ready: z.int().nonnegative() }))
      .max(MAX_PARTIES),
    held: z.int().nonnegative(),
  }),
  links: z
    .array(
      z.strictObject({
        party: INDEX,
        up: z.boolean(),
        suspect: z.boolean(),
        rttMs: z.number().nonnegative().nullable(),
      }),
    )
    .max(MAX_PARTIES),
})
