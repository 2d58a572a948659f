/** Words of four items side by side: vector i holds word i of each. All addresses and counts are public. */

/** Vectors 0 to 3 at `out` from 16 bytes of each of four items, `stride` bytes apart. */
export function transposeWords(out: usize, from: usize, stride: i32): void {
  const a = v128.load(from)
  const b = v128.load(from + stride)
  const c = v128.load(from + 2 * stride)
  const d = v128.load(from + 3 * stride)
  const ab = v128.shuffle<u32>(a, b, 0, 4, 1, 5)
  const cd = v128.shuffle<u32>(c, d, 0, 4, 1, 5)
  const ef = v128.shuffle<u32>(a, b, 2, 6, 3, 7)
  const gh = v128.shuffle<u32>(c, d, 2, 6, 3, 7)
  v128.store(out, v128.shuffle<u64>(ab, cd, 0, 2))
  v128.store(out, v128.shuffle<u64>(ab, cd, 1, 3), 16)
  v128.store(out, v128.shuffle<u64>(ef, gh, 0, 2), 32)
  v128.store(out, v128.shuffle<u64>(ef, gh, 1, 3), 48)
}

/** The way back: 16 bytes of each of four items, `stride` bytes apart, from four vectors. */
export function copyAcross(out: usize, stride: i32, from: usize): void {
  const a = v128.load(from)
  const b = v128.load(from, 16)
  const c = v128.load(from, 32)
  const d = v128.load(from, 48)
  const ab = v128.shuffle<u32>(a, b, 0, 4, 1, 5)
  const cd = v128.shuffle<u32>(c, d, 0, 4, 1, 5)
  const ef = v128.shuffle<u32>(a, b, 2, 6, 3, 7)
  const gh = v128.shuffle<u32>(c, d, 2, 6, 3, 7)
  v128.store(out, v128.shuffle<u64>(ab, cd, 0, 2))
  v128.store(out + stride, v128.shuffle<u64>(ab, cd, 1, 3))
  v128.store(out + 2 * stride, v128.shuffle<u64>(ef, gh, 0, 2))
  v128.store(out + 3 * stride, v128.shuffle<u64>(ef, gh, 1, 3))
}

/** `count` words, each in all lanes. */
export function splatWords(out: usize, words: usize, count: i32): void {
  for (let i = 0; i < count; i++) v128.store(out + 16 * i, v128.load32_splat(words + 4 * i))
}
