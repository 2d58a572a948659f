import { parse } from 'smol-toml'
import { z } from 'zod'

/** What one run measures; the content of a file in `bench/scenarios`. */
export interface Scenario {
  readonly nodes: number
  readonly threshold: number
  readonly kernel: 'default' | 'wasm' | 'reference'
  /** Absent: loopback. */
  readonly link?: Link | undefined
  /** What making ahead may cost and keep; absent: as guests are without settings. */
  readonly guest?: GuestTable | undefined
  readonly stages: readonly Stage[]
}

/** Of `[guest]` in node.toml. */
export interface GuestTable {
  readonly correlations?: { readonly low: number; readonly high: number } | undefined
  readonly background?: { readonly cpuPercent: number; readonly mbitPerSecond: number } | undefined
}

/** Every node in a network namespace of its own; all numbers are of one direction of one node's link to the hub. */
export interface Link {
  /** From node to node, one way, is twice this. */
  readonly delayMs: number
  readonly jitterMs: number
  /** Share of packets lost, 0 to 1. */
  readonly loss: number
  /** 0: no limit. */
  readonly mbit: number
}

/** `sequential`: one request after another. `rate`: open loop, requests leave on schedule. */
export type Stage =
  | {
      readonly kind: 'sequential'
      readonly form: Form
      readonly runs: number
      /** Between two requests: time in which a pool is refilled. */
      readonly pauseMs: number
    }
  | {
      readonly kind: 'rate'
      readonly form: Form
      readonly perSecond: number
      readonly minutes: number
      readonly accounts: number
    }

/** The best form that guests may use: `b` makes no presignatures, `a` no correlations either. */
export type Form = 'a' | 'b' | 'c'

const MAX_MINUTES = 120 // a soak; longer ones are several runs
const form = z.enum(['a', 'b', 'c'])

const File = z.strictObject({
  nodes: z.int().min(3).max(16).default(5),
  threshold: z.int().min(2).max(16).default(3),
  kernel: z.enum(['default', 'wasm', 'reference']).default('default'),
  link: z
    .strictObject({
      delayMs: z.number().min(0).max(1000),
      jitterMs: z.number().min(0).max(500).default(0),
      loss: z.number().min(0).max(0.5).default(0),
      mbit: z.number().min(0).max(10_000).default(0),
    })
    .optional(),
  guest: z
    .strictObject({
      correlations: z.strictObject({ low: z.int().min(0), high: z.int().min(0) }).optional(),
      background: z
        .strictObject({ cpuPercent: z.int().min(1), mbitPerSecond: z.int().min(1) })
        .optional(),
    })
    .optional(),
  stages: z
    .array(
      z.discriminatedUnion('kind', [
        z.strictObject({
          kind: z.literal('sequential'),
          form,
          runs: z.int().min(1).max(10_000).default(40),
          pauseMs: z.int().min(0).max(10_000).default(200),
        }),
        z.strictObject({
          kind: z.literal('rate'),
          form,
          perSecond: z.number().min(0.1).max(1000),
          minutes: z.number().min(0.05).max(MAX_MINUTES).default(1),
          accounts: z.int().min(1).max(500).default(100),
        }),
      ]),
    )
    .min(1)
    .max(16),
})

/** The text of a scenario file. Throws an `Error` that says what is wrong with it. */
export function parseScenario(text: string): Scenario {
  const parsed = File.safeParse(parse(text))
  if (parsed.success) return parsed.data
  const problems = parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`)
  throw new Error(`not a scenario: ${problems.join('; ')}`)
}

/** `[guest]` of node.toml that holds a network to a form: 0 switches a pool off. */
export function guestTable(best: Form, guest: GuestTable = {}): Record<string, unknown> {
  return {
    ...(guest.background && { background: guest.background }),
    ...(guest.correlations && { correlations: guest.correlations }),
    ...(best === 'c' ? {} : { presignatures: { keep: 0 } }),
    ...(best === 'a' ? { correlations: { low: 0, high: 0 } } : {}),
  }
}

/** The floor of 10 §5.2 for a client beside its node (c = 0), d from node to node; (a) has no bytes counted. */
export const floorMs = (best: Form, { delayMs }: Link): number =>
  2 * delayMs * { a: 5, b: 4, c: 2 }[best]
