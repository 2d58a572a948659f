import { KernelMisuse } from '../kernel.ts'

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
