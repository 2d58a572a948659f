const TILE = 32 // bits of a word

/**
 * Transposes a matrix of bits: `rows` rows of `words` words to `words`·32 rows of `rows`/32 words.
 * Bit j of a row is bit j mod 32 of its word j / 32 (02 §1.2). `rows` is a multiple of 32.
 */
export function transpose(matrix: Uint32Array, rows: number, words: number): Uint32Array {
  const result = new Uint32Array(matrix.length)
  const tile = new Uint32Array(TILE)
  const across = rows / TILE
  for (let down = 0; down < across; down++) {
    for (let word = 0; word < words; word++) {
      for (let k = 0; k < TILE; k++) tile[k] = matrix[(TILE * down + k) * words + word] as number
      transposeTile(tile)
      for (let k = 0; k < TILE; k++) {
        result[(TILE * word + k) * across + down] = tile[k] as number
      }
    }
  }
  tile.fill(0)
  return result
}

/** 32 × 32 bits in place: exchanges the off-diagonal halves, then quarters, down to single bits. */
function transposeTile(tile: Uint32Array): void {
  let mask = 0x0000ffff
  for (let size = 16; size !== 0; size >>= 1) {
    for (let k = 0; k < TILE; k = (k + size + 1) & ~size) {
      const upper = tile[k] as number
      const lower = tile[k + size] as number
      const swap = ((upper >>> size) ^ lower) & mask
      tile[k] = upper ^ (swap << size)
      tile[k + size] = lower ^ swap
    }
    mask ^= mask << (size >> 1)
  }
}
