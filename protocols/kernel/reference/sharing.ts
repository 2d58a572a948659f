import { concatBytes } from '@noble/hashes/utils.js'
import { tags } from '../../crypto/tags.ts'
import { oracle } from '../../crypto/transcript.ts'
import type { PokStatement } from '../kernel.ts'
import {
  bigEndian,
  G,
  invert,
  mod,
  msm,
  multiply,
  O,
  POINT_BYTES,
  type Point,
  q,
  type Random,
  randomScalar,
  readPoint,
  readPoints,
  readScalar,
  SCALAR_BYTES,
  wide,
  writePoint,
  writePoints,
  writeScalar,
} from './curve.ts'
import { u16 } from './fields.ts'
import type { Secrets } from './secrets.ts'

export const POK_BYTES = 65 // T ‖ z
export const SHARE_COEFFICIENT = 65535 // marks the proof of a share (02 §5, K3)
const WEIGHT_BYTES = 16 // 128 bits: a false statement passes with probability 2^-128

/** Random polynomials of degree threshold − 1; `constants[b]` fixes f_b(0). */
export function deal(
  random: Random,
  threshold: number,
  count: number,
  constants: readonly bigint[] | undefined,
): Secrets['deal'] {
  const coefficients = Array.from({ length: count }, (_, b) =>
    Array.from({ length: threshold }, (_, k) =>
      k === 0 && constants !== undefined ? (constants[b] ?? 0n) : randomScalar(random),
    ),
  )
  const commitments = writePoints(coefficients.flat().map((scalar) => multiply(G, scalar)))
  return { threshold, coefficients, F: concatBytes(...commitments) }
}

/** f_b(x) of every key. */
export const valuesAt = (coefficients: readonly bigint[][], x: number): bigint[] =>
  coefficients.map((f) => f.reduceRight((sum, a) => (sum * BigInt(x) + a) % q, 0n))

/** zG = T + eY with e = wide RO(pok; sid, guest, u16 index ‖ u16 coefficient, Y, T). */
export function prove(
  random: Random,
  secret: bigint,
  statement: Omit<PokStatement, 'proof'>,
): Uint8Array {
  const k = randomScalar(random)
  const T = writePoint(multiply(G, k))
  const z = mod(k + challenge(statement, T) * secret)
  return concatBytes(T, writeScalar(z))
}

function challenge(of: Omit<PokStatement, 'proof'>, T: Uint8Array): bigint {
  const place = concatBytes(u16(of.index), u16(of.coefficient))
  return wide(oracle(tags.pok, 64, of.sid, of.guest, place, of.Y, T))
}

interface Equation {
  z: bigint
  e: bigint
  Y: Point
  T: Point
}

function parse(statement: PokStatement): Equation | undefined {
  if (statement.proof.length !== POK_BYTES) return undefined
  const head = statement.proof.subarray(0, POINT_BYTES)
  const T = readPoint(head)
  const z = readScalar(statement.proof.subarray(POINT_BYTES))
  const Y = readPoint(statement.Y)
  if (T === undefined || z === undefined || Y === undefined) return undefined
  return { z, e: challenge(statement, head), Y, T }
}

/** Σ ω(zG − T − eY) = O over all statements; one false statement passes with probability 2^-128. */
export function proofsHold(random: Random, statements: readonly PokStatement[]): boolean {
  let z = 0n
  const points: Point[] = []
  const scalars: bigint[] = []
  for (const statement of statements) {
    const equation = parse(statement)
    if (equation === undefined) return false
    const weight = statements.length === 1 ? 1n : bigEndian(random(WEIGHT_BYTES))
    z += weight * equation.z
    points.push(equation.T, equation.Y)
    scalars.push(mod(-weight), mod(-weight * equation.e))
  }
  return msm([G, ...points], [mod(z), ...scalars]).is0()
}

/**
 * Whether share b is the value at x of the polynomial committed in F[b], for all b at once: both sides
 * weighted with 128 random bits. The shares are secret, so their side is one constant-time product.
 */
export function feldmanHolds(
  random: Random,
  shares: Uint8Array,
  x: bigint,
  F: Uint8Array,
  threshold: number,
): boolean {
  const count = shares.length / SCALAR_BYTES
  if (!Number.isInteger(count) || F.length !== count * threshold * POINT_BYTES) return false
  const points = readPoints(F)
  if (points === undefined) return false
  let left = 0n
  const scalars: bigint[] = []
  for (let b = 0; b < count; b++) {
    const share = readScalar(shares.subarray(b * SCALAR_BYTES, (b + 1) * SCALAR_BYTES))
    if (share === undefined) return false
    let scalar = count === 1 ? 1n : bigEndian(random(WEIGHT_BYTES))
    left = mod(left + scalar * share)
    for (let k = 0; k < threshold; k++) {
      scalars.push(scalar)
      scalar = (scalar * x) % q
    }
  }
  return multiply(G, left).equals(msm(points, scalars))
}

/** Whether products[b] = factor·points[b] for all b, weighted as in `feldmanHolds`. */
export function multiplesHold(
  random: Random,
  products: Uint8Array,
  factor: bigint,
  points: Uint8Array,
): boolean {
  const [left, right] = [readPoints(products), readPoints(points)]
  if (left === undefined || right === undefined) return false
  const weights = left.map(() => (left.length === 1 ? 1n : bigEndian(random(WEIGHT_BYTES))))
  return msm(
    [...left, ...right.map((point) => point.negate())],
    [...weights, ...weights.map((weight) => mod(weight * factor))],
  ).is0()
}

/** Σ x^k F[k]. */
export const evaluate = (F: readonly Point[], x: number): Point =>
  F.reduceRight((sum, point) => sum.multiplyUnsafe(BigInt(x)).add(point), O)

/** λ_{x,S}, the Lagrange coefficient at 0. */
export function lagrangeAtZero(x: number, signers: readonly number[]): bigint {
  let numerator = 1n
  let denominator = 1n
  for (const other of signers) {
    if (other === x) continue
    numerator = mod(numerator * BigInt(other))
    denominator = mod(denominator * BigInt(other - x))
  }
  return mod(numerator * invert(denominator))
}
