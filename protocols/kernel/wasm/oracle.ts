import type { Oracle } from '../../crypto/transcript.ts'
import type { Core } from './core.ts'

const KEY_BYTES = 32
const LENGTH_BYTES = 4 // u32 before each field
/** Of the framed fields that lie in the arena at once: whole chunks of the hash, and room for the rest beside them. */
const PIECE_BYTES = 128 * 1024

/** `RO` in the kernel. The framed fields go through the arena in pieces, so that they may be of any length. */
export function oracleOf(core: Core): Oracle {
  const keys = new Map<string, Uint8Array>() // of the tags that were asked for

  const keyOf = (tag: string): Uint8Array => {
    const known = keys.get(tag)
    if (known !== undefined) return known
    const key = core.run((arena) => {
      const context = new TextEncoder().encode(tag)
      const out = arena.reserve(KEY_BYTES)
      core.wasm.contextKeyOf(out, arena.put(context), context.length)
      return arena.get(out, KEY_BYTES)
    })
    keys.set(tag, key)
    return key
  }

  return (tag, length, ...fields) => {
    const key = keyOf(tag)
    return core.run((arena) => {
      core.wasm.oracleBeginWith(arena.put(key))
      const out = arena.reserve(length)
      const framed = fields.reduce((sum, field) => sum + LENGTH_BYTES + field.length, 0)
      const at = arena.reserve(Math.min(framed, PIECE_BYTES))
      const piece = arena.view(at, Math.min(framed, PIECE_BYTES))
      let used = 0
      const flush = (): void => {
        core.wasm.hashUpdate(at, used)
        used = 0
      }
      for (const field of fields) {
        for (let shift = 0; shift < 8 * LENGTH_BYTES; shift += 8) {
          if (used === PIECE_BYTES) flush()
          piece[used++] = field.length >>> shift
        }
        for (let taken = 0; taken < field.length; ) {
          if (used === PIECE_BYTES) flush()
          const some = field.subarray(taken, taken + PIECE_BYTES - used)
          piece.set(some, used)
          used += some.length
          taken += some.length
        }
      }
      flush()
      core.wasm.hashEnd(out, length)
      return arena.get(out, length)
    })
  }
}
