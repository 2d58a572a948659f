import { Freeze } from '../objects/freeze.ts'
import { cutChunks } from './attempt.ts'
import { expiryOf } from './genesis-epoch.ts'
import { sendReady } from './ready.ts'
import type { Attempt } from './state.ts'
import { ownEntry, send, type Turn, timer, union } from './turn.ts'

/** What nobody answered yet is said again this often (03 §4.2). */
export const REMIND_MS = 2_000

/** Every message of an undecided change that somebody may have missed. Signed bytes are those that went out before. */
export function onRemindDue(turn: Turn): void {
  const { state } = turn
  timer(turn, 'remind', REMIND_MS)
  if (state.standing !== 'member') return
  if (state.attempts.size === 0) remindProposals(turn)
  for (const attempt of state.attempts.values()) remindAttempt(turn, attempt)
}

function remindProposals(turn: Turn): void {
  const { state, now } = turn
  const { members } = state.base.record
  const self = ownEntry(turn, members)
  if (self === undefined) return
  for (const live of state.proposals.values()) {
    const { proposal, joins, answers } = live
    if (expiryOf(live) <= now) continue
    const silent = members.filter(({ index }) => !answers.has(index))
    const own = answers.get(self.index)
    if (own !== undefined) send(turn, members, { type: 'answer', answer: own })
    if (proposal?.object.proposerIndex === self.index)
      send(turn, silent, { type: 'proposal', proposal, joins })
  }
}

function remindAttempt(turn: Turn, attempt: Attempt): void {
  const { parts, state } = turn
  const { members } = state.base.record
  const everyone = union(members, attempt.members)
  const { initiator } = attempt.started.start.object
  const self = ownEntry(turn, members)
  sendReady(turn, attempt)
  if (attempt.ownFault !== null) send(turn, everyone, { type: 'fault', fault: attempt.ownFault })
  if (self?.index !== initiator) return
  const ready = new Set([...attempt.readies.values()].flatMap((of) => [...of.keys()]))
  const unready = everyone.filter(({ index }) => !ready.has(index))
  send(turn, unready, { type: 'start', ...attempt.started })
  if (attempt.tail !== null && attempt.tailSent !== null) send(turn, unready, attempt.tailSent)
  if (!attempt.hasFrozen || attempt.tail !== null) return
  const { committeeId } = parts
  const freeze = parts.sign(Freeze, {
    committeeId,
    e: attempt.e - 1,
    k: attempt.k,
    chunks: cutChunks(attempt),
    index: initiator,
  })
  send(
    turn,
    members.filter(({ index }) => !attempt.lists.has(index)),
    { type: 'freeze', freeze },
  )
}
