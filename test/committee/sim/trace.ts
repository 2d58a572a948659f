/** What happened, in order, for whoever has to understand a failure. */
export class Trace {
  readonly #lines: string[] = []
  readonly #isKept: boolean

  constructor(isKept: boolean) {
    this.#isKept = isKept
  }

  add(at: number, line: () => string): void {
    if (this.#isKept) this.#lines.push(`${(at / 1000).toFixed(3).padStart(9)}  ${line()}`)
  }

  get lines(): readonly string[] {
    return this.#lines
  }
}
