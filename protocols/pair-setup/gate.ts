/** Why a setup may no longer be used: its pair is banned, or another setup took its place. */
export type Closed = 'banned' | 'generation'

/**
 * Whether a pair setup may be used. Several sessions share a setup; a failed oblivious-transfer check in
 * one closes the gate in the same turn, so that no other tests a further guess against the same Δ (02 §2.8).
 *
 * So a setup answers one wrong guess at most, although its sessions have no common lock: (1) a check over
 * Δ runs in one turn from the question at the gate to its verdict, and a failed one closes the gate before
 * that turn ends; (2) what tells that an m1 passed, the R2 of a session and C3 and C4 of a batch, leaves after
 * all m1 of that session or batch passed and in a turn that asked the gate, so none leaves once a check
 * failed; (3) what the failure ends, it ends with the same byte to everyone.
 *
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
