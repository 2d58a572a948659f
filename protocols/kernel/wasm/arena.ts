import { KernelMisuse } from '../kernel.ts'

const ALIGNMENT = 16

/** The part of linear memory through which messages go in and out: filled from its start by every operation. */
export class Arena {
  readonly #bytes: Uint8Array
  readonly #base: number
  #used = 0

  constructor(buffer: ArrayBuffer, base: number, size: number) {
    this.#bytes = new Uint8Array(buffer, base, size)
    this.#base = base
  }

  /** Room for `length` bytes; its address. */
  reserve(length: number): number {
    const at = this.#used
    const end = at + length
    if (end > this.#bytes.length) throw new KernelMisuse('bug: longer than the arena')
    this.#used = (end + ALIGNMENT - 1) & -ALIGNMENT
    return this.#base + at
  }

  /** Copies bytes in; their address. */
  put(bytes: Uint8Array): number {
    const at = this.reserve(bytes.length)
    this.#bytes.set(bytes, at - this.#base)
    return at
  }

  /** Copies bytes out. */
  get(at: number, length: number): Uint8Array {
    return this.#bytes.slice(at - this.#base, at - this.#base + length)
  }

  /** The bytes themselves, until the next operation. */
  view(at: number, length: number): Uint8Array {
    return this.#bytes.subarray(at - this.#base, at - this.#base + length)
  }

  /** Zeroes what was used: some of it were shares. */
  clear(): void {
    this.#bytes.fill(0, 0, Math.min(this.#used, this.#bytes.length))
    this.#used = 0
  }
}
