import assert from 'node:assert/strict'
import { consequence, type Fault, ProtocolError } from '../../protocols/session/faults.ts'
import type { Letter, Tamper } from '../../protocols/simulation/simulate.ts'

/** What a field holds, which decides how it can be wrong. Lists of points or scalars are spoilt in their first item. */
export type FieldType = 'bytes' | 'point' | 'scalar'

/** A field of a message, as the attacker sees it; the fields of a message lie one after the other. */
export interface Field {
  readonly name: string
  readonly length: number
  readonly type: FieldType
}

export const MALLORY = 2
const Q = Buffer.from('fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141', 'hex')
const OFF_CURVE = new Uint8Array(33) // x = 5 has no y on secp256k1
OFF_CURVE[0] = 2
OFF_CURVE[32] = 5
const ABOVE_FIELD = new Uint8Array(33).fill(0xff)
ABOVE_FIELD[0] = 2

/** Ways to spoil one field that depend on nothing else. `undefined`: not for this type. */
type OwnSpoil =
  | 'a flipped bit'
  | 'zeroed'
  | 'cut'
  | 'extended'
  | 'off the curve'
  | 'beyond the field'
  | 'the identity'
  | 'uncompressed prefix'
  | 'not below q'

const SPOILS: Record<OwnSpoil, (field: Uint8Array, type: FieldType) => Uint8Array | undefined> = {
  'a flipped bit': (field, type) =>
    // Of a point, the parity: the result is a point again. Of a scalar, the lowest bit: still below q.
    type === 'scalar' ? flip(field, 31, 1) : flip(field, 0, 1),
  zeroed: (field) => new Uint8Array(field.length),
  cut: (field) => field.slice(1),
  extended: (field) => new Uint8Array([...field, 0]),
  'off the curve': (field, type) => (type === 'point' ? overlay(field, OFF_CURVE) : undefined),
  'beyond the field': (field, type) => (type === 'point' ? overlay(field, ABOVE_FIELD) : undefined),
  'the identity': (field, type) =>
    type === 'point' ? overlay(field, new Uint8Array(33)) : undefined,
  'uncompressed prefix': (field, type) =>
    type === 'point' ? overlay(field, Uint8Array.of(4)) : undefined,
  'not below q': (field, type) => (type === 'scalar' ? overlay(field, Q) : undefined),
}

/** Ways that take the field from elsewhere. */
const SOURCES = ['of an older session', 'of another peer'] as const

export type Spoil = keyof typeof SPOILS | (typeof SOURCES)[number] | 'told differently to one peer'

/** Ways to treat a whole message. */
export const TREATMENTS = [
  'replayed from an older session',
  'replaced by that of another peer',
  'sent to the wrong party',
  'sent twice',
  'sent twice, differently',
  'withheld',
] as const
export type Treatment = (typeof TREATMENTS)[number]

/** `kind round`, or 'ok' when nothing happens to anyone. */
export type Expected = string

export interface FieldRow {
  readonly round: string
  readonly field: string
  readonly spoil: Spoil
}

/** Every row that a message's fields ask for. */
export function rowsOf(round: string, fields: readonly Field[], broadcast: boolean): FieldRow[] {
  const spoils = (type: FieldType): Spoil[] => [
    ...(Object.keys(SPOILS) as OwnSpoil[]).filter(
      (spoil) => SPOILS[spoil](new Uint8Array(64), type) !== undefined,
    ),
    ...SOURCES,
    ...(broadcast ? (['told differently to one peer'] as const) : []),
  ]
  return fields.flatMap(({ name, type }) =>
    spoils(type).map((spoil) => ({ round, field: name, spoil })),
  )
}

/** The letters of an honest run, to take other sessions' and other peers' fields from. */
export type Archive = readonly Letter[]

export const letterIn = (archive: Archive, round: string, from: number, to: number): Uint8Array => {
  const found = archive.find(
    (letter) => letter.round === round && letter.from === from && letter.to === to,
  )
  assert.ok(found, `no ${round} from ${from} to ${to}`)
  return found.bytes
}

export interface Elsewhere {
  /** An older session of the same parties. */
  readonly older: Archive
  /** This same session, run honestly before: what other peers say in it. */
  readonly honest: Archive
  /** The peer whose values Mallory borrows. */
  readonly other: number
}

/** Mallory's letters with one field spoilt. */
export function spoiling(
  { round, field, spoil }: FieldRow,
  fields: readonly Field[],
  { older, honest, other }: Elsewhere,
): Tamper {
  const at = fields.findIndex(({ name }) => name === field)
  const start = fields.slice(0, at).reduce((sum, { length }) => sum + length, 0)
  const { length, type } = fields[at] ?? { length: 0, type: 'bytes' }
  const part = (bytes: Uint8Array) => bytes.subarray(start, start + length)
  const replaced = (letter: Letter): Uint8Array => {
    const mine = part(letter.bytes)
    const value = () => {
      switch (spoil) {
        case 'of an older session':
          return part(letterIn(older, round, MALLORY, letter.to))
        case 'of another peer':
          return part(letterOfOther(honest, round, other, letter.to))
        case 'told differently to one peer':
          return letter.to === 1 ? (SPOILS['a flipped bit'](mine, type) ?? mine) : mine
        default:
          return SPOILS[spoil](mine, type) ?? mine
      }
    }
    const before = letter.bytes.subarray(0, start)
    const after = letter.bytes.subarray(start + length)
    return new Uint8Array([...before, ...value(), ...after])
  }
  return (letter) =>
    letter.from === MALLORY && letter.round === round ? replaced(letter) : letter.bytes
}

/** What `other` says to `to`; to itself it says nothing, so there Mallory takes what it says to her. */
const letterOfOther = (archive: Archive, round: string, other: number, to: number): Uint8Array =>
  letterIn(archive, round, other, to === other ? MALLORY : to)

/** Mallory's letters of one round treated as a whole. */
export function treating(
  round: string,
  treatment: Treatment,
  { older, honest, other }: Elsewhere,
): Tamper {
  return (letter) => {
    if (letter.from !== MALLORY || letter.round !== round) return letter.bytes
    switch (treatment) {
      case 'replayed from an older session':
        return letterIn(older, round, MALLORY, letter.to)
      case 'replaced by that of another peer':
        return letterOfOther(honest, round, other, letter.to)
      case 'sent to the wrong party':
        return letter.to === 1 ? letterIn(honest, round, MALLORY, other) : letter.bytes
      case 'sent twice':
        return [letter, letter]
      case 'sent twice, differently':
        return [letter, { ...letter, bytes: flip(letter.bytes, 0, 1) }]
      case 'withheld':
        return undefined
    }
  }
}

/**
 * Everyone but Mallory ended, as expected: with a result when nothing was to happen, otherwise without
 * one, and every fault that is not a mere consequence is the expected one and names her, where its kind
 * names anyone. `open`: honest parties may also name each other (the culprit is open, 02 §12). `nobody`: no
 * honest party at all may keep a result.
 */
export function assertOutcome(
  results: readonly PromiseSettledResult<unknown>[],
  expected: Expected,
  { open = false, nobody = false }: { open?: boolean; nobody?: boolean } = {},
): void {
  const honest = results.filter((_, at) => at + 1 !== MALLORY)
  const reasons = honest.map((result): Fault | undefined => {
    if (result.status === 'fulfilled') return undefined
    assert.ok(result.reason instanceof ProtocolError, String(result.reason))
    return result.reason.fault
  })
  if (expected === 'ok') {
    assert.deepEqual(
      reasons,
      honest.map(() => undefined),
    )
    assert.ok(results.every(({ status }) => status === 'fulfilled'))
    return
  }
  assert.ok(reasons[0] !== undefined, 'party 1 keeps no result')
  if (nobody) assert.ok(!reasons.includes(undefined), 'nobody keeps a result')
  const faults = reasons.filter((fault) => fault !== undefined && fault.kind !== 'cancelled')
  assert.ok(faults.length > 0, 'somebody says why')
  for (const fault of faults) {
    assert.ok(fault !== undefined && 'round' in fault)
    assert.equal(`${fault.kind} ${fault.round}`, expected)
    if ('from' in fault && !(open && consequence(fault) === 'retry'))
      assert.equal(fault.from, MALLORY)
    if (fault.kind === 'timeout') assert.deepEqual(fault.missing, [MALLORY])
  }
}

function flip(bytes: Uint8Array, at: number, bits: number): Uint8Array {
  return bytes.with(at, (bytes[at] ?? 0) ^ bits)
}

function overlay(bytes: Uint8Array, start: Uint8Array): Uint8Array {
  const changed = bytes.slice()
  changed.set(start)
  return changed
}

/** Expectations by field; `otherwise` for every spoil that is not named. Wrong lengths are `malformed` everywhere. */
export type FieldExpectations = { readonly otherwise: Expected } & {
  readonly [Way in Spoil]?: Expected
}

export function expectedOf(
  table: Readonly<Record<string, Readonly<Record<string, FieldExpectations>>>>,
  { round, field, spoil }: FieldRow,
): Expected {
  const row = table[round]?.[field]
  assert.ok(row, `no row for ${field} of ${round}`)
  if (spoil === 'cut' || spoil === 'extended') return `malformed ${round}`
  return row[spoil] ?? row.otherwise
}
