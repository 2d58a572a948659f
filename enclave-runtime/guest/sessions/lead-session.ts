import { MESSAGE_TYPES } from '../../../protocols/session/numbers.ts'
import type { Party } from '../../../protocols/session/round.ts'
import type { Session } from './session.ts'
import type { SessionRouter } from './session-router.ts'

/** Opens a session at every other participant and takes part in it at once; a peer that cannot be reached ends it. */
export async function openEverywhere<T>(
  router: SessionRouter,
  session: Session,
  opening: Uint8Array,
  party: Party,
  converse: (party: Party) => Promise<T>,
): Promise<T> {
  const { instanceId, attempt } = session.spec
  const letter = { session: instanceId, attempt, round: 0, type: MESSAGE_TYPES.open, body: opening }
  const opened = session.others.map((to) => router.sendFor(session, to, letter))
  // All of them to their end, so that nothing of the conversation runs on after a failure.
  const [result] = await Promise.allSettled([converse(party), ...opened])
  if (result.status === 'rejected') throw result.reason
  return result.value
}
