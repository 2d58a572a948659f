import { execFileSync } from 'node:child_process'
import { cpus, loadavg } from 'node:os'
import { round } from './measure.ts'
import { BenchNetwork } from './network/bench-network.ts'
import { linkTool } from './network/namespaces.ts'
import { runStage, type StageResult } from './network/run-stage.ts'
import type { Form, Scenario } from './network/scenario.ts'

export interface NetworkRow {
  readonly what: string
  readonly ms: { readonly p50: number; readonly p99: number } | number
}

/**
 * Measures a scenario on real processes: all nodes and the client share this machine. Whatever happens, nothing
 * of it is left; Ctrl-C ends it in order. Undefined where the links it asks for cannot be made here.
 */
export async function runScenario(
  scenario: Scenario,
  print: (line: string) => void,
): Promise<StageResult[] | undefined> {
  const { nodes, threshold, link, stages } = scenario
  const tool = linkTool()
  if (link !== undefined && 'missing' in tool) {
    print(`Emulated links are left out: ${tool.missing}.`)
    return undefined
  }
  const network = await BenchNetwork.create(scenario)
  const interrupted = (): void => void network.close().finally(() => process.exit(130))
  process.once('SIGINT', interrupted)
  process.once('SIGTERM', interrupted)
  try {
    print(
      `${nodes} nodes, threshold ${threshold}, the client and all nodes on ${machine()}; kernel: ${await network.kernel}; load before: ${loadavg()[0]?.toFixed(2)}.`,
    )
    if (scenario.guest !== undefined)
      print(`Settings of the guests, not the usual ones: ${JSON.stringify(scenario.guest)}.`)
    if (link !== undefined)
      print(
        `Links: ${4 * link.delayMs} ms from node to node and back, jitter ${link.jitterMs} ms, loss ${link.loss}, ${link.mbit === 0 ? 'no rate limit' : `${link.mbit} Mbit/s`}; the client stands beside node 1 (c = 0).`,
      )
    const results: StageResult[] = []
    let form: Form | undefined
    for (const stage of stages) {
      if (stage.form !== form) {
        const readyMs = await network.start(stage.form)
        print(
          `\nStarted, held to form (${stage.form}) at best; ready after ${(readyMs / 1000).toFixed(1)} s.\n`,
        )
        form = stage.form
      }
      const result = await runStage(network, stage, link)
      for (const line of result.lines) print(line)
      results.push(result)
    }
    return results
  } finally {
    await network.close()
    process.off('SIGINT', interrupted)
    process.off('SIGTERM', interrupted)
  }
}

/** The rows of docs/performance.md. */
export async function benchNetwork(options: {
  readonly nodes: number
  readonly threshold: number
  readonly runs: number
}): Promise<NetworkRow[]> {
  const { runs, nodes, threshold } = options
  const stages = (['c', 'b', 'a'] as const).map((form) => ({
    kind: 'sequential' as const,
    form,
    runs,
    pauseMs: 300,
  }))
  const results = await runScenario(
    { nodes, threshold, kernel: 'default', stages },
    () => undefined,
  )
  return (results ?? []).map(({ stage, latency: { p50, p99 }, void: reason }) => ({
    what: `a signature by ${threshold} of ${nodes}, form (${stage.form})${reason === undefined ? '' : ` VOID: ${reason}`}`,
    ms: { p50: round(p50), p99: round(p99) },
  }))
}

/** Rows as a table. */
export const networkTable = (rows: readonly NetworkRow[]): string[] => [
  '| what | ms |',
  '|---|---|',
  ...rows.map(
    ({ what, ms }) =>
      `| ${what} | ${typeof ms === 'number' ? ms : `p50 ${ms.p50}, p99 ${ms.p99}`} |`,
  ),
]

/** Machine, engine and commit (10 §6.1, rule 8). */
function machine(): string {
  const [first] = cpus()
  return `${cpus().length} × ${first?.model ?? 'unknown'}; Node ${process.version}; commit ${commit()}`
}

function commit(): string {
  try {
    return execFileSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8' }).trim()
  } catch {
    return 'unknown' // measured outside of a checkout
  }
}
