import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { round, type Spread, spread } from './measure.ts'
import { type Line, measureProtocol } from './protocol.ts'

/** Blocks alternate own, peer, peer, own (spec 10 §6.1, rule 1). */
const ROUNDS_OF_BLOCKS = 5
/** Own first and last block may differ by this much, or the run is void. */
const DRIFT = 0.1

interface Comparison {
  readonly ours: 'setup' | 'keygen' | 'sign'
  readonly peer: 'sl' | 'torus'
  readonly op: 'keygen' | 'sign'
  readonly n: number
  readonly t: number
  /** What must be said beside the ratio. */
  readonly note: string
  readonly runs: number
}

const comparisons = (n: number, t: number, runs: number): readonly Comparison[] => [
  {
    ours: 'sign',
    peer: 'sl',
    op: 'sign',
    n,
    t,
    runs,
    note: 'full interactive signature; sl: DKLs23, loading the share not charged',
  },
  ...(n === t
    ? [
        {
          ours: 'sign',
          peer: 'torus',
          op: 'sign',
          n,
          t,
          runs,
          note: 'torus is another protocol (DKLs19) and signs only with all parties',
        } as const,
      ]
    : []),
  {
    ours: 'keygen',
    peer: 'sl',
    op: 'keygen',
    n,
    t,
    runs: 1,
    note: 'ours: pair setups and first key; sl: key generation with its oblivious transfers',
  },
]

/** Ratios against the drivers in the folder that HOLDFAST_PEERS names, side by side in one run. */
export async function benchPeers(options: {
  folder: string | undefined
  n: number
  t: number
  runs: number
  rounds?: number
  print: (line: string) => void
}): Promise<void> {
  const { folder, n, t, runs, print } = options
  if (folder === undefined || !existsSync(join(folder, 'bench.mjs'))) {
    print('no peers here: HOLDFAST_PEERS names no folder with bench.mjs')
    return
  }
  print(
    '| what | ours, ms per party: min / median | peer: min / median | peer ÷ ours: min / median | bytes ours / peer | note |',
  )
  print('|---|---|---|---|---|---|')
  for (const comparison of comparisons(n, t, runs))
    print(await compare(folder, comparison, options.rounds ?? ROUNDS_OF_BLOCKS))
}

async function compare(folder: string, what: Comparison, rounds: number): Promise<string> {
  const mine: Line[] = []
  const theirs: Line[] = []
  for (let block = 0; block < rounds; block++) {
    mine.push(await own(what))
    theirs.push(peer(folder, what), peer(folder, what))
    mine.push(await own(what))
  }
  const a = best(mine)
  const b = best(theirs)
  const drift = Math.abs((mine.at(-1)?.perPartyMs.min ?? 0) / (mine[0]?.perPartyMs.min ?? 1) - 1)
  const verdict = drift > DRIFT ? `VOID: own blocks drifted by ${round(drift * 100)} %` : what.note
  return `| ${what.ours} ${what.t}-of-${what.n} against ${what.peer} ${what.op} | ${a.min} / ${a.median} | ${b.min} / ${b.median} | ${round(b.min / a.min)} / ${round(b.median / a.median)} | ${mine[0]?.bytesPerParty} / ${theirs[0]?.bytesPerParty} | ${verdict} |`
}

const own = ({ ours, n, t, runs }: Comparison): Promise<Line> =>
  measureProtocol({ op: ours, form: 'a', n, t, runs, warmup: 1 })

function peer(folder: string, { peer, op, n, t, runs }: Comparison): Line {
  const asked = ['--peer', peer, '--op', op, '--n', String(n), '--t', String(t)]
  const done = spawnSync(
    process.execPath,
    ['bench.mjs', ...asked, '--runs', String(runs), '--warmup', '1', '--json'],
    { cwd: folder, encoding: 'utf8' },
  )
  if (done.status !== 0) throw new Error(`${peer} ${op} did not run: ${done.stderr.trim()}`)
  return JSON.parse(done.stdout) as Line
}

const best = (lines: readonly Line[]): Spread => ({
  min: Math.min(...lines.map(({ perPartyMs }) => perPartyMs.min)),
  median: spread(lines.map(({ perPartyMs }) => perPartyMs.median)).median,
})
