import type { Handle } from '../kernel/kernel.ts'
import type { PartyIndex } from '../session/faults.ts'

/** One guest's half of a correlation, both directions (02 §4.1). In memory only, and opened at most once. */
export interface Correlation {
  /** corrId, 16 bytes: the same at both guests, and only if they saw the same transcript. */
  readonly id: Uint8Array
  readonly secret: Handle<'correlation'>
}

/**
 * What form (b) takes from. Every take is final: gone from the pool in the same synchronous step, whatever
 * follows; whoever took it wipes it.
 */
export interface CorrelationSource {
  /** I am lo of the pair, and name one. `undefined`: none is ready. */
  name(peer: PartyIndex): Correlation | undefined
  /**
   * lo of the pair named this one. `undefined`: unknown here, or spent (02 §4.4). `isOurs`: at the place of this pair;
   * elsewhere nobody expects that it is known.
   */
  named(peer: PartyIndex, id: Uint8Array, isOurs: boolean): Correlation | undefined
}

/** The correlations of one run; all of one setup and of the same two boots. */
export interface CorrelationBatch {
  readonly batchSid: Uint8Array
  readonly batchNo: number
  /** In order of their numbers. Whoever has the batch owns the handles. */
  readonly correlations: readonly Correlation[]
}
