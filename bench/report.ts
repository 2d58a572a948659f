import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { cpus, loadavg } from 'node:os'
import { join } from 'node:path'
import { wasmKernel } from '../protocols/kernel/load.ts'
import { MODULE } from '../protocols/kernel/wasm/module.ts'
import { benchKernel } from './kernel.ts'
import { benchLeaks } from './leak.ts'
import { round } from './measure.ts'
import { parseScenario, type Scenario } from './network/scenario.ts'
import { runScenario } from './network.ts'
import { benchPeers } from './peers.ts'
import { measureProtocol } from './protocol.ts'
import { random } from './seats.ts'
import { TARGETS, verdictOf } from './targets.ts'

const PAGE = 'docs/performance.md'
const SCENARIOS = 'bench/scenarios'
const LEAK_RUNS = 100_000
const LOADS = 10
const COLD_LOADS = 5
const MAX_MODULE_BYTES = 80_000
const MAX_LOAD_MS = 20

/**
 * Measures everything again and writes docs/performance.md: machine, versions, commit, void runs called void. A
 * `short` report leaves out peers that take minutes, and holds rates for one minute; it says so.
 */
export async function report(
  peers: string | undefined,
  print: (line: string) => void,
  { short }: { short: boolean },
): Promise<void> {
  const lines: string[] = []
  const add = (line: string): void => void lines.push(line)
  const chapter = (title: string, ...text: string[]): void => {
    writeFileSync(PAGE, `${lines.join('\n')}\n`) // what is measured is kept, whatever comes
    print(title)
    lines.push('', `## ${title}`, '', ...text, ...(text.length === 0 ? [] : ['']))
  }
  lines.push(
    '# Performance',
    '',
    'Written by `npm run bench -- report`; the rules of measuring, and where the targets come from, are those of [the specification](spec/10-performance.md).',
    'Times are milliseconds, minimum / median. Per party: the time of all parties, who share one thread and have no network between them, divided by the parties. A run in',
    'which something else used the processor is called void.',
    '',
    ...(short
      ? [
          'A short report: peers that need minutes are left out, and rates are held for one minute.',
          '',
        ]
      : []),
    `Machine: ${cpus().length} × ${cpus()[0]?.model ?? 'unknown'}, load ${round(loadavg()[0] ?? 0)} at the start; Node ${process.version}; commit ${commit()}; kernel ${moduleHash().slice(0, 16)}….`,
  )
  chapter('Targets')
  await targets(add, print)
  chapter('The kernel', ...kernelFacts())
  await kernels(add)
  chapter(
    'Timing classes',
    'Fixed against random secrets, Welch’s t without the slowest tenth; |t| above 4.5 counts as a difference. An engine gives no promise of constant time: the claim is that no branch and no address in the source depends on a secret, and this is the check of it.',
  )
  await benchLeaks(LEAK_RUNS, add)
  chapter(
    'Beside others',
    'Own and peer’s blocks alternate in one run. A ratio above 1 means that we are faster.',
  )
  await benchPeers({ folder: peers, short, print: add })
  chapter(
    'Real processes',
    'Five hosts, five guests and the client share this machine: from the SDK’s call to the signature that it verified.',
  )
  for (const name of readdirSync(SCENARIOS).sort()) {
    print(name)
    lines.push('', `### ${SCENARIOS}/${name}`, '')
    const scenario = parseScenario(readFileSync(join(SCENARIOS, name), 'utf8'))
    await runScenario(short ? shortened(scenario) : scenario, add)
  }
  writeFileSync(PAGE, `${lines.join('\n')}\n`)
  print(`wrote ${PAGE}`)
}

/** No rate for longer than a minute. */
const shortened = (scenario: Scenario): Scenario => ({
  ...scenario,
  stages: scenario.stages.map((stage) =>
    stage.kind === 'rate' ? { ...stage, minutes: Math.min(1, stage.minutes) } : stage,
  ),
})

async function targets(add: (line: string) => void, print: (line: string) => void): Promise<void> {
  add(
    '| what | ms per party | first bar | target | | bytes sent | messages | before it, not included |',
  )
  add('|---|---|---|---|---|---|---|---|')
  for (const target of TARGETS) {
    const { name, bench, runs, firstBarMs, targetMs } = target
    print(`  ${name}`)
    const options = { ...bench, runs, warmup: 5, kernel: 'wasm' } as const
    const { perPartyMs, bytesPerParty, details } = await measureProtocol(options)
    const { setupMs, corrMs, presignMs } = details.before
    const before = [
      ...(setupMs === undefined ? [] : [`setups ${setupMs} ms`]),
      ...(corrMs === undefined ? [] : [`correlations ${corrMs} ms`]),
      ...(presignMs === undefined ? [] : [`presignature ${presignMs} ms`]),
    ]
    const cells = [
      name,
      `${perPartyMs.min} / ${perPartyMs.median}`,
      firstBarMs,
      targetMs,
      details.void === undefined ? verdictOf(target, perPartyMs.min) : `**VOID**: ${details.void}`,
      bytesPerParty,
      details.messagesPerParty,
      before.join(', ') || '–',
    ]
    add(`| ${cells.join(' | ')} |`)
  }
}

/** Size, start and memory, against what 10 §2.3 and 10 §4.1 want. */
function kernelFacts(): string[] {
  const bytes = Buffer.from(MODULE, 'base64').length
  const loads = Array.from({ length: LOADS }, () => {
    const began = performance.now()
    wasmKernel(random)
    return performance.now() - began
  }).sort((a, b) => a - b)
  const cold = Math.min(...Array.from({ length: COLD_LOADS }, coldLoadMs))
  const says = (met: boolean): string => (met ? 'met' : '**missed**')
  return [
    '| what | measured | target | |',
    '|---|---|---|---|',
    `| module | ${bytes} B | ≤ ${MAX_MODULE_BYTES} B | ${says(bytes <= MAX_MODULE_BYTES)} |`,
    `| from bytes to ready in a fresh process, known answers included | ${round(cold)} ms | ≤ ${MAX_LOAD_MS} ms | ${says(cold <= MAX_LOAD_MS)} |`,
    `| a further instance | ${round(loads[0] ?? Number.NaN)} ms | – | |`,
    '| linear memory, fixed | 8 MiB | ≤ 8 MiB | met |',
  ]
}

const coldLoadMs = (): number =>
  Number(
    execFileSync(process.execPath, ['--input-type=module', '-e', COLD_LOAD], { encoding: 'utf8' }),
  )

/** The load alone, in an engine that has compiled nothing of it yet. */
const COLD_LOAD = `
import { webcrypto } from 'node:crypto'
import { wasmKernel } from './protocols/kernel/load.ts'
const began = performance.now()
wasmKernel((length) => webcrypto.getRandomValues(new Uint8Array(length)))
process.stdout.write(String(performance.now() - began))
`

async function kernels(add: (line: string) => void): Promise<void> {
  const fast = benchKernel(() => wasmKernel(random))
  const reference = benchKernel()
  add('| operation | WASM: min / median | reference: min / median | reference ÷ WASM |')
  add('|---|---|---|---|')
  for (const { operation, min, median } of fast) {
    const other = reference.find((row) => row.operation === operation)
    const ratio = round((other?.min ?? Number.NaN) / min)
    add(`| ${operation} | ${min} / ${median} | ${other?.min} / ${other?.median} | ${ratio} |`)
  }
}

const moduleHash = (): string =>
  createHash('sha256').update(Buffer.from(MODULE, 'base64')).digest('hex')

function commit(): string {
  try {
    return execFileSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8' }).trim()
  } catch {
    return 'unknown' // measured outside of a checkout
  }
}
