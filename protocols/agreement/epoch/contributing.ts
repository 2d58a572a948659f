import type { Beat } from '../objects/beat.ts'
import { same } from './hex-of.ts'
import type { State } from './state.ts'
import type { Turn } from './turn.ts'

/** A member that was not heard for longer is judged to do nothing (03 §9.4). */
const HEARD_MS = 60_000
/** What a member says of others counts for so long (03 §9.4). */
const VIEW_MS = 30_000

/** What was last heard of a member: where it is, and what it thinks of the others. */
export interface Heard {
  /** Wall time here. */
  readonly at: number
  readonly recordHash: Uint8Array
  readonly contributing: ReadonlySet<number>
}

/** A beat of a member of the base, verified. */
export function hearBeat({ state, now }: Turn, { index, recordHash, seen }: Beat): void {
  const said = seen.filter(({ contributing }) => contributing).map((one) => one.index)
  state.heard.set(index, { at: now, recordHash, contributing: new Set(said) })
}

/** Whether this member says of another that it contributes: it is where the others are, and worked with this one lately. */
export function contributesHere({ parts, state, now }: Turn, index: number): boolean {
  const heard = state.heard.get(index)
  if (heard === undefined || now - heard.at > HEARD_MS) return false
  return same(heard.recordHash, state.base.hash) && parts.workedWith(index)
}

/**
 * Members of the base that contribute, as at least half of the others see it, never as they see themselves (03 §9.4): own views
 * count as those of one other. In order of index.
 */
export function contributors(
  state: Readonly<State>,
  self: number | null,
  own: ReadonlySet<number>,
  now: number,
): readonly number[] {
  const members = state.base.record.members.map(({ index }) => index)
  const says = (by: number, of: number): boolean => {
    if (by === self) return own.has(of)
    const heard = state.heard.get(by)
    return heard !== undefined && now - heard.at <= VIEW_MS && heard.contributing.has(of)
  }
  return members.filter((of) => {
    const others = members.filter((by) => by !== of)
    return others.filter((by) => says(by, of)).length * 2 >= others.length
  })
}
