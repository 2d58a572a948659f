import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { round, type Spread, spread } from './measure.ts'
import { type Line, measureProtocol, type ProtocolBench } from './protocol.ts'

/** Blocks alternate own, peer, peer, own (10 §6.1, rule 1). */
const ROUNDS_OF_BLOCKS = 5
/** Own first and last block may differ by this much, or the run is void. */
const DRIFT = 0.1
/** A peer's median this far above its minimum means that something else used the processor. */
const NOISE = 1.25

/** One line of the table: like for like, or a note that says what is not. */
interface Comparison {
  readonly what: string
  readonly ours: Pick<ProtocolBench, 'op' | 'form' | 'n' | 't' | 'count'>
  readonly peer: 'sl' | 'torus'
  readonly op: 'keygen' | 'sign'
  readonly n: number
  readonly t: number
  /** Of the peer's run, only these steps; the whole when left out. */
  readonly steps?: readonly string[]
  /** Ours is this many times the peer's work. */
  readonly share?: number
  /** Least ratio of 10 §2.1. */
  readonly target: number
  /** What must be said beside the ratio. */
  readonly note: string
  readonly runs: number
  readonly peerRuns: number
  /** The peer needs minutes for its blocks: a short report leaves it out, and says so. */
  readonly slow?: boolean
}

const SL = 'DKLs23; loading the share not charged'
const TORUS = 'another protocol (DKLs19), which signs only with all parties'
const ONLINE = ['partial', 'combine']

const signing = (
  t: number,
  n: number,
  peer: 'sl' | 'torus',
  peerN: number,
  target: number,
): Comparison => ({
  what: `sign (a) ${t}-of-${n}`,
  ours: { op: 'sign', form: 'a', n, t },
  peer,
  op: 'sign',
  n: peerN,
  t,
  target,
  note: `full interactive signature; ${peer === 'sl' ? SL : TORUS}`,
  runs: 20,
  peerRuns: 10,
})

const making = (t: number, n: number, target: number): Comparison => ({
  what: `pair setups and first key ${t}-of-${n}`,
  ours: { op: 'keygen', form: 'a', n, t },
  peer: 'sl',
  op: 'keygen',
  n,
  t,
  target,
  note: 'its key generation has its oblivious transfers in it, as ours here',
  runs: 2,
  peerRuns: 1,
})

const COMPARISONS: readonly Comparison[] = [
  signing(2, 2, 'sl', 2, 12),
  signing(2, 2, 'torus', 2, 3.9),
  signing(3, 5, 'sl', 5, 14),
  signing(3, 5, 'torus', 3, 4),
  { ...signing(5, 9, 'sl', 9, 15), slow: true },
  signing(5, 9, 'torus', 5, 4),
  ...(['sl', 'torus'] as const).map((peer) => ({
    what: 'sign (c) 2-of-2, verified',
    ours: { op: 'sign', form: 'c', n: 2, t: 2 } as const,
    peer,
    op: 'sign' as const,
    n: 2,
    t: 2,
    steps: ONLINE,
    target: peer === 'sl' ? 3 : 1.8,
    note: `online part only, both sides; ${peer === 'sl' ? SL : TORUS}`,
    runs: 20,
    peerRuns: 10,
  })),
  {
    what: 'pair setup, one of its two directions',
    ours: { op: 'setup', form: 'a', n: 2, t: 2 },
    peer: 'torus',
    op: 'keygen',
    n: 2,
    t: 2,
    share: 2,
    target: 1.25,
    note: 'its oblivious transfers go one way; our pair makes both at once, and the whole is slower than its one',
    runs: 3,
    peerRuns: 3,
  },
  making(2, 2, 5.4),
  { ...making(2, 3, 5.4), slow: true },
  { ...making(3, 5, 5.4), slow: true },
  {
    what: 'a further key 2-of-3, each of 64',
    ours: { op: 'key', form: 'a', n: 3, t: 2, count: 64 },
    peer: 'sl',
    op: 'keygen',
    n: 3,
    t: 2,
    target: 300,
    note: 'ours needs the pair setups once for all keys (see above), its key generation makes them for each key',
    runs: 3,
    peerRuns: 1,
    slow: true,
  },
]

export interface PeersOptions {
  readonly folder: string | undefined
  /** Only comparisons of this size of ours. */
  readonly n?: number
  readonly t?: number
  /** Of ours and the peer's in each block; by default what each comparison says. */
  readonly runs?: number
  readonly rounds?: number
  /** Leaves out what takes minutes. */
  readonly short?: boolean
  readonly print: (line: string) => void
}

/** Ratios against the drivers in the folder that HOLDFAST_PEERS names, side by side in one run. */
export async function benchPeers(options: PeersOptions): Promise<void> {
  const { folder, print, n, t } = options
  if (folder === undefined || !existsSync(join(folder, 'bench.mjs'))) {
    print('no peers here: HOLDFAST_PEERS names no folder with bench.mjs')
    return
  }
  print(
    '| what | against | ours, ms per party: min / median | peer: min / median | peer ÷ ours: min / median (spread over blocks) | target | bytes ours / peer | note |',
  )
  print('|---|---|---|---|---|---|---|---|')
  for (const comparison of COMPARISONS) {
    const { ours } = comparison
    if (n !== undefined && (ours.n !== n || ours.t !== t)) continue
    if (options.short === true && comparison.slow === true)
      print(
        `| ${comparison.what} | ${comparison.peer} | – | – | – | – | – | left out of a short report |`,
      )
    else print(await compare(folder, comparison, options))
  }
}

async function compare(
  folder: string,
  what: Comparison,
  { runs, rounds = ROUNDS_OF_BLOCKS }: PeersOptions,
): Promise<string> {
  const mine: Line[] = []
  const theirs: Line[] = []
  const own = () =>
    measureProtocol({ ...what.ours, runs: runs ?? what.runs, warmup: 3, kernel: 'wasm' })
  for (let block = 0; block < rounds; block++) {
    mine.push(await own())
    theirs.push(peer(folder, what, runs), peer(folder, what, runs))
    mine.push(await own())
  }
  const share = what.share ?? 1
  const a = summary(mine, share)
  const b = summary(theirs, 1)
  const ratios = mine.map(
    ({ perPartyMs }, at) => (theirs[at]?.perPartyMs.min ?? Number.NaN) / (perPartyMs.min / share),
  )
  const between = `${round(Math.min(...ratios))} to ${round(Math.max(...ratios))}`
  const ratio = b.min / a.min
  const cells = [
    what.what,
    `${what.peer} ${what.op} ${what.t}-of-${what.n}`,
    `${a.min} / ${a.median}`,
    `${b.min} / ${b.median}`,
    `${round(ratio)} / ${round(b.median / a.median)} (${between})`,
    `≥ ${what.target}: ${ratio >= what.target ? 'met' : '**missed**'}`,
    `${mine[0]?.bytesPerParty} / ${what.steps === undefined ? theirs[0]?.bytesPerParty : '–'}`,
    [voidReason(mine, theirs), what.note].filter((part) => part !== undefined).join('; '),
  ]
  return `| ${cells.join(' | ')} |`
}

/** 10 §6.1, rule 7, over all blocks. */
function voidReason(mine: readonly Line[], theirs: readonly Line[]): string | undefined {
  const drift = Math.abs((mine.at(-1)?.perPartyMs.min ?? 0) / (mine[0]?.perPartyMs.min ?? 1) - 1)
  if (drift > DRIFT) return `**VOID**: own first and last block differ by ${round(drift * 100)} %`
  for (const lines of [mine, theirs]) {
    const { min, median } = summary(lines, 1)
    if (median > NOISE * min) return '**VOID**: a median exceeds 1.25 times its minimum'
  }
  return undefined
}

function peer(folder: string, what: Comparison, runs: number | undefined): Line {
  const { peer, op, n, t, steps, peerRuns } = what
  const asked = ['--peer', peer, '--op', op, '--n', String(n), '--t', String(t)]
  const counts = ['--runs', String(runs ?? peerRuns), '--warmup', op === 'sign' ? '3' : '1']
  const done = spawnSync(
    process.execPath,
    ['bench.mjs', ...asked, ...counts, '--json', '--details'],
    {
      cwd: folder,
      encoding: 'utf8',
    },
  )
  if (done.status !== 0) throw new Error(`${peer} ${op} did not run: ${done.stderr.trim()}`)
  const line = JSON.parse(done.stdout) as Line & {
    details: { stepMs: Readonly<Record<string, number>> }
  }
  if (steps === undefined) return line
  const ms = round(steps.reduce((sum, step) => sum + (line.details.stepMs[step] ?? Number.NaN), 0))
  return { ...line, perPartyMs: { min: ms, median: ms } }
}

function summary(lines: readonly Line[], share: number): Spread {
  const min = Math.min(...lines.map(({ perPartyMs }) => perPartyMs.min))
  const { median } = spread(lines.map(({ perPartyMs }) => perPartyMs.median))
  return { min: round(min / share), median: round(median / share) }
}
