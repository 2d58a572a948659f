import { createHash } from 'node:crypto'

/** A change of the committee. `pick` chooses a member among those there are when its time comes. */
export type Change =
  | { readonly do: 'refresh' | 'join' }
  | { readonly do: 'leave'; readonly pick: number }

/** What befalls one member, and how long. */
export interface Trouble {
  readonly do: 'kill' | 'freeze' | 'partition' | 'disk-full'
  readonly pick: number
  readonly forMs: number
}

export type Step = { readonly atMs: number } & (Change | Trouble)

export interface Limits {
  readonly least: number
  readonly most: number
}

const GAP_MS = { least: 2_000, most: 9_000 } // between two steps: about as long as a refresh of few keys takes
const TROUBLE_MS = { least: 1_000, most: 20_000 } // a freeze of more than 15 s makes a member late (03 §7)
const CHANGE_SHARE = 0.4 // of the steps; the rest is trouble, and meets changes that run
const QUIET_MS = 20_000 // at the end nothing new begins: what runs comes to its end

const TROUBLES: readonly Trouble['do'][] = ['kill', 'freeze', 'partition', 'disk-full']

/**
 * What happens in a run, all of it from the seed: the same seed and minutes give the same steps. Changes keep the
 * committee between `least` and `most` members, as far as each of them succeeds.
 */
export function schedule(seed: number, minutes: number, size: number, limits: Limits): Step[] {
  const random = uniform(`chaos ${seed}`)
  const between = ({ least, most }: Limits): number => Math.floor(least + random() * (most - least))
  const steps: Step[] = []
  let members = size
  for (let atMs = between(GAP_MS); atMs < minutes * 60_000 - QUIET_MS; atMs += between(GAP_MS)) {
    if (random() >= CHANGE_SHARE) {
      const what = TROUBLES[Math.floor(random() * TROUBLES.length)] ?? 'kill'
      steps.push({ atMs, do: what, pick: random(), forMs: between(TROUBLE_MS) })
      continue
    }
    const wish = random()
    if (wish < 0.3 && members < limits.most) {
      steps.push({ atMs, do: 'join' })
      members++
    } else if (wish >= 0.3 && wish < 0.6 && members > limits.least) {
      steps.push({ atMs, do: 'leave', pick: random() })
      members--
    } else steps.push({ atMs, do: 'refresh' })
  }
  return steps
}

export const isTrouble = (step: Change | Trouble): step is Trouble =>
  (TROUBLES as readonly string[]).includes(step.do)

/** The member that a pick chooses. */
export const picked = <T>(members: readonly T[], pick: number): T | undefined =>
  members[Math.min(members.length - 1, Math.floor(pick * members.length))]

/** Numbers from 0 to 1, all from the seed. */
export function uniform(seed: string): () => number {
  let drawn = 0
  return () => createHash('sha256').update(`${seed}/${drawn++}`).digest().readUInt32BE(0) / 2 ** 32
}
