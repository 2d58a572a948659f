import { deepEqual, equal, ok } from 'node:assert/strict'
import type { Random } from '../../protocols/crypto/random.ts'
import type { Kernel } from '../../protocols/kernel/kernel.ts'
import { wasmKernel } from '../../protocols/kernel/load.ts'
import { referenceKernel } from '../../protocols/kernel/reference/reference-kernel.ts'

const HANDLES_FROM = 4096 // no slot 0, no generation 0; numbers of these tests are smaller or no handle
type Operation = (...given: unknown[]) => unknown

/**
 * Two kernels as one: every operation runs in WebAssembly and in the reference, over the same randomness, and
 * must draw the same, answer the same bytes or throw the same error, and hold as many secrets afterwards.
 */
export function twinKernel(random: Random): Kernel {
  const drawn: Uint8Array[] = []
  const wasm = wasmKernel((length) => {
    const bytes = random(length)
    drawn.push(bytes.slice())
    return bytes
  })
  const reference = referenceKernel((length) => {
    const bytes = drawn.shift()
    equal(bytes?.length, length, 'both draw the same lengths in the same order')
    return bytes as Uint8Array
  })
  const partners = new Map<number, number>()

  const translated = (value: unknown): unknown => {
    if (typeof value === 'number') return partners.get(value) ?? value
    if (value instanceof Uint8Array) return value.slice() // some are wiped
    if (Array.isArray(value)) return value.map(translated)
    if (typeof value !== 'object' || value === null) return value
    return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, translated(each)]))
  }
  const compare = (mine: unknown, theirs: unknown, name: string): void => {
    if (typeof mine === 'number' && typeof theirs === 'number' && mine >= HANDLES_FROM) {
      ok(theirs > 0, name)
      partners.set(mine, theirs)
    } else if (mine instanceof Uint8Array) {
      ok(theirs instanceof Uint8Array && Buffer.from(mine).equals(theirs), `${name}: other bytes`)
    } else if (typeof mine !== 'object' || mine === null) {
      deepEqual(mine, theirs, name)
    } else {
      const both = theirs as Record<string, unknown>
      deepEqual(Object.keys(mine).sort(), Object.keys(both).sort(), name)
      for (const [field, inner] of Object.entries(mine)) {
        compare(inner, both[field], `${name}.${field}`)
      }
    }
  }
  const twice = (name: string, given: unknown[]): unknown => {
    const operation = (kernel: Kernel): Operation =>
      Reflect.get(kernel, name) as unknown as Operation
    const copies = given.map(translated)
    const mine = outcome(() => operation(wasm)(...given))
    const theirs = outcome(() => operation(reference)(...copies))
    equal(mine.error?.name, theirs.error?.name, `${name}: ${mine.error} against ${theirs.error}`)
    equal(drawn.length, 0, `${name} drew more in WebAssembly`)
    if (mine.error !== undefined) throw mine.error
    compare(mine.value, theirs.value, name)
    equal(wasm.held, reference.held, `${name}: as many secrets`)
    return mine.value
  }
  return new Proxy(wasm, {
    get(_, name) {
      if (name === 'held') return wasm.held
      if (name === 'name') return 'wasm'
      return (...given: unknown[]) => twice(String(name), given)
    },
  })
}

/** What an operation gave, or the error it threw. */
function outcome(operation: () => unknown): { value?: unknown; error?: Error } {
  try {
    return { value: operation() }
  } catch (error) {
    if (error instanceof Error) return { error }
    throw error
  }
}
