import { Liar, silent, Twins } from './adversaries.ts'
import { type Adversary, type Lack, type Outcome, World } from './world.ts'

const ADVERSARIES: readonly (() => Adversary | null)[] = [
  () => null,
  () => new Twins(),
  () => new Liar(),
  silent,
]

/** The schedule of a seed: 3 to 7 members, no adversary or one of each kind by turns. */
export function runSchedule(seed: number, lack: Lack = {}): Outcome {
  const adversary = ADVERSARIES[Math.floor(seed / 5) % ADVERSARIES.length]
  if (adversary === undefined) throw new Error('bug: no adversary')
  return new World(seed, 3 + (seed % 5), adversary(), lack).run()
}

/** What the first bad schedule of these seeds breaks, and its seed. */
export function firstViolation(
  from: number,
  count: number,
  lack: Lack = {},
): { seed: number; violation: string } | null {
  for (let seed = from; seed < from + count; seed++) {
    const { violation } = runSchedule(seed, lack)
    if (violation !== null) return { seed, violation }
  }
  return null
}
