import { tags } from '../../crypto/tags.ts'
import { oracle } from '../../crypto/transcript.ts'
import {
  G,
  multiply,
  multiplyTable,
  POINT_BYTES,
  type Point,
  type Random,
  randomScalar,
  readPoints,
  writePoint,
  writePoints,
} from './curve.ts'
import { bit, u8, u16 } from './fields.ts'
import { hashToCurve } from './hash.ts'
import type { Secrets } from './secrets.ts'

export const OTS = 256 // κ
export const OT_KEY_BYTES = 32
export const PHI_BYTES: number = OTS * 2 * POINT_BYTES
const TABLE_WINDOW_BITS = 6 // Alice multiplies the one point A 256 times

/** Bob's a, and A = aG. */
export function sender(random: Random): Secrets['sender'] {
  const a = randomScalar(random)
  return { a, A: writePoint(multiply(G, a)) }
}

/** ROs of 02 §2.3: one key per OT and bit. */
const key = (
  sid: Uint8Array,
  i: number,
  c: number,
  A: Uint8Array,
  pair: Uint8Array,
  Z: Uint8Array,
): Uint8Array =>
  oracle(
    tags.otKey,
    OT_KEY_BYTES,
    sid,
    u16(i),
    u8(c),
    A,
    pair.subarray(0, POINT_BYTES),
    pair.subarray(POINT_BYTES),
    Z,
  )

/** Alice (02 §2.3, step 2): φ of 256 OTs and her keys k_i = k_{i,c}. `A` must be a point. */
export function receive(
  random: Random,
  sid: Uint8Array,
  A: Point,
): { phi: Uint8Array; receiver: Secrets['receiver'] } {
  const choices = random(OTS / 8)
  const table = A.precompute(TABLE_WINDOW_BITS)
  const fresh = Array.from({ length: OTS }, () => ({
    beta: randomScalar(random),
    rho: randomScalar(random),
  }))
  const other = writePoints(fresh.map(({ rho }) => multiply(G, rho)))
  const chosen = writePoints(
    fresh.map(({ beta }, i) => {
      const hashed = hashToCurve(sid, u16(i), u8(bit(choices, i)), other[i] as Uint8Array)
      return multiply(G, beta).add(hashed.negate())
    }),
  )
  const shared = writePoints(fresh.map(({ beta }) => multiplyTable(table, beta)))
  const phi = new Uint8Array(PHI_BYTES)
  const keys = new Uint8Array(OTS * OT_KEY_BYTES)
  const encodedA = writePoint(A)
  for (let i = 0; i < OTS; i++) {
    const c = bit(choices, i)
    const pair = pairOf(phi, i)
    place(pair, c, chosen[i] as Uint8Array, other[i] as Uint8Array)
    const Z = shared[i] as Uint8Array
    const k = key(sid, i, c, encodedA, pair, Z)
    keys.set(k, i * OT_KEY_BYTES)
    k.fill(0)
    Z.fill(0)
  }
  return { phi, receiver: { sid: Uint8Array.from(sid), choices, keys } }
}

/** pair = (φ_0 ‖ φ_1) with φ_c = chosen, by masks: no address depends on c. */
function place(pair: Uint8Array, c: number, chosen: Uint8Array, other: Uint8Array): void {
  for (let k = 0; k < POINT_BYTES; k++) {
    const x = chosen[k] as number
    const y = other[k] as number
    const swap = (x ^ y) & -c
    pair[k] = x ^ swap
    pair[POINT_BYTES + k] = y ^ swap
  }
}

/**
 * Bob (02 §2.3, step 3): both keys of every OT, 256 × (k_{i,0} ‖ k_{i,1}).
 * `undefined` when a point is off the curve, or a sum with its hash is O.
 */
export function senderKeys(
  { a, A }: Secrets['sender'],
  sid: Uint8Array,
  phi: Uint8Array,
): Uint8Array | undefined {
  if (phi.length !== PHI_BYTES) return undefined
  const points = readPoints(phi)
  if (points === undefined) return undefined
  const shared: Point[] = []
  for (const [at, point] of points.entries()) {
    const i = at >> 1
    const b = at & 1
    const sum = point.add(hashToCurve(sid, u16(i), u8(b), half(pairOf(phi, i), 1 - b)))
    if (sum.is0()) return undefined
    shared.push(multiply(sum, a))
  }
  const keys = new Uint8Array(2 * OTS * OT_KEY_BYTES)
  for (const [at, Z] of writePoints(shared).entries()) {
    const i = at >> 1
    const k = key(sid, i, at & 1, A, pairOf(phi, i), Z)
    keys.set(k, at * OT_KEY_BYTES)
    k.fill(0)
    Z.fill(0)
  }
  return keys
}

const pairOf = (phi: Uint8Array, i: number): Uint8Array =>
  phi.subarray(i * 2 * POINT_BYTES, (i + 1) * 2 * POINT_BYTES)

const half = (pair: Uint8Array, b: number): Uint8Array =>
  pair.subarray(b * POINT_BYTES, (b + 1) * POINT_BYTES)
