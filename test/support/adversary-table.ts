import assert from 'node:assert/strict'
import type { Letter, Tamper } from '../../protocols/simulation/simulate.ts'
import {
  type Archive,
  assertOutcome,
  type Elsewhere,
  type Expected,
  expectedOf,
  type Field,
  type FieldExpectations,
  type FieldRow,
  rowsOf,
  spoiling,
  TREATMENTS,
  type Treatment,
  treating,
} from './run-cheats.ts'
import { valuesOf } from './run-keygen.ts'

/** A field of the given length in bytes. */
export const bytes = (name: string, length: number): Field => ({ name, length, type: 'bytes' })

/** A compressed point, or a list of them `length` bytes long. */
export const point = (name: string, length = 33): Field => ({ name, length, type: 'point' })

/** A scalar, or a list of them `length` bytes long. */
export const scalar = (name: string, length = 32): Field => ({ name, length, type: 'scalar' })

type ByRound<T> = Readonly<Record<string, T>>

/** What Mallory can do to the messages of one protocol, by round, and what must come of it. */
export interface AdversaryTable {
  /** The fields of each message, one after the other. */
  readonly fields: ByRound<readonly Field[]>
  /** The length in bytes of each message, by its codec. */
  readonly sizes: ByRound<number>
  readonly expected: ByRound<Readonly<Record<string, FieldExpectations>>>
  readonly treated: ByRound<Readonly<Record<Treatment, Expected>>>
}

type Results = readonly PromiseSettledResult<unknown>[]
type Allowed = Parameters<typeof assertOutcome>[2]

/** How the cheats of a table are run. */
export interface Cheats {
  readonly run: (tamper: Tamper) => Promise<Results>
  /** Asked inside the tests, so that a `before` can prepare it. */
  readonly elsewhere: () => Elsewhere
}

/** What spoils a point so that it is none. */
type NoPoint =
  | 'zeroed'
  | 'off the curve'
  | 'beyond the field'
  | 'the identity'
  | 'uncompressed prefix'

/** A point that is none is refused as `malformed` in this round. */
export const noPoint = (round: string): Readonly<Record<NoPoint, Expected>> => ({
  zeroed: `malformed ${round}`,
  'off the curve': `malformed ${round}`,
  'beyond the field': `malformed ${round}`,
  'the identity': `malformed ${round}`,
  'uncompressed prefix': `malformed ${round}`,
})

/** The letters of an honest run, which must succeed for everyone. */
export async function lettersOf(run: (tamper: Tamper) => Promise<Results>): Promise<Archive> {
  const letters: Letter[] = []
  valuesOf(
    await run((letter) => {
      letters.push(letter)
      return letter.bytes
    }),
  )
  return letters
}

/** The table has exactly these rounds, fields for every byte of them, and an expectation for every row. */
export function assertComplete(table: AdversaryTable, rounds: readonly string[]): void {
  assert.deepEqual(Object.keys(table.fields), rounds)
  for (const round of rounds) {
    const fields = table.fields[round] ?? []
    assert.equal(
      fields.reduce((sum, { length }) => sum + length, 0),
      table.sizes[round],
    )
    assert.deepEqual(
      Object.keys(table.expected[round] ?? {}),
      fields.map(({ name }) => name),
    )
    assert.deepEqual(Object.keys(table.treated[round] ?? {}), TREATMENTS)
  }
}

/** A table of one message need not name it in every row. */
const isAlone = ({ fields }: AdversaryTable): boolean => Object.keys(fields).length === 1

/** One test for every way to spoil every field; `broadcast`: everyone is to get the same in this round. */
export function testFields(
  table: AdversaryTable,
  { run, elsewhere }: Cheats,
  broadcast: (round: string) => boolean,
  allowed: (row: FieldRow) => Allowed = () => ({}),
): void {
  for (const [round, fields] of Object.entries(table.fields))
    for (const row of rowsOf(round, fields, broadcast(round))) {
      const expected = expectedOf(table.expected, row)
      const field = isAlone(table) ? row.field : `${row.field} of ${round}`
      it(`${field}, ${row.spoil}: ${expected}`, async () => {
        const results = await run(spoiling(row, fields, elsewhere()))
        assertOutcome(results, expected, allowed(row))
      })
    }
}

/** One test for every way to treat every message as a whole. */
export function testTreatments(
  table: AdversaryTable,
  { run, elsewhere }: Cheats,
  allowed: (round: string) => Allowed = () => ({}),
): void {
  for (const [round, treatments] of Object.entries(table.treated))
    for (const treatment of TREATMENTS) {
      const expected = treatments[treatment]
      const message = isAlone(table) ? 'the message' : round
      it(`${message} ${treatment}: ${expected}`, async () => {
        const results = await run(treating(round, treatment, elsewhere()))
        assertOutcome(results, expected, allowed(round))
      })
    }
}
