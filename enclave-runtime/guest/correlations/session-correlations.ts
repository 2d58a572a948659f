import type { Correlation, CorrelationSource } from '../../../protocols/correlations/correlation.ts'
import type { PartyIndex } from '../../../protocols/session/faults.ts'
import type { Ended } from '../signing/correlations-for-signing.ts'

/** What one session takes from, with a count of what it took. */
export class SessionCorrelations implements CorrelationSource {
  readonly #source: CorrelationSource & { over(): void }
  readonly #failed: (names: number, ended: Omit<Ended, 'leader'>) => void
  #names = 0

  constructor(
    source: CorrelationSource & { over(): void },
    failed: (names: number, ended: Omit<Ended, 'leader'>) => void,
  ) {
    this.#source = source
    this.#failed = failed
  }

  name(peer: PartyIndex): Correlation | undefined {
    return this.#counted(this.#source.name(peer))
  }

  named(peer: PartyIndex, id: Uint8Array, isOurs: boolean): Correlation | undefined {
    return this.#counted(this.#source.named(peer, id, isOurs))
  }

  /** The session ended: what it did not take is there for others. */
  over(): void {
    this.#source.over()
  }

  /** The session ended without a result: what it took is spent for nothing, and somebody pays for it (02 §4.4). */
  failed(ended: Omit<Ended, 'leader'>): void {
    if (this.#names > 0) this.#failed(this.#names, ended)
    this.#names = 0
  }

  #counted(taken: Correlation | undefined): Correlation | undefined {
    if (taken !== undefined) this.#names += 1
    return taken
  }
}
