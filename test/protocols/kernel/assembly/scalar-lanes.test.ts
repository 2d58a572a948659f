import { deepEqual, ok } from 'node:assert/strict'
import {
  bigEndian,
  invert,
  mod,
  q,
  writeScalar,
} from '../../../../protocols/kernel/reference/curve.ts'
import { seeded } from '../../../support/seeded.ts'
import { Arena, anyScalar, COMPILATION_TIMEOUT_MS, EDGES } from './arena.ts'

const LANES = 4
const LIMBS = 10
const LIMB_BITS = 26n
const ALL = (1n << 256n) - 1n
const R = 1n << 260n // what a reduction divides by
const SUM_BYTES = 640

describe('scalars of the kernel, four side by side', () => {
  let arena: Arena
  before(async function () {
    this.timeout(COMPILATION_TIMEOUT_MS)
    arena = await Arena.of('hashing')
  })
  beforeEach(() => arena.clear())

  /** Limb i of lane l is word 4i + l. */
  function putLimbs(values: readonly bigint[]): number {
    const words = new Uint32Array(LANES * LIMBS)
    for (const [lane, value] of values.entries()) {
      for (let i = 0; i < LIMBS; i++) {
        const rest = value >> (LIMB_BITS * BigInt(i))
        const limb = i < LIMBS - 1 ? rest & ((1n << LIMB_BITS) - 1n) : rest
        words[LANES * i + lane] = Number(limb)
      }
    }
    return arena.put(new Uint8Array(words.buffer))
  }

  function readLimbs(at: number): bigint[] {
    const words = new Uint32Array(arena.read(at, 4 * LANES * LIMBS).buffer)
    return Array.from({ length: LANES }, (_, lane) =>
      Array.from({ length: LIMBS }, (_, i) => BigInt(words[LANES * i + lane] ?? 0))
        .map((limb, i) => limb << (LIMB_BITS * BigInt(i)))
        .reduce((sum, part) => sum + part),
    )
  }

  /** Words of big-endian numbers of `bytes` bytes, interleaved as a hash leaves them. */
  function putWords(values: readonly Uint8Array[]): number {
    const count = (values[0]?.length ?? 0) / 4
    const words = new Uint8Array(16 * count)
    for (const [lane, value] of values.entries()) {
      for (let i = 0; i < count; i++) {
        words.set(value.subarray(4 * i, 4 * i + 4), 16 * i + 4 * lane)
      }
    }
    return arena.put(words)
  }

  function readWords(at: number): bigint[] {
    return Array.from({ length: LANES }, (_, lane) => {
      const words = Array.from({ length: 8 }, (_, i) => arena.read(at + 16 * i + 4 * lane, 4))
      return bigEndian(new Uint8Array(Buffer.concat(words)))
    })
  }

  /** The scalars below q. */
  function reduced(limbs: number): bigint[] {
    const [out, words] = [arena.room(160), arena.room(128)]
    arena.call['reduceLanes']?.(out, limbs)
    arena.call['lanesToWords']?.(words, out)
    return readWords(words)
  }

  it('are read, reduced and written, below and above q', () => {
    const values = [...EDGES, q, q + 1n, q + 2n, ALL, ALL - 1n, 1n << 255n]
    for (const [i, value] of values.entries()) {
      arena.clear()
      const four = [value, values[(i + 1) % values.length] as bigint, q - 1n, q]
      const limbs = arena.room(160)
      arena.call['lanesFromWords']?.(limbs, putWords(four.map(writeScalar)))
      deepEqual(reduced(limbs), four.map(mod))
    }
  })

  it('are reduced from multiples of q to sixty-four, below 2^262, and numbers beside them', () => {
    for (let k = 0n; k <= 63n; k++) {
      arena.clear()
      const four = [k * q, k * q + 1n, (k + 1n) * q - 1n, (k << 256n) + ALL]
      deepEqual(reduced(putLimbs(four)), four.map(mod), `${k}`)
    }
  })

  it('are subtracted with limbs of either sign, made positive by a multiple of q', () => {
    const random = seeded('kernel lanes')
    for (let i = 0; i < 200; i++) {
      arena.clear()
      const a = Array.from({ length: LANES }, () => anyScalar(random))
      const b = Array.from({ length: LANES }, (_, lane) =>
        lane === i % 4 ? ALL : anyScalar(random),
      )
      const limbs = arena.room(160)
      arena.call['addLanes']?.(limbs, putLimbs(a), putLimbs([2n * q, 2n * q, 2n * q, 2n * q]))
      arena.call['subtractLanes']?.(limbs, limbs, putLimbs(b))
      deepEqual(
        reduced(limbs),
        a.map((value, lane) => mod(value - (b[lane] as bigint))),
      )
    }
  })

  it('have one scalar in all lanes', () => {
    for (const value of EDGES) {
      arena.clear()
      const limbs = arena.room(160)
      arena.call['splatScalar']?.(limbs, arena.putScalar(value))
      deepEqual(reduced(limbs), [value, value, value, value])
    }
  })

  it('are multiplied, added up 128 times at their largest, and reduced once', () => {
    const largest = (1n << 256n) + (1n << 252n) - 1n
    for (const [count, a, b, more] of [
      [1, 0n, 0n, 0n],
      [1, q - 1n, q - 1n, 0n],
      [1, R % q, q - 1n, q - 1n],
      [128, largest, ALL, q - 1n],
      [128, ALL, ALL, ALL],
      [128, largest, ALL, ALL],
    ] as const) {
      arena.clear()
      const [sum, out, y] = [arena.room(SUM_BYTES), arena.room(160), arena.room(160)]
      arena.write(sum, new Uint8Array(SUM_BYTES))
      const x = putLimbs([a, a, 1n, 0n])
      // Two numbers added limb by limb, without a carry.
      arena.call['addLanes']?.(y, putLimbs([b, 1n, b, b]), putLimbs([more, more, more, more]))
      for (let i = 0; i < count; i++) arena.call['addProducts']?.(sum, x, y)
      arena.call['reduceSum']?.(out, sum)
      for (const value of readLimbs(out)) ok(value < 9n << 257n)
      const expected = [a * (b + more), a * (1n + more), b + more, 0n]
      deepEqual(
        reduced(out),
        expected.map((value) => mod(BigInt(count) * value * invert(mod(R)))),
      )
      deepEqual(arena.read(sum, SUM_BYTES), new Uint8Array(SUM_BYTES))
    }
  })

  it('are reduced from 64 bytes of a hash', () => {
    const random = seeded('kernel lanes of hashes')
    const ones = new Uint8Array(64).fill(0xff)
    for (const four of [
      [ones, new Uint8Array(64), ones, random(64)],
      [64, 64, 64, 64].map(random),
    ]) {
      arena.clear()
      const [sum, out] = [arena.room(SUM_BYTES), arena.room(160)]
      arena.call['sumFromWords']?.(sum, putWords(four))
      arena.call['reduceSum']?.(out, sum)
      const expected = four.map((bytes) => mod(bigEndian(bytes) * invert(mod(R))))
      deepEqual(reduced(out), expected)
    }
  })
})
