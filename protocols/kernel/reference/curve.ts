import { mulAddUnsafe, normalizeZ, pippenger } from '@noble/curves/abstract/curve.js'
import {
  _splitEndoScalar,
  type WeierstrassPoint,
  type WeierstrassPointCons,
  weierstrass,
} from '@noble/curves/abstract/weierstrass.js'
import { secp256k1 } from '@noble/curves/secp256k1.js'

export type Point = WeierstrassPoint<bigint>

/** A source of secret random bytes. */
export type Random = (length: number) => Uint8Array

/** The endomorphism (x, y) → (βx, y) is a multiplication; scalars split over this lattice are half as long. */
const BETA = 0x7ae96a2b657c07106e64479eac3434e99cf0497512f58995c1396c28719501een
const BASIS: [[bigint, bigint], [bigint, bigint]] = [
  [0x3086d221a7d46bcde86c90e49284eb15n, -0xe4437ed6010e88286f547fa90abfe4c3n],
  [0x114ca50f7a8e2f3f657c1108d9d44cfd8n, 0x3086d221a7d46bcde86c90e49284eb15n],
]
const WINDOWS = 33 // of 4 bits: half a scalar has at most 129 bits
const WINDOW_ENTRIES = 16

const FEW_POINTS = 32 // below this an interleaved walk beats buckets

/**
 * secp256k1 without noble's blinding of secret scalars: the reference kernel is for development
 * networks and tests only (02 §14), and blinding would draw randomness that no seed repeats.
 */
export const Curve: WeierstrassPointCons<bigint> = weierstrass(secp256k1.Point.CURVE(), {
  Fp: secp256k1.Point.Fp,
  Fn: secp256k1.Point.Fn,
  endo: { beta: BETA, basises: BASIS },
  randomBytes: () => {
    throw new Error('blinding is off')
  },
})

export const q: bigint = Curve.Fn.ORDER
export const G: Point = Curve.BASE
export const O: Point = Curve.ZERO

export const SCALAR_BYTES = 32
export const POINT_BYTES = 33

export const mod = (value: bigint): bigint => {
  const rest = value % q
  return rest < 0n ? rest + q : rest
}

export const invert = (value: bigint): bigint => Curve.Fn.inv(value)

/** Big-endian, of any length that is a multiple of 8. */
export function bigEndian(bytes: Uint8Array): bigint {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  let value = 0n
  for (let at = 0; at < bytes.length; at += 8) value = (value << 64n) | view.getBigUint64(at)
  return value
}

/** A canonical scalar: 32 bytes big-endian below q. */
export function readScalar(bytes: Uint8Array): bigint | undefined {
  if (bytes.length !== SCALAR_BYTES) return undefined
  const value = bigEndian(bytes)
  return value < q ? value : undefined
}

export function writeScalar(value: bigint): Uint8Array {
  const bytes = new Uint8Array(SCALAR_BYTES)
  const view = new DataView(bytes.buffer)
  view.setBigUint64(0, value >> 192n)
  view.setBigUint64(8, BigInt.asUintN(64, value >> 128n))
  view.setBigUint64(16, BigInt.asUintN(64, value >> 64n))
  view.setBigUint64(24, BigInt.asUintN(64, value))
  return bytes
}

/** `wide` of 02 §1.2: 64 bytes big-endian, mod q. */
export const wide = (bytes: Uint8Array): bigint => bigEndian(bytes) % q

/** wide of 64 random bytes, never 0. */
export function randomScalar(random: Random): bigint {
  for (;;) {
    const bytes = random(64)
    const scalar = wide(bytes)
    bytes.fill(0)
    if (scalar !== 0n) return scalar
  }
}

/** A compressed point on the curve; O has no encoding. */
export function readPoint(bytes: Uint8Array): Point | undefined {
  if (bytes.length !== POINT_BYTES) return undefined
  try {
    return Curve.fromBytes(bytes)
  } catch {
    return undefined // noble's only way to say that the bytes name no point
  }
}

export const writePoint = (point: Point): Uint8Array => point.toBytes(true)

/** Encodes many points with one inversion. None may be O. */
export const writePoints = (points: Point[]): Uint8Array[] =>
  normalizeZ(Curve, points).map(writePoint)

/** A list of points, each canonical; `undefined` when one is not. */
export function readPoints(bytes: Uint8Array): Point[] | undefined {
  if (bytes.length % POINT_BYTES !== 0) return undefined
  const points: Point[] = []
  for (let at = 0; at < bytes.length; at += POINT_BYTES) {
    const point = readPoint(bytes.subarray(at, at + POINT_BYTES))
    if (point === undefined) return undefined
    points.push(point)
  }
  return points
}

/** Secret scalar times a point with a table (G, or after `precompute`); tables are read in full. */
export const multiplyTable = (point: Point, scalar: bigint): Point =>
  scalar === 0n ? O : point.multiply(scalar)

/**
 * Secret scalar times any point: both halves of the scalar in fixed windows of four bits over one chain
 * of doublings, with complete formulas. Window tables are read in full.
 */
export function multiply(point: Point, scalar: bigint): Point {
  if (point.equals(G)) return multiplyTable(G, scalar)
  const { k1neg, k1, k2neg, k2 } = _splitEndoScalar(scalar, BASIS, q)
  const image = new Curve(Curve.Fp.mul(point.X, BETA), point.Y, point.Z)
  const first = multiples(k1neg ? point.negate() : point)
  const second = multiples(k2neg ? image.negate() : image)
  let sum = O
  for (let window = WINDOWS - 1; window >= 0; window--) {
    for (let i = 0; i < 4; i++) sum = sum.double()
    sum = sum.add(select(first, k1, window)).add(select(second, k2, window))
  }
  return sum
}

/** O, P, 2P, … 15P. */
function multiples(point: Point): Point[] {
  const table = [O]
  for (let i = 1; i < WINDOW_ENTRIES; i++) table.push((table[i - 1] as Point).add(point))
  return table
}

function select(table: readonly Point[], scalar: bigint, window: number): Point {
  const digit = Number((scalar >> BigInt(4 * window)) & 15n)
  let selected = O
  for (let i = 0; i < WINDOW_ENTRIES; i++) selected = i === digit ? (table[i] as Point) : selected
  return selected
}

/** Σ scalar·point in variable time: public values only. */
export function msm(points: Point[], scalars: bigint[]): Point {
  return points.length < FEW_POINTS
    ? mulAddUnsafe(Curve, points, scalars)
    : pippenger(Curve, points, scalars)
}
