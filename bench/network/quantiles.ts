import { round } from '../measure.ts'

export interface Quantiles {
  readonly count: number
  readonly min: number
  readonly p50: number
  readonly p90: number
  readonly p99: number
  readonly max: number
}

/** Of values in any order, by nearest rank: the least value that so large a share does not exceed. */
export function quantiles(values: readonly number[]): Quantiles {
  const sorted = values.toSorted((a, b) => a - b)
  const at = (share: number): number =>
    round(sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN)
  return { count: sorted.length, min: at(0), p50: at(0.5), p90: at(0.9), p99: at(0.99), max: at(1) }
}

const BOUNDS_MS = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000] // 10 §6.4

/** How many values are at most each bound and above the one before; the last are above all bounds. */
export function histogram(
  values: readonly number[],
): { readonly upTo: number; readonly count: number }[] {
  return [...BOUNDS_MS, Number.POSITIVE_INFINITY].map((upTo, i, bounds) => {
    const above = bounds[i - 1] ?? Number.NEGATIVE_INFINITY
    return { upTo, count: values.filter((value) => value > above && value <= upTo).length }
  })
}

/** Least-squares slope of y over x; 0 where there is no spread in x. */
export function slope(points: readonly (readonly [x: number, y: number])[]): number {
  const mean = (values: readonly number[]): number =>
    values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length)
  const mx = mean(points.map(([x]) => x))
  const my = mean(points.map(([, y]) => y))
  const spread = points.reduce((sum, [x]) => sum + (x - mx) ** 2, 0)
  return spread === 0 ? 0 : points.reduce((sum, [x, y]) => sum + (x - mx) * (y - my), 0) / spread
}
