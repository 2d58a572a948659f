import { deepEqual, equal } from 'node:assert/strict'
import { tags } from '../../../../protocols/crypto/tags.ts'
import { oracle } from '../../../../protocols/crypto/transcript.ts'
import { bit } from '../../../../protocols/kernel/reference/fields.ts'
import { bytesOf, wordsOf } from '../../../../protocols/kernel/reference/hash.ts'
import {
  COLUMN_WORDS,
  extendAlice,
  extendBob,
  foldRow,
} from '../../../../protocols/kernel/reference/softspoken.ts'
import { transpose } from '../../../../protocols/kernel/reference/transpose.ts'
import { seeded } from '../../../support/seeded.ts'
import { dealtLeaves, without } from './dealt-leaves.ts'

const random = seeded('softspoken')
const sid = random(32)
const { bob, alice } = dealtLeaves(random)
const choice = random(80)
const { m1, columns } = extendBob(bob.leaves, sid, choice)

describe('extension of base OTs', () => {
  it("gives Alice rows w = v ⊕ Δ·c'", () => {
    const mine = extendAlice(alice.leaves, alice.delta, sid, m1)
    const delta = wordsOf(alice.delta)
    for (let j = 0; j < 640; j++) {
      const v = columns.slice(j * COLUMN_WORDS, (j + 1) * COLUMN_WORDS)
      const expected = v.map((word, k) => word ^ ((delta[k] ?? 0) & -bit(choice, j)))
      deepEqual(mine?.slice(j * COLUMN_WORDS, (j + 1) * COLUMN_WORDS), expected)
    }
  })

  it('refuses m1 with a bit of U, x̂ or t̂ changed', () => {
    for (const at of [0, 4096 + 1000, 5120, 5135, 5136, 5136 + 16 * 255 + 15]) {
      const changed = m1.slice()
      changed[at] = (changed[at] ?? 0) ^ 0x10
      equal(extendAlice(alice.leaves, alice.delta, sid, changed), undefined)
    }
  })

  it('refuses m1 of another execution', () => {
    equal(extendAlice(alice.leaves, alice.delta, seeded('other')(32), m1), undefined)
  })

  it('passes an error in one block of U with t̂ adjusted to a guess of Δ_b for exactly that guess', () => {
    const block = 23
    for (const guess of [0, 5, 15]) {
      const passed: number[] = []
      const forged = forge(block, guess)
      for (let actual = 0; actual < 16; actual++) {
        const delta = withNibble(alice.delta, block, actual)
        const leaves = without(bob.leaves, delta)
        if (extendAlice(leaves, delta, sid, forged) !== undefined) passed.push(actual)
      }
      deepEqual(passed, [guess])
    }
  })
})

/** The adaptive Bob of 02 §13.1: an error E in U_b, and t̂ as if Δ_b were `guess`. */
function forge(block: number, guess: number): Uint8Array {
  const forged = m1.slice()
  const error = new Uint8Array(80)
  error[11] = 0x40
  for (let k = 0; k < 80; k++) {
    forged[80 * block + k] = (forged[80 * block + k] ?? 0) ^ (error[k] ?? 0)
  }
  const chi = wordsOf(oracle(tags.rvoleChi, 64, sid, forged.slice(0, 5120)))
  const rows = transpose(columns, 640, COLUMN_WORDS)
  const slip = foldRow(chi, wordsOf(error))
  forged.set(bytesOf(foldRow(chi, wordsOf(choice))), 5120)
  for (let r = 0; r < 256; r++) {
    const t = foldRow(chi, rows.slice(20 * r, 20 * (r + 1)))
    const counts = r >> 2 === block && ((guess >> (r & 3)) & 1) === 1
    const adjusted = counts ? t.map((word, k) => word ^ (slip[k] ?? 0)) : t
    forged.set(bytesOf(adjusted), 5136 + 16 * r)
  }
  return forged
}

function withNibble(delta: Uint8Array, block: number, value: number): Uint8Array {
  const changed = delta.slice()
  const shift = 4 * (block & 1)
  changed[block >> 1] = ((changed[block >> 1] ?? 0) & ~(15 << shift)) | (value << shift)
  return changed
}
