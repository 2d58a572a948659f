import { Curve, type Point, q } from '../../../../protocols/kernel/reference/curve.ts'
import { type Assembled, assembled } from '../../../support/assembly.ts'
import { seeded } from '../../../support/seeded.ts'

export const p: bigint = Curve.Fp.ORDER
export const LAMBDA = 0x5363ad4cc05c30e0a5261c028812645a122e22ea20816678df02967c1b23bd72n

const LIMBS = 9
const LIMB_BITS = 29n
export const FE_BYTES = 40
export const POINT_BYTES = 80
export const SCALAR_BYTES = 32

const SLOW = process.env['HOLDFAST_SLOW'] === '1'

/** How many random cases a test runs: `slow` with HOLDFAST_SLOW=1, which takes minutes. */
export const cases = (fast: number, slow = 100_000): number => (SLOW ? slow : fast)

/** Scalars at which digits, halves and carries turn. */
export const EDGE_SCALARS: readonly bigint[] = [
  ...[1n, 2n, 3n, 15n, 16n, 17n, 31n, 32n, 33n, 63n, 64n],
  ...[q - 1n, q - 2n, q - 3n, q - 31n, q - 32n, (q - 1n) / 2n, (q + 1n) / 2n],
  ...[LAMBDA, q - LAMBDA, LAMBDA + 1n, q - LAMBDA - 1n, LAMBDA - 1n, (2n * LAMBDA) % q],
  ...[127n, 128n, 129n, 130n, 255n].flatMap((k) => [(1n << k) - 1n, 1n << k, (1n << k) + 1n]),
  // the lattice of the endomorphism, where halves change their sign or vanish
  0x3086d221a7d46bcde86c90e49284eb15n,
  0xe4437ed6010e88286f547fa90abfe4c3n,
  0x114ca50f7a8e2f3f657c1108d9d44cfd8n,
  (0xe4437ed6010e88286f547fa90abfe4c3n * LAMBDA) % q,
  (0xa2a8918ca85bafe22016d0b917e4dd77n + 0x8a65287bd47179fb2be08846cea267edn * LAMBDA) % q,
]

/** The probe of the curve: memory as numbers and points. Offsets are relative to free memory. */
export class CurveProbe {
  readonly exports: Assembled['exports']
  readonly #memory: Assembled['memory']
  readonly #base: number
  readonly #random: (length: number) => Uint8Array

  constructor({ exports, memory }: Assembled, seed: string) {
    this.exports = exports
    this.#memory = memory
    this.#base = this.call('base')
    this.#random = seeded(seed)
    this.call('curveInit')
  }

  /** Calls an export; its result as an unsigned number. */
  call(name: string, ...args: number[]): number {
    const found = this.exports[name]
    if (found === undefined) throw new Error(`the probe has no ${name}`)
    return found(...args)
  }

  at(offset: number): number {
    return this.#base + offset
  }

  bytes(offset: number, length: number): Uint8Array {
    return new Uint8Array(this.#memory.buffer, this.at(offset), length)
  }

  words(offset: number, length: number): Uint32Array {
    return new Uint32Array(this.#memory.buffer, this.at(offset), length)
  }

  /** A number as limbs, `stride` words apart (2 for a lane of a pair). */
  putElement(offset: number, value: bigint, stride = 1): void {
    const limbs = Array.from({ length: LIMBS }, (_, i) =>
      Number((value >> (LIMB_BITS * BigInt(i))) & (i < LIMBS - 1 ? 0x1fffffffn : 0xffffffffn)),
    )
    this.putLimbs(offset, limbs, stride)
  }

  putLimbs(offset: number, limbs: readonly number[], stride = 1): void {
    const words = this.words(offset, (FE_BYTES / 4) * stride)
    for (let i = 0; i <= LIMBS; i++) words[i * stride] = limbs[i] ?? 0
  }

  limbs(offset: number, stride = 1): number[] {
    const words = this.words(offset, LIMBS * stride)
    return Array.from({ length: LIMBS }, (_, i) => words[i * stride] as number)
  }

  /** The integer that limbs stand for, not reduced. */
  element(offset: number, stride = 1): bigint {
    return integerOf(this.limbs(offset, stride))
  }

  putScalar(offset: number, value: bigint): void {
    const words = this.words(offset, 8)
    for (let i = 0; i < 8; i++) words[i] = Number((value >> BigInt(32 * i)) & 0xffffffffn)
  }

  scalar(offset: number): bigint {
    return this.words(offset, 8).reduceRight((sum, word) => (sum << 32n) | BigInt(word), 0n)
  }

  putPoint(offset: number, point: Point): void {
    const { x, y } = point.toAffine()
    this.putElement(offset, x)
    this.putElement(offset + FE_BYTES, y)
  }

  /** Refuses what is not in canonical form. */
  point(offset: number): Point {
    const point = Curve.fromAffine({
      x: this.element(offset),
      y: this.element(offset + FE_BYTES),
    })
    point.assertValidity()
    return point
  }

  random(length: number): Uint8Array {
    return this.#random(length)
  }

  randomScalar(): bigint {
    return BigInt(`0x${Buffer.from(this.#random(32)).toString('hex')}`) % q
  }

  randomPoint(): Point {
    return Curve.BASE.multiplyUnsafe(this.randomScalar())
  }

  /** Below `limit`. */
  randomIndex(limit: number): number {
    return new DataView(this.#random(4).buffer).getUint32(0) % limit
  }
}

export const integerOf = (limbs: readonly number[]): bigint =>
  limbs.reduceRight((sum, limb) => (sum << LIMB_BITS) + BigInt(limb), 0n)

export const reduced = (value: bigint): bigint => ((value % p) + p) % p

/** A fresh instance; mocha's context, because the first one compiles. */
export async function curveProbe(context: Mocha.Context): Promise<CurveProbe> {
  context.timeout(120_000)
  const entry = 'test/protocols/kernel/assembly/probes/curve.ts'
  return new CurveProbe(await assembled(entry), context.test?.parent?.title ?? entry)
}
