import type { Outcome } from './open-loop.ts'

/** What the bench asks of the process that speaks for a namespace; one JSON text a line, answered in order. */
export type AgentAsk =
  | { readonly do: 'get'; readonly url: string }
  | { readonly do: 'status'; readonly rpc: string }
  | { readonly do: 'accounts'; readonly rpc: string; readonly count: number }
  | {
      readonly do: 'sequential'
      readonly rpc: string
      readonly runs: number
      readonly pauseMs: number
      /** Time lost on purpose in each request. */
      readonly plantedMs: number
    }
  | {
      readonly do: 'rate'
      readonly rpc: string
      readonly perSecond: number
      readonly seconds: number
    }

export interface AgentAnswers {
  readonly get: string
  readonly status: unknown
  /** Milliseconds that each account took. */
  readonly accounts: readonly number[]
  readonly sequential: readonly Outcome[]
  readonly rate: readonly Outcome[]
}

export type AgentReply = { readonly done: unknown } | { readonly failed: string }
