/**
 * BLAKE3's compression of one keyed block that is first, last and root at once: the whole of `KH`
 * (02 §1.3), whose input always fits one block. Written out, because a signature needs some eight
 * thousand of them; a test compares it with @noble/hashes. Words are little-endian, as on every
 * platform that runs JavaScript.
 */
const FLAGS = 1 | 2 | 8 | 16 // CHUNK_START, CHUNK_END, ROOT, KEYED_HASH
const ROUNDS = 7
const BLOCK_WORDS = 16

/** Writes `words` output words at `out[at…]`; `key` holds eight words from `keyAt`; `message` 16 words, zero padded. */
export function keyedBlock(
  key: Uint32Array,
  keyAt: number,
  message: Uint32Array,
  bytes: number,
  out: Uint32Array,
  at: number,
  words: number,
): void {
  const block = new Uint32Array(BLOCK_WORDS)
  for (let done = 0; done < words; done += BLOCK_WORDS) {
    compress(key, keyAt, message, bytes, done / BLOCK_WORDS, block)
    const count = Math.min(BLOCK_WORDS, words - done)
    for (let i = 0; i < count; i++) out[at + done + i] = block[i] as number
  }
}

function compress(
  key: Uint32Array,
  keyAt: number,
  message: Uint32Array,
  bytes: number,
  counter: number,
  out: Uint32Array,
): void {
  const k0 = (key[keyAt + 0] as number) | 0
  const k1 = (key[keyAt + 1] as number) | 0
  const k2 = (key[keyAt + 2] as number) | 0
  const k3 = (key[keyAt + 3] as number) | 0
  const k4 = (key[keyAt + 4] as number) | 0
  const k5 = (key[keyAt + 5] as number) | 0
  const k6 = (key[keyAt + 6] as number) | 0
  const k7 = (key[keyAt + 7] as number) | 0
  let m0 = (message[0] as number) | 0
  let m1 = (message[1] as number) | 0
  let m2 = (message[2] as number) | 0
  let m3 = (message[3] as number) | 0
  let m4 = (message[4] as number) | 0
  let m5 = (message[5] as number) | 0
  let m6 = (message[6] as number) | 0
  let m7 = (message[7] as number) | 0
  let m8 = (message[8] as number) | 0
  let m9 = (message[9] as number) | 0
  let m10 = (message[10] as number) | 0
  let m11 = (message[11] as number) | 0
  let m12 = (message[12] as number) | 0
  let m13 = (message[13] as number) | 0
  let m14 = (message[14] as number) | 0
  let m15 = (message[15] as number) | 0
  let v0 = k0
  let v1 = k1
  let v2 = k2
  let v3 = k3
  let v4 = k4
  let v5 = k5
  let v6 = k6
  let v7 = k7
  let v8 = 0x6a09e667
  let v9 = 0xbb67ae85 | 0
  let v10 = 0x3c6ef372
  let v11 = 0xa54ff53a | 0
  let v12 = counter
  let v13 = 0
  let v14 = bytes
  let v15 = FLAGS
  for (let round = 0; round < ROUNDS; round++) {
    v0 = (v0 + v4 + m0) | 0
    v12 ^= v0
    v12 = (v12 >>> 16) | (v12 << 16)
    v8 = (v8 + v12) | 0
    v4 ^= v8
    v4 = (v4 >>> 12) | (v4 << 20)
    v0 = (v0 + v4 + m1) | 0
    v12 ^= v0
    v12 = (v12 >>> 8) | (v12 << 24)
    v8 = (v8 + v12) | 0
    v4 ^= v8
    v4 = (v4 >>> 7) | (v4 << 25)
    v1 = (v1 + v5 + m2) | 0
    v13 ^= v1
    v13 = (v13 >>> 16) | (v13 << 16)
    v9 = (v9 + v13) | 0
    v5 ^= v9
    v5 = (v5 >>> 12) | (v5 << 20)
    v1 = (v1 + v5 + m3) | 0
    v13 ^= v1
    v13 = (v13 >>> 8) | (v13 << 24)
    v9 = (v9 + v13) | 0
    v5 ^= v9
    v5 = (v5 >>> 7) | (v5 << 25)
    v2 = (v2 + v6 + m4) | 0
    v14 ^= v2
    v14 = (v14 >>> 16) | (v14 << 16)
    v10 = (v10 + v14) | 0
    v6 ^= v10
    v6 = (v6 >>> 12) | (v6 << 20)
    v2 = (v2 + v6 + m5) | 0
    v14 ^= v2
    v14 = (v14 >>> 8) | (v14 << 24)
    v10 = (v10 + v14) | 0
    v6 ^= v10
    v6 = (v6 >>> 7) | (v6 << 25)
    v3 = (v3 + v7 + m6) | 0
    v15 ^= v3
    v15 = (v15 >>> 16) | (v15 << 16)
    v11 = (v11 + v15) | 0
    v7 ^= v11
    v7 = (v7 >>> 12) | (v7 << 20)
    v3 = (v3 + v7 + m7) | 0
    v15 ^= v3
    v15 = (v15 >>> 8) | (v15 << 24)
    v11 = (v11 + v15) | 0
    v7 ^= v11
    v7 = (v7 >>> 7) | (v7 << 25)
    v0 = (v0 + v5 + m8) | 0
    v15 ^= v0
    v15 = (v15 >>> 16) | (v15 << 16)
    v10 = (v10 + v15) | 0
    v5 ^= v10
    v5 = (v5 >>> 12) | (v5 << 20)
    v0 = (v0 + v5 + m9) | 0
    v15 ^= v0
    v15 = (v15 >>> 8) | (v15 << 24)
    v10 = (v10 + v15) | 0
    v5 ^= v10
    v5 = (v5 >>> 7) | (v5 << 25)
    v1 = (v1 + v6 + m10) | 0
    v12 ^= v1
    v12 = (v12 >>> 16) | (v12 << 16)
    v11 = (v11 + v12) | 0
    v6 ^= v11
    v6 = (v6 >>> 12) | (v6 << 20)
    v1 = (v1 + v6 + m11) | 0
    v12 ^= v1
    v12 = (v12 >>> 8) | (v12 << 24)
    v11 = (v11 + v12) | 0
    v6 ^= v11
    v6 = (v6 >>> 7) | (v6 << 25)
    v2 = (v2 + v7 + m12) | 0
    v13 ^= v2
    v13 = (v13 >>> 16) | (v13 << 16)
    v8 = (v8 + v13) | 0
    v7 ^= v8
    v7 = (v7 >>> 12) | (v7 << 20)
    v2 = (v2 + v7 + m13) | 0
    v13 ^= v2
    v13 = (v13 >>> 8) | (v13 << 24)
    v8 = (v8 + v13) | 0
    v7 ^= v8
    v7 = (v7 >>> 7) | (v7 << 25)
    v3 = (v3 + v4 + m14) | 0
    v14 ^= v3
    v14 = (v14 >>> 16) | (v14 << 16)
    v9 = (v9 + v14) | 0
    v4 ^= v9
    v4 = (v4 >>> 12) | (v4 << 20)
    v3 = (v3 + v4 + m15) | 0
    v14 ^= v3
    v14 = (v14 >>> 8) | (v14 << 24)
    v9 = (v9 + v14) | 0
    v4 ^= v9
    v4 = (v4 >>> 7) | (v4 << 25)
    const first0 = m0
    m0 = m2
    m2 = m3
    m3 = m10
    m10 = m12
    m12 = m9
    m9 = m11
    m11 = m5
    m5 = first0
    const first1 = m1
    m1 = m6
    m6 = m4
    m4 = m7
    m7 = m13
    m13 = m14
    m14 = m15
    m15 = m8
    m8 = first1
  }
  out[0] = v0 ^ v8
  out[1] = v1 ^ v9
  out[2] = v2 ^ v10
  out[3] = v3 ^ v11
  out[4] = v4 ^ v12
  out[5] = v5 ^ v13
  out[6] = v6 ^ v14
  out[7] = v7 ^ v15
  out[8] = v8 ^ k0
  out[9] = v9 ^ k1
  out[10] = v10 ^ k2
  out[11] = v11 ^ k3
  out[12] = v12 ^ k4
  out[13] = v13 ^ k5
  out[14] = v14 ^ k6
  out[15] = v15 ^ k7
}
