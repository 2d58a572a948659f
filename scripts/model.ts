/**
 * `npm run model`: random simulation of the models in test/model, with fixed seeds and without the network. The models must
 * keep their invariants; each variant without a guard must break the one named.
 */
import { spawnSync } from 'node:child_process'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'

interface Run {
  readonly file: string
  readonly main: string
  /** The action that sets the first state. */
  readonly init: string
  readonly invariant: string
  readonly traces: number
  readonly holds: boolean
}

const holding = (file: string, invariant: string): Run => ({
  file,
  main: 'right',
  init: 'init',
  invariant,
  traces: 500,
  holds: true,
})
const breaking = (file: string, main: string, invariant: string, init = 'init'): Run => ({
  file,
  main,
  init,
  invariant,
  traces: 8_000,
  holds: false,
})

const RUNS: readonly Run[] = [
  holding('qbft', 'I2'),
  breaking('qbft', 'without_record', 'I2'),
  breaking('qbft', 'without_lock', 'I2'),
  breaking('qbft', 'without_quorum', 'I2'),
  holding('epoch', 'I1 and I2 and I5'),
  { ...holding('epoch', 'I1 and I2 and I5'), init: 'fresh' },
  breaking('epoch', 'without_abort_first', 'I2'),
  breaking('epoch', 'without_all_ready', 'I1', 'fresh'),
  breaking('epoch', 'without_barrier', 'I5'),
]

const STEPS = 25
const SEED = '0x7'
const MINUTE_MS = 120_000

const require = createRequire(import.meta.url)
const root = dirname(require.resolve('@informalsystems/quint/package.json'))
const quint = join(root, 'dist/src/cli.js')

let failed = false
for (const { file, main, init, invariant, traces, holds } of RUNS) {
  const { stdout, stderr, status } = spawnSync(
    process.execPath,
    [quint, 'run', `test/model/${file}.qnt`, `--main=${main}`, `--invariant=${invariant}`]
      .concat([
        `--init=${init}`,
        `--max-samples=${traces}`,
        `--max-steps=${STEPS}`,
        `--seed=${SEED}`,
      ])
      .concat(['--backend=typescript', '--verbosity=1']),
    { encoding: 'utf8', timeout: MINUTE_MS },
  )
  const found = stdout.includes('[violation]')
  const isRight = holds ? status === 0 && stdout.includes('[ok]') : found
  failed ||= !isRight
  process.stdout.write(
    `${isRight ? 'ok  ' : 'FAIL'} ${file}/${main}: ${invariant} ${found ? 'is broken' : 'holds'}\n`,
  )
  if (!isRight) process.stdout.write(stdout + stderr)
}
process.exitCode = failed ? 1 : 0
