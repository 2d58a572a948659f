import type { CorrelationBatch } from '../../protocols/correlations/correlation.ts'
import { type BatchContext, produceCorrelations } from '../../protocols/correlations/produce.ts'
import { PairGate } from '../../protocols/pair-setup/gate.ts'
import type { PairSetup } from '../../protocols/pair-setup/set-up-pair.ts'
import type { Guest } from '../../protocols/session/guest.ts'
import { type SimulationOptions, simulate } from '../../protocols/simulation/simulate.ts'
import { memoKernel } from './memo-kernel.ts'
import { NETWORK } from './run-keygen.ts'
import { ALICE, BOB } from './run-pair-setup.ts'
import { seeded } from './seeded.ts'
import { dealPair, type OpenKernel } from './trusted-setup.ts'

export const BATCH_NO = 7

/** Two guests with a dealt setup: party 1 is lo, and begins unless told otherwise. */
export interface BatchWorld {
  readonly kernels: readonly [OpenKernel, OpenKernel]
  readonly pairs: readonly [PairSetup, PairSetup]
}

/** The same setup whatever `kernels` says; it seeds what the kernels draw. */
export function batchWorld(
  seed: string,
  kernels: string = seed,
  open: (seed: string) => OpenKernel = memoKernel,
): BatchWorld {
  const [lo, hi] = [open(`${kernels}/lo`), open(`${kernels}/hi`)]
  const random = seeded(`${seed}/pair`)
  const dealt = dealPair(random, lo, hi)
  const both = { setupId: random(32), epochId: NETWORK }
  return {
    kernels: [lo, hi],
    pairs: [
      { ...both, ...dealt.lo, lo: true, gate: new PairGate() },
      { ...both, ...dealt.hi, lo: false, gate: new PairGate() },
    ],
  }
}

export const bootOf = (me: number): Uint8Array => new Uint8Array(16).fill(0xb0 + me)

export interface BatchRunOptions extends SimulationOptions {
  readonly seed: string
  readonly count: number
  /** Seeds what the parties draw themselves; the seed's by default. */
  readonly draws?: string
  readonly initiator?: 1 | 2
  /** What a party does differently. */
  readonly alter?: (me: number, honest: BatchContext) => BatchContext
}

export const runCorrelations = (
  { kernels, pairs }: BatchWorld,
  {
    seed,
    count,
    draws = seed,
    initiator = 1,
    alter = (_, same) => same,
    ...options
  }: BatchRunOptions,
): Promise<PromiseSettledResult<CorrelationBatch>[]> =>
  simulate(
    [1, 2],
    seeded(`${seed}/instance`)(32),
    (party) => {
      const at = party.me === 1 ? 0 : 1
      const [mine, theirs]: [Guest, Guest] = at === 0 ? [ALICE, BOB] : [BOB, ALICE]
      const honest: BatchContext = {
        networkId: NETWORK,
        epochId: NETWORK,
        mine,
        theirs,
        pair: pairs[at],
        bootId: bootOf(party.me),
        peerBootId: bootOf(theirs.index),
        batchNo: BATCH_NO,
        count,
        initiator: party.me === initiator,
        breathe: async () => undefined,
      }
      const random = seeded(`${draws}/party ${party.me}`)
      return produceCorrelations(party, kernels[at].kernel, random, alter(party.me, honest))
    },
    options,
  )
