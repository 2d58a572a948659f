/** How measurements are taken and when one is void (spec 10 §6.1). */

export interface Spread {
  readonly min: number
  readonly median: number
}

/** One measured run: wall and processor milliseconds of all parties together, and bytes sent in all. */
export interface Run {
  readonly ms: number
  readonly cpuMs: number
  readonly bytes: number
  readonly messages: number
}

/** A median this far above the minimum means that something else used the processor. */
const NOISE = 1.25
/** Wall and processor time of one thread may differ by this much. */
const IDLE = 0.1

export const round = (value: number): number => Math.round(value * 1000) / 1000

export function spread(values: readonly number[]): Spread {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  const upper = sorted[middle] ?? Number.NaN
  const median = sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2
  return { min: round(sorted[0] ?? Number.NaN), median: round(median) }
}

/** Times one piece of work of one thread. */
export async function timed<T>(
  work: () => Promise<T>,
): Promise<{ result: T; ms: number; cpuMs: number }> {
  const cpuBefore = process.cpuUsage()
  const began = performance.now()
  const result = await work()
  const ms = performance.now() - began
  const cpu = process.cpuUsage(cpuBefore)
  return { result, ms, cpuMs: (cpu.user + cpu.system) / 1000 }
}

/** Why these runs prove nothing, or `undefined` when they do (spec 10 §6.1, rule 7). */
export function voidReason(runs: readonly Run[]): string | undefined {
  const wall = spread(runs.map(({ ms }) => ms))
  if (wall.median > NOISE * wall.min) return 'the median exceeds 1.25 times the minimum'
  const cpu = spread(runs.map(({ cpuMs }) => cpuMs))
  if (cpu.median < (1 - IDLE) * wall.median) return 'the thread waited for a processor'
  return undefined
}

/** Repeats `work`: `warmup` unmeasured runs, then `runs` measured ones. */
export async function repeat(
  { runs, warmup }: { runs: number; warmup: number },
  work: () => Promise<Run>,
): Promise<Run[]> {
  for (let i = 0; i < warmup; i++) await work()
  const measured: Run[] = []
  for (let i = 0; i < runs; i++) measured.push(await work())
  return measured
}
