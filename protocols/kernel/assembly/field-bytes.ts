import { FE_SIZE, feMultiply, feAdd, feNormalise } from './field'

const LIMB_BITS: i32 = 29

/** 2^256 mod p = 2^32 + 977. */
const wrap = memory.data<u32>([977, 8, 0, 0, 0, 0, 0, 0, 0, 0], 16)
const upper = memory.data(40, 16)

/** The 32 bytes at `bytes`, big-endian, as limbs of an integer below 2^256: canonical only when that is below p. */
export function feFromBytes(out: usize, bytes: usize): void {
  fromBigEndian(out, bytes, 8)
}

/** `words` 32-bit words (8 at most), big-endian. */
function fromBigEndian(out: usize, bytes: usize, words: i32): void {
  memory.fill(out, 0, FE_SIZE)
  let bits: u64 = 0
  let held: i32 = 0
  let at = out
  for (let i = words - 1; i >= 0; i--) {
    bits |= <u64>bswap<u32>(load<u32>(bytes + 4 * i)) << held
    held += 32
    while (held >= LIMB_BITS) {
      store<u32>(at, <u32>bits & 0x1fffffff)
      at += 4
      bits >>= LIMB_BITS
      held -= LIMB_BITS
    }
  }
  if (held > 0) store<u32>(at, <u32>bits)
}

/** 48 bytes, big-endian, mod p (hash_to_field of RFC 9380 with L = 48), normalised. */
export function feFromWide(out: usize, bytes48: usize): void {
  fromBigEndian(upper, bytes48, 4)
  feMultiply(upper, upper, wrap)
  fromBigEndian(out, bytes48 + 16, 8)
  feAdd(out, out, upper)
  feNormalise(out)
  memory.fill(upper, 0, FE_SIZE)
}

/** 32 bytes, big-endian. `a` is normalised. */
export function feToBytes(out: usize, a: usize): void {
  let bits: u64 = 0
  let held: i32 = 0
  let at = a
  for (let i = 7; i >= 0; i--) {
    while (held < 32) {
      bits |= <u64>load<u32>(at) << held
      at += 4
      held += LIMB_BITS
    }
    store<u32>(out + 4 * i, bswap<u32>(<u32>bits))
    bits >>= 32
    held -= 32
  }
}
