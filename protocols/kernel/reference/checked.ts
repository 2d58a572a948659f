import { KernelMisuse } from '../kernel.ts'
import { POINT_BYTES, type Point, readPoint, readPoints, readScalar } from './curve.ts'
import { isU16 } from './fields.ts'

/** Arguments that come from our own code: anything wrong with them is a defect, hence `KernelMisuse`. */
export function checkBytes(bytes: Uint8Array, length: number, name: string): void {
  if (bytes.length !== length) throw new KernelMisuse(`bug: ${name} must have ${length} bytes`)
}

export function checkedScalar(bytes: Uint8Array, name: string): bigint {
  const scalar = readScalar(bytes)
  if (scalar === undefined) throw new KernelMisuse(`bug: ${name} is no scalar`)
  return scalar
}

export function checkedPoint(bytes: Uint8Array, name: string): Point {
  const point = readPoint(bytes)
  if (point === undefined) throw new KernelMisuse(`bug: ${name} is no point`)
  return point
}

/** At least one point. */
export function checkedPoints(bytes: Uint8Array, name: string): Point[] {
  const points = bytes.length < POINT_BYTES ? undefined : readPoints(bytes)
  if (points === undefined) throw new KernelMisuse(`bug: ${name} is no list of points`)
  return points
}

/** A Shamir point: u16, at least 1. */
export function checkIndex(x: number, name: string): void {
  if (!isU16(x) || x === 0) throw new KernelMisuse(`bug: ${name} is no party index`)
}

export function checkU16(value: number, name: string): void {
  if (!isU16(value)) throw new KernelMisuse(`bug: ${name} is no u16`)
}
