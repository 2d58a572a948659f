import { MESSAGE_TYPES } from '../../../protocols/session/numbers.ts'
import type { Party } from '../../../protocols/session/round.ts'
import type { Session } from './session.ts'
import type { SessionRouter } from './session-router.ts'

/**
 * Opens a session at every other participant and takes part in it at once; a peer that cannot be reached ends it.
 * A conversation that fails waits for no opening: `conduct` ends the session at once, which cancels those that
 * have not left, so that nobody puts a ban off (02 §2.8) by taking none.
 */
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
  const result = await converse(party)
  await Promise.all(opened)
  return result
}
