const MAX_LINE_BYTES = 200 // 04 §1
const MAX_LINES_PER_SECOND = 20 // 04 §1
const CODE_LINE = /^([A-Z][A-Z0-9_]{1,47})( [a-z][a-zA-Z]{0,15}=[a-zA-Z0-9/_-]{1,64}){0,4}$/ // a code and a few plain facts

/**
 * The lines that a guest may write to descriptor 2: codes only. Free text (a stack trace, say) never goes
 * on, for it could hold anything.
 */
export class Diagnostics {
  readonly #take: (line: string) => void
  readonly #now: () => number
  #line = ''
  #tooLong = false
  #second = Number.NEGATIVE_INFINITY
  #inSecond = 0
  #last: string | null = null
  #ignored = 0

  constructor(take: (line: string) => void, now: () => number) {
    this.#take = take
    this.#now = now
  }

  /** The code of the last line that was one. */
  get last(): string | null {
    return this.#last
  }

  /** Lines that were no code lines, or came too fast. */
  get ignored(): number {
    return this.#ignored
  }

  push(chunk: Uint8Array): void {
    for (const byte of chunk) {
      if (byte === 0x0a) this.#end()
      else if (this.#line.length >= MAX_LINE_BYTES) this.#tooLong = true
      else this.#line += String.fromCharCode(byte)
    }
  }

  #end(): void {
    const line = this.#tooLong ? '' : this.#line
    this.#line = ''
    this.#tooLong = false
    const code = CODE_LINE.exec(line)?.[1]
    if (code === undefined || !this.#inTime()) {
      this.#ignored++
      return
    }
    this.#last = code
    this.#take(line)
  }

  #inTime(): boolean {
    const now = this.#now()
    if (now - this.#second >= 1000) {
      this.#second = now
      this.#inSecond = 0
    }
    return ++this.#inSecond <= MAX_LINES_PER_SECOND
  }
}
