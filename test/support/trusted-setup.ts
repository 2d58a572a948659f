import type { Handle, Kernel } from '../../protocols/kernel/kernel.ts'
import { mod, type Random, randomScalar } from '../../protocols/kernel/reference/curve.ts'
import { wordsOf } from '../../protocols/kernel/reference/hash.ts'
import { BLOCKS, LEAVES, NODE_WORDS } from '../../protocols/kernel/reference/pprf.ts'
import { referenceKernel } from '../../protocols/kernel/reference/reference-kernel.ts'
import { Slots } from '../../protocols/kernel/reference/slots.ts'

/**
 * A dealer that both guests of a pair trust hands them the outcome of a pair
 * setup without the base OTs, which take seconds in this kernel.
 */
export interface OpenKernel {
  readonly kernel: Kernel
  /** The kernel's own slots: whoever holds them can place secrets in it. */
  readonly slots: Slots
}

/** One guest's secrets of a pair setup (02 §2.5). */
export interface DealtPair {
  readonly alice: Handle<'alice'>
  readonly bob: Handle<'bob'>
  readonly zeta: Handle<'zeta'>
}

export function openKernel(random: Random): OpenKernel {
  const slots = new Slots()
  return { kernel: referenceKernel(random, slots), slots }
}

/** Places matching halves of one pair setup, both directions, in the kernels of lo and hi. */
export function dealPair(
  random: Random,
  lo: OpenKernel,
  hi: OpenKernel,
): { readonly lo: DealtPair; readonly hi: DealtPair } {
  const first = dealDirection(random, lo, hi)
  const second = dealDirection(random, hi, lo)
  const seed = random(32)
  return {
    lo: {
      ...first.alice,
      ...second.bob,
      zeta: lo.slots.put('zeta', { seed: Uint8Array.from(seed) }),
    },
    hi: {
      ...second.alice,
      ...first.bob,
      zeta: hi.slots.put('zeta', { seed: Uint8Array.from(seed) }),
    },
  }
}

/** Places both halves of one correlation in the kernels of lo and hi: c + d = a·b in both directions. */
export function dealCorrelation(
  random: Random,
  lo: OpenKernel,
  hi: OpenKernel,
): { readonly lo: Handle<'correlation'>; readonly hi: Handle<'correlation'> } {
  const draw = () => randomScalar(random)
  const direction = () => {
    const alice = { a1: draw(), a2: draw(), c1: draw(), c2: draw() }
    const b = draw()
    const d1 = mod(alice.a1 * b - alice.c1)
    const d2 = mod(alice.a2 * b - alice.c2)
    return { alice, bob: { b, d1, d2 } }
  }
  const [zero, one] = [direction(), direction()]
  return {
    lo: lo.slots.put('correlation', { ...zero.alice, ...one.bob }),
    hi: hi.slots.put('correlation', { ...one.alice, ...zero.bob }),
  }
}

/** Bob gets all leaves of all blocks; Alice gets Δ and all leaves but the one at Δ_b of each block. */
function dealDirection(random: Random, alice: OpenKernel, bob: OpenKernel) {
  const leaves = wordsOf(random(BLOCKS * LEAVES * NODE_WORDS * 4))
  const delta = Uint8Array.from(random(BLOCKS / 2))
  const known = leaves.slice()
  for (let block = 0; block < BLOCKS; block++) {
    const hidden = ((delta[block >> 1] ?? 0) >> (4 * (block & 1))) & (LEAVES - 1)
    const at = (block * LEAVES + hidden) * NODE_WORDS
    known.fill(0, at, at + NODE_WORDS)
  }
  return {
    alice: { alice: alice.slots.put('alice', { leaves: known, delta }) },
    bob: { bob: bob.slots.put('bob', { leaves }) },
  }
}
