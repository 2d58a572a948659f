import { affineOfHomogeneous } from './affine'
import { blake3Hash } from './blake3'
import { FE_SIZE } from './field'
import { feFromWide } from './field-bytes'
import { PAIR_SIZE, pairOf } from './field-pair'
import { JACOBIAN_SIZE } from './jacobian'
import { mapToCurve, mapWipe } from './map-to-curve'
import { POINT_SIZE } from './point'
import { POINT_PAIR_SIZE, pointPairAdd, pointPairTake, pointPairWipe } from './point-pair'

const MESSAGE: usize = 68
const UNIFORM: i32 = 96 // two elements of 48 bytes
const MANY: i32 = 32 // messages that share one inversion

/** HOLDFAST-V1-OT-with-secp256k1_XOF:BLAKE3_SSWU_RO_ and its length. */
const DST = memory.data<u8>(
  [
    0x48, 0x4f, 0x4c, 0x44, 0x46, 0x41, 0x53, 0x54, 0x2d, 0x56, 0x31, 0x2d, 0x4f, 0x54, 0x2d, 0x77,
    0x69, 0x74, 0x68, 0x2d, 0x73, 0x65, 0x63, 0x70, 0x32, 0x35, 0x36, 0x6b, 0x31, 0x5f, 0x58, 0x4f,
    0x46, 0x3a, 0x42, 0x4c, 0x41, 0x4b, 0x45, 0x33, 0x5f, 0x53, 0x53, 0x57, 0x55, 0x5f, 0x52, 0x4f,
    0x5f, 0x31,
  ],
  16,
)
const DST_SIZE: usize = 50

/** msg ‖ u16 96, big-endian ‖ DST ‖ its length. */
const expanded = memory.data(120, 16)
const uniform = memory.data(96, 16)
const elements = memory.data(160, 16) // two of each of two messages
const u = memory.data(80, 16)
const first = memory.data(240, 16)
const second = memory.data(240, 16)
const results = memory.data(3840, 16) // MANY homogeneous points

/**
 * outs = H2C (02 §1.3) of n messages of 68 bytes: RFC 9380 hash_to_curve, random-oracle variant. Constant
 * time in the messages, but for n. That a result is O has no remedy and probability 2^-256, as has a pole
 * of the isogeny; such a point would be (0, 0).
 */
export function hashToCurveMany(outs: usize, msgs68: usize, n: i32): void {
  for (let done = 0; done < n; done += MANY) {
    const count = min(MANY, n - done)
    const messages = msgs68 + <usize>done * MESSAGE
    for (let i = 0; i < count; i += 2) hashTwo(messages, i, min(i + 1, count - 1))
    affineOfHomogeneous(outs + <usize>done * POINT_SIZE, results, count)
  }
  wipe(min(MANY, n))
}

/** Two messages, one in each lane. */
function hashTwo(messages: usize, i: i32, j: i32): void {
  toField(elements, messages + <usize>i * MESSAGE)
  toField(elements + 2 * FE_SIZE, messages + <usize>j * MESSAGE)
  pairOf(u, elements, elements + 2 * FE_SIZE)
  mapToCurve(first, u)
  pairOf(u, elements + FE_SIZE, elements + 3 * FE_SIZE)
  mapToCurve(second, u)
  pointPairAdd(first, second)
  pointPairTake(results + <usize>i * JACOBIAN_SIZE, first, 0)
  pointPairTake(results + <usize>j * JACOBIAN_SIZE, first, 1)
}

/** hash_to_field: two elements, normalised. */
function toField(out: usize, message: usize): void {
  memory.copy(expanded, message, MESSAGE)
  store<u8>(expanded, 0, 68)
  store<u8>(expanded, <u8>UNIFORM, 69)
  memory.copy(expanded + 70, DST, DST_SIZE)
  blake3Hash(uniform, UNIFORM, expanded, 120)
  feFromWide(out, uniform)
  feFromWide(out + FE_SIZE, uniform + 48)
}

function wipe(n: i32): void {
  memory.fill(expanded, 0, 120)
  memory.fill(uniform, 0, UNIFORM)
  memory.fill(elements, 0, 4 * FE_SIZE)
  memory.fill(u, 0, PAIR_SIZE)
  memory.fill(first, 0, POINT_PAIR_SIZE)
  memory.fill(second, 0, POINT_PAIR_SIZE)
  memory.fill(results, 0, <usize>n * JACOBIAN_SIZE)
  mapWipe()
  pointPairWipe()
}
