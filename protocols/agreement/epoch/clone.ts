import type { Beat } from '../objects/beat.ts'
import { hexOf } from './hex-of.ts'
import type { Boot } from './state.ts'
import { notice, type Turn } from './turn.ts'

/** Beats of two boots that overlap by more than this come from two live processes (03 §9.4). */
const OVERLAP_MS = 3_000

/**
 * Two live boots of one guest are a clone, or a memory snapshot that was resumed: both are refused until the operator
 * starts one afresh (03 §9.4). Their beats must overlap both as they are dated and as they came, so that neither a late
 * letter nor a clock that jumped before a restart looks like one.
 */
export function noteBoot({ state, now, effects }: Turn, beat: Beat): void {
  const { index, bootId, time } = beat
  const id = hexOf(bootId)
  const boots: Map<string, Boot> = state.boots.get(index) ?? new Map()
  state.boots.set(index, boots)
  const boot = boots.get(id) ?? {
    id,
    dated: { first: time, last: time },
    came: { first: now, last: now },
  }
  boots.set(id, boot)
  boot.dated.last = Math.max(boot.dated.last, time)
  boot.came.last = now
  for (const other of boots.values()) {
    if (other === boot || overlap(boot.dated, other.dated) <= OVERLAP_MS) continue
    if (overlap(boot.came, other.came) <= OVERLAP_MS) continue
    const refused = state.refused.get(index) ?? new Set<string>()
    if (refused.has(id) && refused.has(other.id)) continue
    state.refused.set(index, new Set([...refused, id, other.id]))
    notice({ effects }, { about: 'clone', of: index })
  }
}

const overlap = (a: Boot['dated'], b: Boot['dated']): number =>
  Math.min(a.last - b.first, b.last - a.first)
