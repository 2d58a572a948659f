import assert from 'node:assert/strict'
import { type Edit, mutant } from './mutant.ts'
import { firstViolation } from './search.ts'
import type { Lack } from './world.ts'

interface Guard {
  readonly without: string
  readonly lack?: Lack
  readonly edits?: readonly Edit[]
  /** What must then be found. */
  readonly breaks: RegExp
}

const GUARDS: readonly Guard[] = [
  { without: 'the durable record', lack: { record: true }, breaks: /^fork|convicted/ },
  { without: 'one vote of each certificate', lack: { vote: true }, breaks: /^fork/ },
  {
    without: 'the rule of the prepared value',
    edits: [
      {
        file: 'qbft.ts',
        from: 'change?.vote.value ?? this.#values[0]?.value',
        to: 'this.#values[0]?.value ?? change?.vote.value',
      },
      { file: 'checks.ts', from: 'const round = highestPrepared(changes)', to: 'const round = 0' },
      {
        file: 'qbft.ts',
        from: 'of prepares) {',
        to: "of vote.kind === 'round-change' ? prepares : []) {",
      },
    ],
    breaks: /^fork/,
  },
  ...(['pre-prepare', 'prepare'] as const).map((kind) => ({
    without: `the stored bytes of a ${kind}`,
    edits: [
      {
        file: 'record.ts',
        from: 'SENT_ORDER.map((kind) => sent[kind] ?? null)',
        to: `SENT_ORDER.map((kind) => (kind === '${kind}' ? null : (sent[kind] ?? null)))`,
      },
    ],
    breaks: /convicted/,
  })),
]

describe('the search finds what follows without', () => {
  for (const { without, lack = {}, edits, breaks } of GUARDS)
    it(without, async () => {
      const Machine = edits === undefined ? undefined : await mutant(edits)
      const found = firstViolation(1, 2_500, { ...lack, ...(Machine && { Machine }) })
      assert.match(found?.violation ?? 'nothing', breaks)
    }).timeout(120_000)
})
