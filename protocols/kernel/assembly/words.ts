/** Reverses the order of all bytes of `count` 32-bit words; `out` is not `from`. Public: `count`. */
export function swapWords(out: usize, from: usize, count: i32): void {
  let to = out + 4 * (count - 1)
  for (let i = 0; i < count; i++, to -= 4) store<u32>(to, bswap(load<u32>(from + 4 * i)))
}
