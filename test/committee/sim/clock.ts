/** Virtual time: what is due happens in order of time, and in order of asking within one instant. */
export class Clock {
  #now = 0
  #asked = 0
  readonly #heap: Due[] = []

  /** ms since the world began. */
  get now(): number {
    return this.#now
  }

  after(ms: number, happen: () => void): void {
    const due = { at: this.#now + ms, order: this.#asked++, happen }
    const heap = this.#heap
    heap.push(due)
    let i = heap.length - 1
    while (i > 0) {
      const parent = (i - 1) >> 1
      const above = heap[parent] as Due
      if (!earlier(due, above)) break
      heap[i] = above
      heap[parent] = due
      i = parent
    }
  }

  /** Lets the next thing happen; false when nothing is due until `end`. */
  step(end: number): boolean {
    const heap = this.#heap
    const first = heap[0]
    if (first === undefined || first.at > end) {
      this.#now = end
      return false
    }
    const last = heap.pop() as Due
    if (heap.length > 0) this.#sink(last)
    this.#now = first.at
    first.happen()
    return true
  }

  #sink(due: Due): void {
    const heap = this.#heap
    let i = 0
    for (;;) {
      let child = 2 * i + 1
      if (child >= heap.length) break
      if (child + 1 < heap.length && earlier(heap[child + 1] as Due, heap[child] as Due)) child++
      if (!earlier(heap[child] as Due, due)) break
      heap[i] = heap[child] as Due
      i = child
    }
    heap[i] = due
  }
}

interface Due {
  readonly at: number
  readonly order: number
  readonly happen: () => void
}

const earlier = (a: Due, b: Due): boolean => a.at < b.at || (a.at === b.at && a.order < b.order)
