/**
 * The guest's only notion of time, handed in by its server: a wall clock for what people signed, a
 * monotonic one for deadlines (02 §11), and a bell. Tests turn it by hand.
 */
export interface Clock {
  /** Unix time in milliseconds. */
  unixMs(): number
  /** Milliseconds that never run backwards. */
  monotonicMs(): number
  /** Calls `run` once after `ms`; the returned function cancels it. */
  after(ms: number, run: () => void): () => void
}
