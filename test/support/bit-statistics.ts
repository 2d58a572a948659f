/** Bits and low bytes of many values that are to look uniform. */
export class BitStatistics {
  readonly #ones: Float64Array
  readonly #lowBytes = new Float64Array(256)
  #count = 0

  /** Values of so many bytes, the least significant byte last. */
  constructor(bytes: number) {
    this.#ones = new Float64Array(8 * bytes)
  }

  add(value: Uint8Array): void {
    this.#count += 1
    for (let at = 0; at < value.length; at++)
      for (let bit = 0, byte = value[at] as number; byte > 0; bit++, byte >>= 1)
        if ((byte & 1) === 1) (this.#ones[8 * at + bit] as number) += 1
    ;(this.#lowBytes[value.at(-1) as number] as number) += 1
  }

  /** Of all bits together, how many standard deviations the ones are from half. */
  get monobit(): number {
    const bits = this.#count * this.#ones.length
    const ones = this.#ones.reduce((sum, each) => sum + each, 0)
    return (ones - bits / 2) / Math.sqrt(bits / 4)
  }

  /** The same of the one position where it is greatest. */
  get worstBit(): number {
    const deviations = this.#ones.map(
      (ones) => Math.abs(ones - this.#count / 2) / Math.sqrt(this.#count / 4),
    )
    return deviations.reduce((most, each) => Math.max(most, each), 0)
  }

  /** χ² of the low bytes, of 255 degrees of freedom. */
  get chiSquared(): number {
    const expected = this.#count / 256
    return this.#lowBytes.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0)
  }
}
