import type { Random } from '../../../../protocols/crypto/random.ts'
import { wordsOf } from '../../../../protocols/kernel/reference/hash.ts'
import type { Secrets } from '../../../../protocols/kernel/reference/secrets.ts'

/** Both sides of a setup as a trusted dealer would make them: for tests of what is built on it. */
export function dealtLeaves(random: Random): { bob: Secrets['bob']; alice: Secrets['alice'] } {
  const leaves = wordsOf(random(64 * 16 * 32))
  const delta = random(32)
  return { bob: { leaves }, alice: { leaves: without(leaves, delta), delta } }
}

/** Alice's leaves for this Δ: those of Bob with zeros at Δ_b. */
export function without(leaves: Uint32Array, delta: Uint8Array): Uint32Array {
  const known = leaves.slice()
  for (let b = 0; b < 64; b++) {
    const at = (16 * b + nibble(delta, b)) * 8
    known.fill(0, at, at + 8)
  }
  return known
}

/** Δ_b. */
export const nibble = (delta: Uint8Array, b: number): number =>
  ((delta[b >> 1] ?? 0) >> (4 * (b & 1))) & 15
