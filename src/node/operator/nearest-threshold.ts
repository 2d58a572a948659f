import { thresholdRange } from '../../../protocols/agreement/rules/thresholds.ts'

/** The present threshold where n members may have it, else the nearest that they may have (03 §1.3 R4). */
export function nearestThreshold(n: number, t: number): number {
  const { least, most } = thresholdRange(n)
  return Math.max(least, Math.min(t, most))
}
