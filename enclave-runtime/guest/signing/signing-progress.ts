import type { GuestPhase } from '../../port/phases.ts'
import type { Timeline } from '../requests/timeline.ts'
import type { SessionProgress } from '../sessions/session.ts'

/** Rounds of every form of signing, by the word after the number (02 §6). */
const PHASE_OF: readonly (readonly [prefix: string, phase: GuestPhase])[] = [
  ['sign/1b', 'r1b'],
  ['sign/1', 'r1'],
  ['sign/2', 'r2'],
  ['sign/3', 'r3'],
  ['sign/online', 'r3'],
]

const LAST: GuestPhase = 'r3'

/**
 * Notes on a timeline how far a session is, seen from its leader: `forward` until the first letter of a
 * follower came, which is the way of the opening and what followers check; then the rounds; and `combine`
 * once everything of the last round is there.
 */
export function signingProgress(timeline: Timeline): SessionProgress {
  let hasHeard = false
  let isLast = false
  let isComplete = false
  return {
    entered(round) {
      const phase = phaseOf(round)
      if (phase === undefined) return
      isLast ||= phase === LAST
      if (hasHeard) timeline.enter(isLast && isComplete ? 'combine' : phase)
    },
    heard(round) {
      const phase = phaseOf(round)
      if (!hasHeard && phase !== undefined) timeline.enter(phase)
      hasHeard = true
    },
    heardAll(round) {
      if (phaseOf(round) !== LAST) return
      isComplete = true // it may come before the round is entered here
      if (isLast) timeline.enter('combine')
    },
  }
}

const phaseOf = (round: string): GuestPhase | undefined =>
  PHASE_OF.find(([prefix]) => round.startsWith(prefix))?.[1]
