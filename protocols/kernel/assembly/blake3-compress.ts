/** BLAKE3's compression function: one message, and four messages side by side. */

export const CHUNK_START: u32 = 1
export const CHUNK_END: u32 = 2
export const PARENT: u32 = 4
export const ROOT: u32 = 8
export const KEYED_HASH: u32 = 16
export const DERIVE_KEY_CONTEXT: u32 = 32
export const DERIVE_KEY_MATERIAL: u32 = 64

const ROUNDS: i32 = 7
const IV0: u32 = 0x6a09e667
const IV1: u32 = 0xbb67ae85
const IV2: u32 = 0x3c6ef372
const IV3: u32 = 0xa54ff53a

/** The initial chaining value: eight words. */
export const IV: usize = memory.data<u32>(
  [IV0, IV1, IV2, IV3, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19],
  16,
)

/** For each round and place the offset of its message vector. */
const SCHEDULE: usize = memory.data<u8>([
  0, 16, 32, 48, 64, 80, 96, 112, 128, 144, 160, 176, 192, 208, 224, 240,
  32, 96, 48, 160, 112, 0, 64, 208, 16, 176, 192, 80, 144, 224, 240, 128,
  48, 64, 160, 192, 208, 32, 112, 224, 96, 80, 144, 0, 176, 240, 128, 16,
  160, 112, 192, 144, 224, 48, 208, 240, 64, 0, 176, 32, 80, 128, 16, 96,
  192, 208, 144, 176, 240, 160, 224, 128, 112, 32, 80, 48, 0, 16, 96, 64,
  144, 224, 176, 80, 128, 192, 240, 16, 208, 48, 0, 160, 32, 96, 64, 112,
  176, 240, 80, 0, 16, 144, 128, 96, 224, 160, 32, 192, 48, 64, 112, 208,
])

// @ts-ignore: decorator
@inline
function rotate16(x: v128): v128 {
  return v128.shuffle<u8>(x, x, 2, 3, 0, 1, 6, 7, 4, 5, 10, 11, 8, 9, 14, 15, 12, 13)
}

// @ts-ignore: decorator
@inline
function rotate12(x: v128): v128 {
  return v128.or(v128.shr<u32>(x, 12), v128.shl<u32>(x, 20))
}

// @ts-ignore: decorator
@inline
function rotate8(x: v128): v128 {
  return v128.or(v128.shr<u32>(x, 8), v128.shl<u32>(x, 24))
}

// @ts-ignore: decorator
@inline
function rotate7(x: v128): v128 {
  return v128.or(v128.shr<u32>(x, 7), v128.shl<u32>(x, 25))
}

/**
 * One message: 16 words at `out` from eight words `cv` and 64 bytes `block`. `out` may be `cv`.
 * Public: lengths, counter, flags. A row of the state is a vector, so that a round is two steps.
 */
export function compress(
  cv: usize,
  block: usize,
  out: usize,
  counter: u32,
  length: u32,
  flags: u32,
): void {
  const cv0 = v128.load(cv)
  const cv1 = v128.load(cv, 16)
  let a = cv0
  let b = cv1
  let c = i32x4(IV0, IV1, IV2, IV3)
  let d = v128.replace_lane<u32>(i32x4.splat(0), 0, counter)
  d = v128.replace_lane<u32>(d, 2, length)
  d = v128.replace_lane<u32>(d, 3, flags)
  const m0 = v128.load(block)
  const m1 = v128.load(block, 16)
  const m2 = v128.load(block, 32)
  const m3 = v128.load(block, 48)
  let w = v128.shuffle<u32>(m0, m1, 0, 2, 4, 6)
  let x = v128.shuffle<u32>(m0, m1, 1, 3, 5, 7)
  let y = v128.shuffle<u32>(m2, m3, 0, 2, 4, 6)
  let z = v128.shuffle<u32>(m2, m3, 1, 3, 5, 7)
  for (let round = 0; round < ROUNDS; round++) {
    a = v128.add<u32>(v128.add<u32>(a, w), b)
    d = rotate16(v128.xor(d, a))
    c = v128.add<u32>(c, d)
    b = rotate12(v128.xor(b, c))
    a = v128.add<u32>(v128.add<u32>(a, x), b)
    d = rotate8(v128.xor(d, a))
    c = v128.add<u32>(c, d)
    b = rotate7(v128.xor(b, c))
    b = v128.shuffle<u32>(b, b, 1, 2, 3, 0)
    c = v128.shuffle<u32>(c, c, 2, 3, 0, 1)
    d = v128.shuffle<u32>(d, d, 3, 0, 1, 2)
    a = v128.add<u32>(v128.add<u32>(a, y), b)
    d = rotate16(v128.xor(d, a))
    c = v128.add<u32>(c, d)
    b = rotate12(v128.xor(b, c))
    a = v128.add<u32>(v128.add<u32>(a, z), b)
    d = rotate8(v128.xor(d, a))
    c = v128.add<u32>(c, d)
    b = rotate7(v128.xor(b, c))
    b = v128.shuffle<u32>(b, b, 3, 0, 1, 2)
    c = v128.shuffle<u32>(c, c, 2, 3, 0, 1)
    d = v128.shuffle<u32>(d, d, 1, 2, 3, 0)
    // The words 2 6 3 10 7 0 4 13 1 11 12 5 9 14 15 8 become 0 to 15.
    const evens = v128.shuffle<u32>(w, x, 1, 5, 7, 2)
    const odds = v128.shuffle<u32>(v128.shuffle<u32>(w, y, 3, 5, 0, 0), z, 0, 1, 2, 6)
    const others = v128.shuffle<u32>(v128.shuffle<u32>(x, y, 0, 6, 0, 0), z, 0, 1, 4, 7)
    z = v128.shuffle<u32>(v128.shuffle<u32>(x, y, 2, 2, 7, 4), z, 5, 0, 2, 3)
    w = evens
    x = odds
    y = others
  }
  v128.store(out, v128.xor(c, cv0), 32)
  v128.store(out, v128.xor(d, cv1), 48)
  v128.store(out, v128.xor(a, c))
  v128.store(out, v128.xor(b, d), 16)
}

// @ts-ignore: decorator
@inline
function word(message: usize, place: usize, schedule: usize): v128 {
  return v128.load(message + <usize>load<u8>(schedule + place))
}

/**
 * Four messages: vector i holds word i of each. 16 vectors at `out` from eight vectors `cv` and 16 vectors
 * `message`; `out` may be `cv`. Public: counters (one for each lane), length, flags.
 */
export function compressLanes(
  cv: usize,
  message: usize,
  out: usize,
  counters: v128,
  length: u32,
  flags: u32,
): void {
  let v0 = v128.load(cv)
  let v1 = v128.load(cv, 16)
  let v2 = v128.load(cv, 32)
  let v3 = v128.load(cv, 48)
  let v4 = v128.load(cv, 64)
  let v5 = v128.load(cv, 80)
  let v6 = v128.load(cv, 96)
  let v7 = v128.load(cv, 112)
  let v8 = i32x4.splat(IV0)
  let v9 = i32x4.splat(IV1)
  let v10 = i32x4.splat(IV2)
  let v11 = i32x4.splat(IV3)
  let v12 = counters
  let v13 = i32x4.splat(0)
  let v14 = i32x4.splat(length)
  let v15 = i32x4.splat(flags)
  const end = SCHEDULE + 16 * ROUNDS
  for (let s = SCHEDULE; s < end; s += 16) {
    v0 = v128.add<u32>(v128.add<u32>(v0, word(message, 0, s)), v4)
    v1 = v128.add<u32>(v128.add<u32>(v1, word(message, 2, s)), v5)
    v2 = v128.add<u32>(v128.add<u32>(v2, word(message, 4, s)), v6)
    v3 = v128.add<u32>(v128.add<u32>(v3, word(message, 6, s)), v7)
    v12 = rotate16(v128.xor(v12, v0))
    v13 = rotate16(v128.xor(v13, v1))
    v14 = rotate16(v128.xor(v14, v2))
    v15 = rotate16(v128.xor(v15, v3))
    v8 = v128.add<u32>(v8, v12)
    v9 = v128.add<u32>(v9, v13)
    v10 = v128.add<u32>(v10, v14)
    v11 = v128.add<u32>(v11, v15)
    v4 = rotate12(v128.xor(v4, v8))
    v5 = rotate12(v128.xor(v5, v9))
    v6 = rotate12(v128.xor(v6, v10))
    v7 = rotate12(v128.xor(v7, v11))
    v0 = v128.add<u32>(v128.add<u32>(v0, word(message, 1, s)), v4)
    v1 = v128.add<u32>(v128.add<u32>(v1, word(message, 3, s)), v5)
    v2 = v128.add<u32>(v128.add<u32>(v2, word(message, 5, s)), v6)
    v3 = v128.add<u32>(v128.add<u32>(v3, word(message, 7, s)), v7)
    v12 = rotate8(v128.xor(v12, v0))
    v13 = rotate8(v128.xor(v13, v1))
    v14 = rotate8(v128.xor(v14, v2))
    v15 = rotate8(v128.xor(v15, v3))
    v8 = v128.add<u32>(v8, v12)
    v9 = v128.add<u32>(v9, v13)
    v10 = v128.add<u32>(v10, v14)
    v11 = v128.add<u32>(v11, v15)
    v4 = rotate7(v128.xor(v4, v8))
    v5 = rotate7(v128.xor(v5, v9))
    v6 = rotate7(v128.xor(v6, v10))
    v7 = rotate7(v128.xor(v7, v11))
    v0 = v128.add<u32>(v128.add<u32>(v0, word(message, 8, s)), v5)
    v1 = v128.add<u32>(v128.add<u32>(v1, word(message, 10, s)), v6)
    v2 = v128.add<u32>(v128.add<u32>(v2, word(message, 12, s)), v7)
    v3 = v128.add<u32>(v128.add<u32>(v3, word(message, 14, s)), v4)
    v15 = rotate16(v128.xor(v15, v0))
    v12 = rotate16(v128.xor(v12, v1))
    v13 = rotate16(v128.xor(v13, v2))
    v14 = rotate16(v128.xor(v14, v3))
    v10 = v128.add<u32>(v10, v15)
    v11 = v128.add<u32>(v11, v12)
    v8 = v128.add<u32>(v8, v13)
    v9 = v128.add<u32>(v9, v14)
    v5 = rotate12(v128.xor(v5, v10))
    v6 = rotate12(v128.xor(v6, v11))
    v7 = rotate12(v128.xor(v7, v8))
    v4 = rotate12(v128.xor(v4, v9))
    v0 = v128.add<u32>(v128.add<u32>(v0, word(message, 9, s)), v5)
    v1 = v128.add<u32>(v128.add<u32>(v1, word(message, 11, s)), v6)
    v2 = v128.add<u32>(v128.add<u32>(v2, word(message, 13, s)), v7)
    v3 = v128.add<u32>(v128.add<u32>(v3, word(message, 15, s)), v4)
    v15 = rotate8(v128.xor(v15, v0))
    v12 = rotate8(v128.xor(v12, v1))
    v13 = rotate8(v128.xor(v13, v2))
    v14 = rotate8(v128.xor(v14, v3))
    v10 = v128.add<u32>(v10, v15)
    v11 = v128.add<u32>(v11, v12)
    v8 = v128.add<u32>(v8, v13)
    v9 = v128.add<u32>(v9, v14)
    v5 = rotate7(v128.xor(v5, v10))
    v6 = rotate7(v128.xor(v6, v11))
    v7 = rotate7(v128.xor(v7, v8))
    v4 = rotate7(v128.xor(v4, v9))
  }
  v128.store(out, v128.xor(v8, v128.load(cv)), 128)
  v128.store(out, v128.xor(v9, v128.load(cv, 16)), 144)
  v128.store(out, v128.xor(v10, v128.load(cv, 32)), 160)
  v128.store(out, v128.xor(v11, v128.load(cv, 48)), 176)
  v128.store(out, v128.xor(v12, v128.load(cv, 64)), 192)
  v128.store(out, v128.xor(v13, v128.load(cv, 80)), 208)
  v128.store(out, v128.xor(v14, v128.load(cv, 96)), 224)
  v128.store(out, v128.xor(v15, v128.load(cv, 112)), 240)
  v128.store(out, v128.xor(v0, v8))
  v128.store(out, v128.xor(v1, v9), 16)
  v128.store(out, v128.xor(v2, v10), 32)
  v128.store(out, v128.xor(v3, v11), 48)
  v128.store(out, v128.xor(v4, v12), 64)
  v128.store(out, v128.xor(v5, v13), 80)
  v128.store(out, v128.xor(v6, v14), 96)
  v128.store(out, v128.xor(v7, v15), 112)
}
