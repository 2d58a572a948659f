import { PHASES } from '../../src/coordinator/phases.ts'
import type { BenchNetwork } from './bench-network.ts'
import { controlVoid, networkVoid, slowdown } from './honesty.ts'
import { type Phases, phasesBetween, phaseTable, type Scrape, total } from './metrics-text.ts'
import type { Outcome } from './open-loop.ts'
import { type Usage, Watch } from './processes.ts'
import { histogram, type Quantiles, quantiles, slope } from './quantiles.ts'
import { floorMs, type Link, type Stage } from './scenario.ts'

const WARM_UP = { runs: 12, pauseMs: 400 } // the engine optimises, and keys in use get presignatures
const CONTROL_RUNS = 12
const PLANTED = 0.2 // 10 §6.1, rule 11
const SAMPLE_MS = 2_000
const MAX_SEQUENTIAL_ACCOUNTS = 20 // an account may ask 60 times a minute

export interface StageResult {
  readonly stage: Stage
  readonly latency: Quantiles
  readonly failed: ReadonlyMap<string, number>
  readonly phases: Phases
  readonly usages: readonly Usage[]
  readonly loopP99Ms: readonly number[]
  readonly void: string | undefined
  readonly lines: readonly string[]
}

/** Measures one stage on a network that runs, held to the stage's form; `print` gets what people read. */
export async function runStage(
  network: BenchNetwork,
  stage: Stage,
  link: Link | undefined,
): Promise<StageResult> {
  const rpc = network.entry
  const accounts = stage.kind === 'rate' ? stage.accounts : accountsFor(stage.runs, stage.pauseMs)
  const made = await network.client.ask<'accounts'>({ do: 'accounts', rpc, count: accounts })
  await network.client.ask<'sequential'>({ do: 'sequential', rpc, ...WARM_UP, plantedMs: 0 })

  const pools = [await network.pools()]
  const before = await network.scrape()
  const watch = new Watch(network.pids, SAMPLE_MS)
  const outcomes = await measure(network, stage, rpc)
  const machine = watch.end()
  const after = await network.scrape()
  pools.push(await network.pools())

  const good = outcomes.filter(({ error }) => error === undefined).map(({ ms }) => ms)
  const latency = quantiles(good)
  const failed = countErrors(outcomes)
  const phases = phasesBetween(at(before), at(after), PHASES)
  const control = stage.kind === 'sequential' ? await planted(network, stage, rpc, good) : undefined
  const reason = networkVoid(good, machine) ?? control?.void
  const loopP99Ms = after.map((scrape) => 1000 * total(scrape, 'holdfast_event_loop_p99_seconds'))
  const bytes =
    after.reduce((sum, scrape) => sum + linkBytes(scrape), 0) -
    before.reduce((sum, scrape) => sum + linkBytes(scrape), 0)
  const done = Math.max(1, good.length)
  const lines = [
    `### ${titleOf(stage)}`,
    '',
    ...(reason === undefined ? [] : [`**VOID**: ${reason}. The numbers below prove nothing.`, '']),
    ...(made.length === 0
      ? []
      : [
          `New accounts: ${made.length}, each p50 ${quantiles(made).p50} ms, p99 ${quantiles(made).p99} ms.`,
          '',
        ]),
    `From ${stage.kind === 'rate' ? 'the scheduled moment' : 'the SDK call'} to the verified signature: **p50 ${latency.p50} ms, p99 ${latency.p99} ms** (min ${latency.min}, p90 ${latency.p90}, max ${latency.max}; ${latency.count} of ${outcomes.length} succeeded, ${((100 * good.length) / Math.max(1, outcomes.length)).toFixed(2)} %).`,
    ...(failed.size === 0
      ? []
      : [`Failed: ${[...failed].map(([id, n]) => `${id} ${n}`).join(', ')}.`]),
    ...(link === undefined
      ? []
      : [
          `Floor of form (${stage.form}) for a client beside its node: ${floorMs(stage.form, link)} ms; above it: **${(latency.p50 - floorMs(stage.form, link)).toFixed(1)} ms at p50**, ${(latency.p99 - floorMs(stage.form, link)).toFixed(1)} ms at p99.`,
        ]),
    '',
    ...phaseTable(phases),
    `Beside the gateway, the client (building, proving, HTTP, verifying) takes ${(mean(good) - phases.wholeMs).toFixed(2)} ms in the mean.`,
    ...(control === undefined
      ? []
      : [`Positive control: 20 % planted, ${(control.reported * 100).toFixed(0)} % reported.`]),
    '',
    `Pools of node 1 at the start: ${pools[0]}; at the end: ${pools[1]}.`,
    `Link bytes per signature, all nodes, refilling included: ${Math.round(bytes / done)}. Event loop p99 of the hosts: ${loopP99Ms.map((ms) => ms.toFixed(1)).join(', ')} ms.`,
    `Processors: ours ${percent(machine.oursS, machine)}, everything ${percent(machine.busyS, machine)} of ${machine.cores} cores; ${((1000 * machine.oursS) / done).toFixed(1)} ms of processor per signature.`,
    '',
    ...usageTable(machine.usages, done),
    ...(stage.kind === 'rate' ? ['', `Histogram, ms: ${histogramLine(good)}`] : []),
    '',
  ]
  return { stage, latency, failed, phases, usages: machine.usages, loopP99Ms, void: reason, lines }
}

function measure(network: BenchNetwork, stage: Stage, rpc: string): Promise<readonly Outcome[]> {
  if (stage.kind === 'rate') {
    const { perSecond, minutes } = stage
    return network.client.ask<'rate'>({ do: 'rate', rpc, perSecond, seconds: minutes * 60 })
  }
  const { runs, pauseMs } = stage
  return network.client.ask<'sequential'>({ do: 'sequential', rpc, runs, pauseMs, plantedMs: 0 })
}

/** The same again, a fifth slower on purpose: a bench that does not see it sees nothing. */
async function planted(
  network: BenchNetwork,
  { pauseMs }: Extract<Stage, { kind: 'sequential' }>,
  rpc: string,
  plain: readonly number[],
): Promise<{ reported: number; void: string | undefined }> {
  const plantedMs = PLANTED * quantiles(plain).p50
  const slowed = await network.client.ask<'sequential'>({
    do: 'sequential',
    rpc,
    runs: CONTROL_RUNS,
    pauseMs,
    plantedMs,
  })
  const times = slowed.filter(({ error }) => error === undefined).map(({ ms }) => ms)
  return { reported: slowdown(plain, times), void: controlVoid(plain, times) }
}

/** So many that none of them asks more than once a second, warm-up and control included. */
const accountsFor = (runs: number, pauseMs: number): number =>
  Math.min(
    MAX_SEQUENTIAL_ACCOUNTS,
    runs + WARM_UP.runs + CONTROL_RUNS <= MAX_SEQUENTIAL_ACCOUNTS
      ? 1
      : Math.ceil(1000 / Math.max(50, pauseMs)),
  )

const titleOf = (stage: Stage): string =>
  stage.kind === 'rate'
    ? `${stage.perSecond} requests a second for ${stage.minutes} min, best form (${stage.form})`
    : `one after another, best form (${stage.form})`

function countErrors(outcomes: readonly Outcome[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>()
  for (const { error } of outcomes)
    if (error !== undefined) counts.set(error, (counts.get(error) ?? 0) + 1)
  return counts
}

const usageTable = (usages: readonly Usage[], signatures: number): string[] => [
  '| process | processor, ms per signature | memory, MB: start, end | MB per minute | handles: start, end |',
  '|---|---|---|---|---|',
  ...usages.map(
    ({ name, cpuS, rssMb: [from, to], handles: [had, has], memory }) =>
      `| ${name} | ${((1000 * cpuS) / signatures).toFixed(2)} | ${from.toFixed(0)}, ${to.toFixed(0)} | ${(60 * slope(memory)).toFixed(2)} | ${had}, ${has} |`,
  ),
]

const histogramLine = (values: readonly number[]): string =>
  histogram(values)
    .filter(({ count }) => count > 0)
    .map(({ upTo, count }) => `≤ ${upTo}: ${count}`)
    .join(' · ')

const linkBytes = (scrape: Scrape): number =>
  total(scrape, 'holdfast_link_bytes_total', 'direction="out"')
const at = (scrapes: readonly Scrape[]): Scrape => scrapes[0] ?? new Map()
const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length)
const percent = (seconds: number, { wallS, cores }: { wallS: number; cores: number }): string =>
  `${((100 * seconds) / (wallS * cores)).toFixed(0)} %`
