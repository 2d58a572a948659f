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
const STEP = 16 // OTs of one step: some twenty milliseconds with bigints
const PAIR_BYTES = 2 * POINT_BYTES // φ_0 ‖ φ_1
export const PHI_BYTES: number = OTS * PAIR_BYTES
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

/** Alice (02 §2.3, step 2): her choice bits. `A` must be a point. */
export function receiveBegin(random: Random, sid: Uint8Array, A: Point): Secrets['receiving'] {
  const table = A.precompute(TABLE_WINDOW_BITS)
  return {
    sid: Uint8Array.from(sid),
    A: writePoint(A),
    timesA: (beta) => multiplyTable(table, beta),
    choices: random(OTS / 8),
    keys: new Uint8Array(OTS * OT_KEY_BYTES),
    phi: new Uint8Array(PHI_BYTES),
    done: 0,
  }
}

/** φ of the next OTs, and her keys k_i = k_{i,c}. */
export function receiveStep(random: Random, receiving: Secrets['receiving']): void {
  const { sid, A, choices, keys, phi, done } = receiving
  const fresh = Array.from({ length: STEP }, () => ({
    beta: randomScalar(random),
    rho: randomScalar(random),
  }))
  const other = writePoints(fresh.map(({ rho }) => multiply(G, rho)))
  const chosen = writePoints(
    fresh.map(({ beta }, k) => {
      const i = done + k
      const hashed = hashToCurve(sid, u16(i), u8(bit(choices, i)), other[k] as Uint8Array)
      return multiply(G, beta).add(hashed.negate())
    }),
  )
  const shared = writePoints(fresh.map(({ beta }) => receiving.timesA(beta)))
  for (let k = 0; k < STEP; k++) {
    const i = done + k
    const c = bit(choices, i)
    const pair = pairOf(phi, i)
    place(pair, c, chosen[k] as Uint8Array, other[k] as Uint8Array)
    const Z = shared[k] as Uint8Array
    const own = key(sid, i, c, A, pair, Z)
    keys.set(own, i * OT_KEY_BYTES)
    own.fill(0)
    Z.fill(0)
  }
  receiving.done += STEP
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

/** Bob (02 §2.3, step 3), before the first OT. */
export const keysBegin = (
  { a, A }: Secrets['sender'],
  sid: Uint8Array,
  phi: Uint8Array,
): Secrets['building'] => ({
  sid: Uint8Array.from(sid),
  a,
  A: A.slice(),
  phi: Uint8Array.from(phi),
  keys: new Uint8Array(2 * OTS * OT_KEY_BYTES),
  done: 0,
})

/** Both keys of the next OTs. False when a point is off the curve, or a sum with its hash is O. */
export function keysStep(building: Secrets['building']): boolean {
  const { sid, a, A, phi, keys, done } = building
  const points = readPoints(phi.subarray(done * PAIR_BYTES, (done + STEP) * PAIR_BYTES))
  if (points === undefined) return false
  const shared: Point[] = []
  for (const [at, point] of points.entries()) {
    const i = done + (at >> 1)
    const b = at & 1
    const sum = point.add(hashToCurve(sid, u16(i), u8(b), half(pairOf(phi, i), 1 - b)))
    if (sum.is0()) return false
    shared.push(multiply(sum, a))
  }
  for (const [at, Z] of writePoints(shared).entries()) {
    const i = done + (at >> 1)
    const k = key(sid, i, at & 1, A, pairOf(phi, i), Z)
    keys.set(k, (2 * done + at) * OT_KEY_BYTES)
    k.fill(0)
    Z.fill(0)
  }
  building.done += STEP
  return true
}

const pairOf = (phi: Uint8Array, i: number): Uint8Array =>
  phi.subarray(i * PAIR_BYTES, (i + 1) * PAIR_BYTES)

const half = (pair: Uint8Array, b: number): Uint8Array =>
  pair.subarray(b * POINT_BYTES, (b + 1) * POINT_BYTES)
