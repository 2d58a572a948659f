import { tags } from '../../protocols/crypto/tags.ts'
import { oracle } from '../../protocols/crypto/transcript.ts'
import { bytesOf, wordsOf } from '../../protocols/kernel/reference/hash.ts'
import { COLUMN_WORDS, extendBob, foldRow } from '../../protocols/kernel/reference/softspoken.ts'
import { transpose } from '../../protocols/kernel/reference/transpose.ts'

/**
 * The adaptive Bob of 02 §13.1: his own m1 with an error in one block of U, and t̂ as if Δ of that block were
 * `guess`. It passes Alice's check for exactly that one of 16 values.
 */
export function forgeM1(
  leaves: Uint32Array,
  sid: Uint8Array,
  m1: Uint8Array,
  block: number,
  guess: number,
): Uint8Array {
  const blank = extendBob(leaves, sid, new Uint8Array(80)) // U of c' = 0, and v, which c' does not touch
  const choice = m1.slice(0, 80).map((byte, k) => byte ^ (blank.m1[k] ?? 0))
  const error = new Uint8Array(80)
  error[11] = 0x40
  const forged = m1.slice()
  for (const [k, byte] of error.entries())
    forged[80 * block + k] = (forged[80 * block + k] ?? 0) ^ byte
  const chi = wordsOf(oracle(tags.rvoleChi, 64, sid, forged.slice(0, 5120)))
  const rows = transpose(blank.columns, 640, COLUMN_WORDS)
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

/** Δ of a block: what a guess has to be. */
export const nibbleOf = (delta: Uint8Array, block: number): number =>
  ((delta[block >> 1] ?? 0) >> (4 * (block & 1))) & 15
