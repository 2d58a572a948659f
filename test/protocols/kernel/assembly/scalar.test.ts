import { equal } from 'node:assert/strict'
import {
  bigEndian,
  invert,
  mod,
  q,
  writeScalar,
} from '../../../../protocols/kernel/reference/curve.ts'
import { seeded } from '../../../support/seeded.ts'
import { Arena, anyScalar, COMPILATION_TIMEOUT_MS, EDGES } from './arena.ts'
import { checkScalars } from './check-scalars.ts'

const ALL = (1n << 256n) - 1n

describe('scalars of the kernel', () => {
  let arena: Arena
  before(async function () {
    this.timeout(COMPILATION_TIMEOUT_MS)
    arena = await Arena.of('hashing')
  })
  beforeEach(() => arena.clear())

  it('add, subtract, negate and multiply as the integers mod q, at every pair of edges', () => {
    for (const a of EDGES) for (const b of EDGES) checkScalars(arena, a, b)
  })

  it('add, subtract, negate and multiply as the integers mod q, at random', () => {
    const random = seeded('kernel scalars')
    for (let i = 0; i < 3_000; i++) checkScalars(arena, anyScalar(random), anyScalar(random))
  })

  it('invert, and give 0 for 0', () => {
    const random = seeded('kernel inverses')
    const out = arena.room(32)
    for (const a of [...EDGES, ...Array.from({ length: 50 }, () => anyScalar(random))]) {
      arena.call['scInvert']?.(out, arena.putScalar(a))
      equal(arena.readScalar(out), a === 0n ? 0n : invert(a))
    }
  })

  it('are read from 32 bytes big-endian, only when they are below q', () => {
    const bytes = arena.room(32)
    const out = arena.room(32)
    for (const value of [...EDGES, q, q + 1n, ALL, ALL - 1n]) {
      arena.write(bytes, writeScalar(value))
      equal(arena.call['scLoad']?.(out, bytes), value < q ? 1 : 0)
      if (value < q) equal(arena.readScalar(out), value)
      equal(arena.call['scalarsCanonical']?.(bytes, 1), value < q ? 1 : 0)
      arena.call['scLoadReduced']?.(out, bytes)
      equal(arena.readScalar(out), value % q)
    }
  })

  it('are found not canonical wherever in a list one is q or more', () => {
    const list = arena.put(Buffer.concat([3n, q - 1n, 0n].map(writeScalar)))
    equal(arena.call['scalarsCanonical']?.(list, 3), 1)
    equal(arena.call['scalarsCanonical']?.(list, 0), 1)
    for (const place of [0, 1, 2]) {
      const old = arena.read(list + 32 * place, 32)
      arena.write(list + 32 * place, writeScalar(q))
      equal(arena.call['scalarsCanonical']?.(list, 3), 0)
      arena.write(list + 32 * place, old)
    }
  })

  it('reduce 64 bytes big-endian', () => {
    const random = seeded('kernel wide')
    const bytes = arena.room(64)
    const out = arena.room(32)
    const ones = new Uint8Array(64).fill(0xff)
    const multiple = Buffer.concat([writeScalar(q - 1n), writeScalar(q - 1n)])
    for (const wide of [
      ones,
      new Uint8Array(64),
      multiple,
      ...Array.from({ length: 500 }, () => random(64)),
    ]) {
      arena.write(bytes, wide)
      arena.call['scWide']?.(out, bytes)
      equal(arena.readScalar(out), bigEndian(wide) % q)
    }
  })

  it('are selected by a bit, compared with 0, and written big-endian', () => {
    const [a, b] = [arena.putScalar(5n), arena.putScalar(mod(-5n))]
    const out = arena.room(32)
    for (const [bit, value] of [
      [0, 5n],
      [1, mod(-5n)],
    ] as const) {
      arena.call['scSelect']?.(out, a, b, bit)
      equal(arena.readScalar(out), value)
    }
    arena.call['scStore']?.(out, b)
    equal(bigEndian(arena.read(out, 32)), mod(-5n))
    for (const value of EDGES) {
      equal(arena.call['scIsZero']?.(arena.putScalar(value)), value === 0n ? 1 : 0)
    }
  })
})
