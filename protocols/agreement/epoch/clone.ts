import type { Beat } from '../objects/beat.ts'
import { hexOf } from './hex-of.ts'
import { notice, type Turn } from './turn.ts'

/** Beats of two boots that overlap by more than this come from two live processes (03 §9.4). */
const OVERLAP_MS = 3_000

/** Two live boots of one guest are a clone, or a memory snapshot that was resumed: both are refused until the operator starts one afresh (03 §9.4). */
export function noteBoot(turn: Turn, { index, bootId, bootCounter, time }: Beat): void {
  const { state } = turn
  const id = hexOf(bootId)
  const boots = state.boots.get(index) ?? new Map()
  state.boots.set(index, boots)
  const boot = boots.get(id) ?? { id, first: time, last: time, counter: bootCounter }
  boots.set(id, boot)
  boot.last = Math.max(boot.last, time)
  for (const other of boots.values()) {
    const overlap = Math.min(boot.last - other.first, other.last - boot.first)
    if (other.id === id || overlap <= OVERLAP_MS) continue
    const refused = state.refused.get(index) ?? new Set<string>()
    if (refused.has(id) && refused.has(other.id)) continue
    state.refused.set(index, new Set([...refused, id, other.id]))
    notice(turn, { about: 'clone', of: index })
  }
}
