import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { benchKernel } from './kernel.ts'
import { round } from './measure.ts'
import { benchNetwork, networkTable } from './network.ts'
import { benchPeers } from './peers.ts'
import { measureProtocol, type ProtocolBench } from './protocol.ts'

const PAGE = 'docs/performance.md'

const MEASURED: readonly (Pick<ProtocolBench, 'op' | 'form' | 'n' | 't' | 'runs'> & {
  readonly name: string
})[] = [
  { name: 'pair setup, both directions', op: 'setup', form: 'a', n: 2, t: 2, runs: 3 },
  { name: 'pair setups and first key, 2-of-3', op: 'keygen', form: 'a', n: 3, t: 2, runs: 2 },
  { name: 'full signature, 2-of-2', op: 'sign', form: 'a', n: 2, t: 2, runs: 30 },
  { name: 'full signature, 2-of-3', op: 'sign', form: 'a', n: 3, t: 2, runs: 30 },
  { name: 'full signature, 3-of-5', op: 'sign', form: 'a', n: 5, t: 3, runs: 20 },
  { name: 'from a presignature, 2-of-2', op: 'sign', form: 'c', n: 2, t: 2, runs: 30 },
]

/** Measures everything again and writes docs/performance.md: machine, versions, commit, void runs called void. */
export async function report(
  peers: string | undefined,
  print: (line: string) => void,
): Promise<void> {
  const lines: string[] = [
    '# Performance',
    '',
    'Written by `npm run bench -- report`; the rules of measuring are those of [the specification](spec/10-performance.md). The kernel is the readable reference (noble, BigInt): it is',
    'the oracle of the fast kernel that follows, not a competitor. All parties share one thread; times are per party, minimum / median.',
    '',
    `Machine: ${cpus().length} × ${cpus()[0]?.model ?? 'unknown'}; Node ${process.version}; commit ${commit()}; kernel: reference.`,
    '',
    '## Protocol',
    '',
    '| what | ms per party: min / median | bytes sent per party | messages | before it, not included | |',
    '|---|---|---|---|---|---|',
  ]
  for (const { name, ...options } of MEASURED) {
    print(name)
    const { perPartyMs, bytesPerParty, details } = await measureProtocol({ ...options, warmup: 2 })
    const { setupMs, presignMs } = details.before
    const before = [
      ...(setupMs === undefined ? [] : [`setups ${round(setupMs)} ms`]),
      ...(presignMs === undefined ? [] : [`presignature ${round(presignMs)} ms`]),
    ]
    lines.push(
      `| ${name} | ${perPartyMs.min} / ${perPartyMs.median} | ${bytesPerParty} | ${details.messagesPerParty} | ${before.join(', ') || '–'} | ${details.void === undefined ? '' : `VOID: ${details.void}`} |`,
    )
  }
  print('network')
  lines.push(
    '',
    '## Real processes',
    '',
    'Five hosts, five guests and the client on this machine, on loopback. From the SDK call to the verified signature.',
    '',
    ...networkTable(await benchNetwork({ nodes: 5, threshold: 3, runs: 30 })),
  )
  lines.push('', '## Beside others', '')
  print('peers')
  await benchPeers({ folder: peers, n: 2, t: 2, runs: 10, print: (line) => lines.push(line) })
  lines.push(
    '',
    'Ratios above 1 mean that we are faster. The targets of the fast kernel (a full 2-of-2 signature in 2 ms per party, a pair setup in 85 ms) are **missed** by the reference, as expected.',
    '',
    '## Kernel operations',
    '',
    '| operation | ms: min | median |',
    '|---|---|---|',
  )
  print('kernel')
  for (const { operation, min, median } of benchKernel())
    lines.push(`| ${operation} | ${round(min)} | ${round(median)} |`)
  writeFileSync(PAGE, `${lines.join('\n')}\n`)
  print(`wrote ${PAGE}`)
}

function commit(): string {
  try {
    return execFileSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8' }).trim()
  } catch {
    return 'unknown' // measured outside of a checkout
  }
}
