import type { Quantiles } from './quantiles.ts'

/** Samples of one scrape, by name with labels as they are written. */
export type Scrape = ReadonlyMap<string, number>

/** Reads the text format of Prometheus; lines that are no samples are left out. */
export function parseMetrics(text: string): Scrape {
  const samples = new Map<string, number>()
  for (const line of text.split('\n')) {
    const [, name, value] = /^([a-zA-Z_][\w:]*(?:\{.*\})?) (\S+)/.exec(line) ?? []
    if (name !== undefined) samples.set(name, Number(value))
  }
  return samples
}

/** The sum of all samples of a metric whose labels contain each of `labels`. */
export function total(scrape: Scrape, metric: string, ...labels: string[]): number {
  let sum = 0
  for (const [name, value] of scrape)
    if (name.replace(/\{.*/, '') === metric && labels.every((label) => name.includes(label)))
      sum += value
  return sum
}

export interface PhaseRow {
  readonly phase: string
  /** Of the requests that had the phase. */
  readonly count: number
  /** Mean over all requests. */
  readonly meanMs: number
}

export interface Phases {
  readonly rows: readonly PhaseRow[]
  /** Requests that were timed. */
  readonly count: number
  /** Mean from the gateway's first byte to its last. */
  readonly wholeMs: number
  /** What the phases explain of it, 0 to 1. */
  readonly explained: number
  /** Signatures by form, told by the rounds that they had. */
  readonly forms: { readonly a: number; readonly b: number; readonly c: number }
}

const PHASE = 'holdfast_request_phase_seconds'
const WHOLE = 'holdfast_request_seconds'

/** What requests spent between two scrapes of the entry node, phase by phase (10 §6.4). */
export function phasesBetween(before: Scrape, after: Scrape, phases: readonly string[]): Phases {
  const of = (metric: string, ...labels: string[]): number =>
    total(after, metric, ...labels) - total(before, metric, ...labels)
  const count = of(`${WHOLE}_count`)
  const each = Math.max(1, count)
  const rows = phases.map((phase) => ({
    phase,
    count: of(`${PHASE}_count`, `phase="${phase}"`),
    meanMs: (of(`${PHASE}_sum`, `phase="${phase}"`) * 1000) / each,
  }))
  const wholeMs = (of(`${WHOLE}_sum`) * 1000) / each
  const sum = rows.reduce((all, { meanMs }) => all + meanMs, 0)
  const times = (phase: string): number => rows.find((row) => row.phase === phase)?.count ?? 0
  const full = times('r1b')
  const interactive = Math.max(full, times('r2'))
  return {
    rows,
    count,
    wholeMs,
    explained: wholeMs === 0 ? 0 : sum / wholeMs,
    forms: { a: full, b: interactive - full, c: count - interactive },
  }
}

/** One line per phase that took time. */
export const phaseTable = ({ rows, count, wholeMs, explained, forms }: Phases): string[] => [
  '| phase | mean ms | requests |',
  '|---|---|---|',
  ...rows
    .filter(({ count: had }) => had > 0)
    .map(({ phase, meanMs, count: had }) => `| ${phase} | ${meanMs.toFixed(2)} | ${had} |`),
  `| gateway to last byte | ${wholeMs.toFixed(2)} | ${count} |`,
  '',
  `The phases explain ${(explained * 100).toFixed(1)} % of it. Forms used: (a) ${forms.a}, (b) ${forms.b}, (c) ${forms.c}.`,
]

export const latency = ({ p50, p90, p99, max, count }: Quantiles): string =>
  `p50 ${p50} ms, p90 ${p90}, p99 ${p99}, max ${max} (${count})`
