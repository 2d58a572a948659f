import { equal } from 'node:assert/strict'
import { bigEndian, invert, mod } from '../../protocols/kernel/reference/curve.ts'
import { Arena, anyScalar } from '../protocols/kernel/assembly/arena.ts'
import { checkScalars } from '../protocols/kernel/assembly/check-scalars.ts'
import { seeded } from '../support/seeded.ts'

const CASES = 100_000

describe('scalars of the kernel, many', function () {
  this.timeout(600_000)
  let arena: Arena
  before(async () => {
    arena = await Arena.of('hashing')
  })

  it(`equal the integers mod q in ${CASES} random cases`, () => {
    const random = seeded('kernel scalars, many')
    for (let i = 0; i < CASES; i++) checkScalars(arena, anyScalar(random), anyScalar(random))
  })

  it(`reduce ${CASES} wide numbers, and invert every tenth`, () => {
    const random = seeded('kernel wide, many')
    arena.clear()
    const [bytes, out] = [arena.room(64), arena.room(32)]
    for (let i = 0; i < CASES; i++) {
      const wide = random(64)
      arena.write(bytes, wide)
      arena.call['scWide']?.(out, bytes)
      const value = arena.readScalar(out)
      equal(value, mod(bigEndian(wide)))
      if (i % 10 !== 0) continue
      arena.call['scInvert']?.(out, out)
      equal(arena.readScalar(out), value === 0n ? 0n : invert(value))
    }
  })
})
