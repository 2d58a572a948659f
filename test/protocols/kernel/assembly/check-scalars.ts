import { equal } from 'node:assert/strict'
import { mod } from '../../../../protocols/kernel/reference/curve.ts'
import type { Arena } from './arena.ts'

/** Sum, difference, negative and product of two scalars, also over the inputs themselves. */
export function checkScalars(arena: Arena, a: bigint, b: bigint): void {
  arena.clear()
  const [x, y] = [arena.putScalar(a), arena.putScalar(b)]
  const out = arena.room(32)
  const { scAdd, scSub, scNeg, scMul } = arena.call
  const seed = `${a} ${b}`
  scAdd?.(out, x, y)
  equal(arena.readScalar(out), mod(a + b), seed)
  scSub?.(out, x, y)
  equal(arena.readScalar(out), mod(a - b), seed)
  scNeg?.(out, x)
  equal(arena.readScalar(out), mod(-a), seed)
  scMul?.(out, x, y)
  equal(arena.readScalar(out), mod(a * b), seed)
  scMul?.(x, x, x)
  equal(arena.readScalar(x), mod(a * a), seed)
  scAdd?.(y, y, y)
  equal(arena.readScalar(y), mod(2n * b), seed)
}
