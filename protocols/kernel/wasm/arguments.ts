import { KernelMisuse } from '../kernel.ts'
import type { Core } from './core.ts'

export const SCALAR_BYTES = 32
export const POINT_BYTES = 33

/** Arguments that come from our own code: anything wrong with them is a defect, hence `KernelMisuse`. */
export function checkBytes(bytes: Uint8Array, length: number, name: string): void {
  if (bytes.length !== length) throw new KernelMisuse(`bug: ${name} must have ${length} bytes`)
}

export function checkU16(value: number, name: string): void {
  if (!Number.isInteger(value) || value < 0 || value > 0xffff)
    throw new KernelMisuse(`bug: ${name} is no u16`)
}

/** A Shamir point: u16, at least 1. */
export function checkIndex(x: number, name: string): void {
  checkU16(x, name)
  if (x === 0) throw new KernelMisuse(`bug: ${name} is no party index`)
}

/** A small number as a scalar. */
export function smallScalar(value: number): Uint8Array {
  const bytes = new Uint8Array(SCALAR_BYTES)
  new DataView(bytes.buffer).setUint32(SCALAR_BYTES - 4, value)
  return bytes
}

/** A canonical public scalar; for operations that do not look themselves. Runs outside of theirs: both use the arena. */
export function checkScalar({ wasm, arena }: Core, bytes: Uint8Array, name: string): void {
  checkBytes(bytes, SCALAR_BYTES, name)
  if (wasm.areScalars(arena.put(bytes), 1) !== 1)
    throw new KernelMisuse(`bug: ${name} is no scalar`)
}
