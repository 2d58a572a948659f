import { quantiles } from '../../bench/network/quantiles.ts'
import { type Check, finalChecks } from './checks.ts'
import { type Asked, load, longestSilence } from './load.ts'
import { type ChaosClock, type PlayReport, play } from './play.ts'
import { schedule } from './schedule.ts'
import type { ChaosAccount, ChaosWorld } from './world.ts'

export interface ChaosPlan {
  readonly seed: number
  readonly minutes: number
  readonly perSecond: number
  readonly accounts: readonly ChaosAccount[]
}

export interface ChaosReport {
  readonly seed: number
  readonly play: PlayReport
  readonly asked: readonly Asked[]
  readonly checks: readonly Check[]
}

const SIZE = { least: 4, most: 7 } // below four no member may be missing; seven are as many as two cores bear
const REQUEST_MS = 30_000 // the deadline of any request (03 §9.1)
const SETTLE_MS = 300_000 // an attempt that runs has its deadline, then another one

/** One run: a schedule from the seed, under a load, and what must be true after it. */
export async function runChaos(
  { seed, minutes, perSecond, accounts }: ChaosPlan,
  world: ChaosWorld,
  clock: ChaosClock,
  say: (line: string) => void,
  signal: AbortSignal,
): Promise<ChaosReport> {
  const size = (await world.members()).length
  const steps = schedule(seed, minutes, size, SIZE)
  say(`seed ${seed}: ${steps.length} steps in ${minutes} minutes`)
  const stop = new AbortController()
  const loaded = load(
    { perSecond, accounts, timeoutMs: REQUEST_MS },
    world,
    clock,
    AbortSignal.any([stop.signal, signal]),
  )
  let played: PlayReport
  try {
    played = await play(steps, world, clock, say, signal)
    await world.settled(AbortSignal.any([signal, AbortSignal.timeout(SETTLE_MS)]))
  } finally {
    stop.abort(new Error('the load ends'))
  }
  const asked = await loaded
  say('checking')
  return { seed, play: played, asked, checks: await finalChecks(world, accounts, asked, signal) }
}

/** The report for people; `good` says whether the run is one to be pleased with. */
export function chaosLines(report: ChaosReport): {
  readonly good: boolean
  readonly lines: string[]
} {
  const { play: done, asked, checks, seed } = report
  const answered = asked.filter(({ answers }) => answers.length > 0)
  const errors = new Map<string, number>()
  for (const { error } of asked)
    if (error !== undefined) errors.set(error, (errors.get(error) ?? 0) + 1)
  const { p50, p99, max } = quantiles(answered.map(({ ms }) => ms))
  const failed = done.played.filter((step) => step.failed !== undefined)
  const good = checks.every(({ problems }) => problems.length === 0)
  return {
    good,
    lines: [
      `seed ${seed}: ${done.played.length} steps played, ${failed.length} of them failed, ${done.missed} missed`,
      ...failed.map(
        ({ atMs, what, failed: why }) => `  ${(atMs / 1000).toFixed(1)} s ${what}: ${why}`,
      ),
      `${asked.length} signatures asked for, ${answered.length} answered (${((100 * answered.length) / Math.max(1, asked.length)).toFixed(2)} %); p50 ${p50} ms, p99 ${p99} ms, at most ${max} ms; longest silence ${Math.round(longestSilence(asked))} ms`,
      ...[...errors].map(([name, count]) => `  ${count} ended with ${name}`),
      ...checks.flatMap(({ what, problems }) => [
        `${problems.length === 0 ? 'ok    ' : 'FAILED'} ${what}`,
        ...problems.map((problem) => `       ${problem}`),
      ]),
    ],
  }
}
