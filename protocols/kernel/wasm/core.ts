import { type Handle, type HandleKind, KernelFull, KernelMisuse } from '../kernel.ts'
import { Arena } from './arena.ts'
import { CODES, KINDS } from './codes.ts'
import type { Exports } from './exports.ts'

/** One instance: its operations, its arena, and what follows from its answers. */
export class Core {
  readonly wasm: Exports
  readonly arena: Arena

  constructor(wasm: Exports) {
    this.wasm = wasm
    this.arena = new Arena(wasm.memory.buffer, wasm.arenaAt(), wasm.arenaBytes())
  }

  /** One operation: the arena is empty before it and zeroed after it. */
  run<Result>(operation: (arena: Arena) => Result): Result {
    try {
      return operation(this.arena)
    } catch (cause) {
      // A trap: memory was not what the kernel takes it to be.
      if (cause instanceof Error && cause.name === 'RuntimeError')
        throw new KernelMisuse('bug: the kernel trapped', { cause })
      throw cause
    } finally {
      this.arena.clear()
    }
  }

  /** An answer that is no handle, or `made`. Throws `KernelMisuse` and `KernelFull`. */
  answer(answer: number): number {
    const code = answer >>> 0
    if (code === CODES.misuse) throw new KernelMisuse('bug: a handle or an argument is wrong')
    if (code === CODES.full) throw new KernelFull('no slot of that size is free')
    return code
  }

  /** A handle of a new secret, where the operation gives nothing else. */
  made<Kind extends HandleKind>(answer: number): Handle<Kind> {
    const handle = this.answer(answer)
    if (handle <= CODES.full) throw new KernelMisuse(`bug: answer ${handle} where none is known`)
    return handle as Handle<Kind>
  }

  /** Throws `KernelMisuse` unless this is a live handle of that kind. */
  check<Kind extends HandleKind>(handle: Handle<Kind>, kind: Kind): void {
    if (handle >>> 0 !== handle || this.wasm.kind(handle) !== KINDS[kind])
      throw new KernelMisuse(`bug: no ${kind} has this handle`)
  }

  /** Uses a secret for the last time: it is wiped whatever `use` does. */
  consume<Kind extends HandleKind, Result>(
    handle: Handle<Kind>,
    kind: Kind,
    use: () => Result,
  ): Result {
    this.check(handle, kind)
    try {
      return use()
    } finally {
      this.wasm.wipe(handle)
    }
  }
}
