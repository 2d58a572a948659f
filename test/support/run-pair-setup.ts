import type { Kernel } from '../../protocols/kernel/kernel.ts'
import { type PairSetup, setUpPair } from '../../protocols/pair-setup/set-up-pair.ts'
import type { Guest } from '../../protocols/session/guest.ts'
import { type SimulationOptions, simulate } from '../../protocols/simulation/simulate.ts'
import { memoKernel } from './memo-kernel.ts'
import { NETWORK } from './run-keygen.ts'
import { seeded } from './seeded.ts'

export interface PairRun extends SimulationOptions {
  readonly seed: string
  readonly guests?: readonly [Guest, Guest]
  readonly attempt?: number
}

export interface PairOutcome {
  readonly results: PromiseSettledResult<PairSetup>[]
  readonly kernels: readonly [Kernel, Kernel]
}

export const ALICE: Guest = { index: 1, id: new Uint8Array(32).fill(0x11) }
export const BOB: Guest = { index: 2, id: new Uint8Array(32).fill(0x22) }

/** One pair setup between two guests with new kernels. */
export async function runPairSetup({
  seed,
  guests = [ALICE, BOB],
  attempt = 0,
  ...options
}: PairRun): Promise<PairOutcome> {
  const [a, b] = guests
  const kernels = [
    memoKernel(`${seed}/${a.index}`).kernel,
    memoKernel(`${seed}/${b.index}`).kernel,
  ] as const
  const results = await simulate(
    [a.index, b.index],
    seeded(`${seed}/instance`)(32),
    (party) => {
      const first = party.me === a.index
      return setUpPair(party, kernels[first ? 0 : 1], seeded(`${seed}/party ${party.me}`), {
        networkId: NETWORK,
        epochId: NETWORK,
        attempt,
        mine: first ? a : b,
        theirs: first ? b : a,
        breathe: async () => undefined,
      })
    },
    options,
  )
  return { results, kernels }
}
