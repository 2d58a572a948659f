import { deepEqual } from 'node:assert/strict'
import { bytesOf, wordsOf } from '../../../../protocols/kernel/reference/hash.ts'
import { foldRow } from '../../../../protocols/kernel/reference/softspoken.ts'
import { transpose } from '../../../../protocols/kernel/reference/transpose.ts'
import { seeded } from '../../../support/seeded.ts'
import { Arena, COMPILATION_TIMEOUT_MS } from './arena.ts'

describe('matrices of bits in the kernel', () => {
  let arena: Arena
  before(async function () {
    this.timeout(COMPILATION_TIMEOUT_MS)
    arena = await Arena.of('hashing')
  })
  beforeEach(() => arena.clear())

  it('are transposed as in the reference, in every shape the protocol has', () => {
    const random = seeded('kernel transpose')
    for (const [rows, bytes] of [
      [256, 80],
      [640, 32],
      [128, 32],
      [256, 16],
      [32, 16],
    ] as const) {
      arena.clear()
      const matrix = random(rows * bytes)
      const out = arena.room(matrix.length)
      arena.call['transpose']?.(out, arena.put(matrix), rows, bytes)
      const expected = bytesOf(transpose(wordsOf(matrix), rows, bytes / 4))
      deepEqual(arena.read(out, matrix.length), expected)
    }
  })

  it('are folded on their columns as each row is by its definition', () => {
    const random = seeded('kernel fold')
    const edges = [new Uint8Array(64), new Uint8Array(64).fill(0xff)]
    for (const chi of [...edges, random(64), random(64)]) {
      arena.clear()
      const rows = random(256 * 80)
      const columns = arena.put(bytesOf(transpose(wordsOf(rows), 256, 20)))
      const chiAt = arena.put(chi)
      const [out, one] = [arena.room(4096), arena.room(16)]
      arena.call['foldColumns']?.(out, chiAt, columns)
      for (let r = 0; r < 256; r++) {
        const row = rows.slice(80 * r, 80 * (r + 1))
        const expected = bytesOf(foldRow(wordsOf(chi), wordsOf(row)))
        deepEqual(arena.read(out + 16 * r, 16), expected)
        if (r % 64 !== 0) continue
        arena.call['foldRow']?.(one, chiAt, arena.put(row))
        deepEqual(arena.read(one, 16), expected)
      }
    }
  })
})
