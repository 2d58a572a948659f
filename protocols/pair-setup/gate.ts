/** Why a setup may no longer be used: its pair is banned, or another setup took its place. */
export type Closed = 'banned' | 'generation'

/**
 * Whether a pair setup may be used. Several sessions share a setup; a failed oblivious-transfer check in
 * one closes the gate in the same turn, so that no other tests a further guess against the same Δ (02 §2.8).
 * Every use of the setup's handles asks here first, which is also what lets their owner wipe them at any time.
 */
export class PairGate {
  #closed: Closed | undefined

  /** The first reason stays: a ban is not undone by a renewal. */
  close(reason: Closed): void {
    if (this.#closed !== 'banned') this.#closed = reason
  }

  get closed(): Closed | undefined {
    return this.#closed
  }
}
