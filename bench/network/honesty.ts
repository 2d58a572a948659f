import { quantiles } from './quantiles.ts'

/** What other programs may use of the processors before a run says more about them than about us. */
const FOREIGN_SHARE = 0.1
/** Least samples for a percentile that is not simply the maximum. */
const LEAST_SAMPLES = 5
/** A planted slowdown of 20 % must be reported as one of at least half of that (10 §6.1, rule 11). */
const LEAST_REPORTED = 0.1

export interface Machine {
  /** Processor seconds of everything on this machine during the run. */
  readonly busyS: number
  /** Of them, ours: nodes, guests, client, emulated links. */
  readonly oursS: number
  readonly wallS: number
  readonly cores: number
}

/** Why a run over real processes proves nothing, or `undefined` when it does (10 §6.1, rule 7). */
export function networkVoid(times: readonly number[], machine: Machine): string | undefined {
  if (times.length < LEAST_SAMPLES) return `only ${times.length} samples`
  const { busyS, oursS, wallS, cores } = machine
  const foreign = Math.max(0, busyS - oursS) / (wallS * cores)
  if (foreign > FOREIGN_SHARE)
    return `other programs used ${Math.round(foreign * 100)} % of the processors`
  return undefined
}

/** How much slower `slowed` is than `plain`, by their medians: 0.2 is a fifth. */
export const slowdown = (plain: readonly number[], slowed: readonly number[]): number =>
  quantiles(slowed).p50 / quantiles(plain).p50 - 1

/** Why the positive control fails, or `undefined`: what was planted must show. */
export function controlVoid(
  plain: readonly number[],
  slowed: readonly number[],
): string | undefined {
  const reported = slowdown(plain, slowed)
  return reported >= LEAST_REPORTED
    ? undefined
    : `a planted slowdown of 20 % was reported as ${Math.round(reported * 100)} %`
}
