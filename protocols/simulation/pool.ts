import { equalBytes } from '@noble/curves/utils.js'
import type { Correlation, CorrelationSource } from '../correlations/correlation.ts'
import type { PartyIndex } from '../session/faults.ts'

/** A guest's correlations with each peer, oldest first. Taking is removing, in one step. */
export class SimulatedPool implements CorrelationSource {
  readonly #ready = new Map<PartyIndex, readonly Correlation[]>()

  put(peer: PartyIndex, ...correlations: readonly Correlation[]): void {
    this.#ready.set(peer, [...this.of(peer), ...correlations])
  }

  of(peer: PartyIndex): readonly Correlation[] {
    return this.#ready.get(peer) ?? []
  }

  name(peer: PartyIndex): Correlation | undefined {
    const [first, ...rest] = this.of(peer)
    this.#ready.set(peer, rest)
    return first
  }

  named(peer: PartyIndex, id: Uint8Array): Correlation | undefined {
    const found = this.of(peer).find((correlation) => equalBytes(correlation.id, id))
    this.#ready.set(
      peer,
      this.of(peer).filter((correlation) => correlation !== found),
    )
    return found
  }
}
