/** (βx, y) = λ·(x, y): β³ = 1 mod p. */
export const BETA: usize = memory.data<u32>(
  [
    0x119501ee, 0x09cb6143, 0x1d626570, 0x0092ea25, 0x034e99cf, 0x03cf561a, 0x1c41b991, 0x056caf80,
    0x007ae96a, 0,
  ],
  16,
)
