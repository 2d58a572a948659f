import { scIsZero, scWide } from './scalar'
import { zero } from './memory'

/** Fills memory with secret random bytes: the only import (02 §14). */
// @ts-ignore: decorator
@external("env", "entropy")
export declare function entropy(at: usize, length: usize): void

const WIDE_BYTES: usize = 64
const drawn = memory.data(64, 16)

/** wide of 64 random bytes, never 0; the branch is taken once in 2^256 draws and tells nothing but that. */
export function randomScalar(out: usize): void {
  do {
    entropy(drawn, WIDE_BYTES)
    scWide(out, drawn)
  } while (scIsZero(out))
  zero(drawn, WIDE_BYTES)
}
