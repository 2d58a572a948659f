/**
 * The map of linear memory: what the modules declare as static data comes first, then, from the heap's
 * base on, the I/O arena, the table of slots and the slots. Nothing is ever allocated.
 */
export const MEMORY_BYTES: usize = 128 * 65536 // 8 MiB, fixed (02 §14)

/** Messages in and out. The largest are the proofs of a whole chunk: 2,048 × 65 bytes, over their inputs. */
export const ARENA_BYTES: usize = 160 * 1024
export const ARENA: usize = (__heap_base + 63) & ~63
export const AFTER_ARENA: usize = ARENA + ARENA_BYTES

/** Zeroes `bytes` at `at`: the wipe. */
export function zero(at: usize, bytes: usize): void {
  memory.fill(at, 0, bytes)
}
