/** Puts the lines of a byte stream together again. A line above the limit is an error, before it is kept. */
export class Lines {
  readonly #maxBytes: number
  #parts: Buffer[] = []
  #size = 0

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  /** The lines that end in this chunk, without their ends. @throws RangeError when one is too long. */
  push(chunk: Buffer): string[] {
    const lines: string[] = []
    let rest = chunk
    for (let end = rest.indexOf(0x0a); end !== -1; end = rest.indexOf(0x0a)) {
      this.#keep(rest.subarray(0, end))
      lines.push(Buffer.concat(this.#parts).toString('utf8'))
      this.#parts = []
      this.#size = 0
      rest = rest.subarray(end + 1)
    }
    this.#keep(rest)
    return lines
  }

  #keep(bytes: Buffer): void {
    this.#size += bytes.length
    if (this.#size > this.#maxBytes)
      throw new RangeError(`a line of more than ${this.#maxBytes} bytes`)
    if (bytes.length > 0) this.#parts.push(bytes)
  }
}
