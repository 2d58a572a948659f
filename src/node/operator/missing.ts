import { maxLeaves } from '../../../protocols/agreement/rules/thresholds.ts'
import type { OperatorStatus } from './messages.ts'

/** What of a status says who is there. */
export type Attendance = Pick<OperatorStatus, 'members' | 'q' | 't'>

const LATE_MS = 15_000 // 03 §7

/** Members that this node does not hear for so long; by default those that are late. */
export const silentOf = ({ members }: Attendance, ms: number = LATE_MS): number[] =>
  members.filter(({ silentMs }) => silentMs !== null && silentMs > ms).map(({ index }) => index)

/** The command that proposes that silent members go, one at a time, or why there is none (03 §7). */
export function removalOf(status: Attendance, silent: readonly number[]): string {
  const n = status.members.length
  const [first = 0] = silent
  if (n - silent.length < status.q)
    return `removing nobody helps: ${n - silent.length} of ${n} are heard and ${status.q} decide, so this is a partition or a loss of power; bring them back`
  return maxLeaves(n, status.t) === 0 || n <= MIN_MEMBERS
    ? `let another node join in its place: holdfast epoch propose add --remove ${first}`
    : `holdfast epoch propose remove ${first}`
}

const MIN_MEMBERS = 3 // of any committee (03 §1.3 R4)

export const named = (indices: readonly number[]): string =>
  `${indices.length === 1 ? 'member' : 'members'} ${indices.join(', ')}`
