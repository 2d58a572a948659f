import { type Fault, ProtocolError } from '../../../protocols/session/faults.ts'
import type { LeadFault } from '../../port/messages.ts'
import type { Answers } from '../sessions/answers.ts'
import { failed, leadFailure } from '../sessions/lead-reply.ts'
import type { Session } from '../sessions/session.ts'
import type { Obstacle } from './domains.ts'

type Heard = ReturnType<Answers['watch']>

/** Why the root key signed nothing: for whoever leads again, and for people. */
export class NotSigned extends Error {
  override readonly name = 'NotSigned'
  readonly fault: LeadFault
  /** Whom the next attempt should do without; the own index if it is this guest that cannot. */
  readonly parties: readonly number[]
  readonly retryAfterMs: number
  /** What this guest found out itself in the session; undefined: it was told that it ended, or there was none. */
  readonly found: Fault | undefined
  /** What those said that took no part: reasons of NOT_YET, error ids of a refusal. */
  readonly reasons: readonly string[]

  constructor(
    fault: LeadFault,
    {
      parties = [],
      retryAfterMs = 0,
      reasons = [],
      found,
      cause,
    }: Partial<Pick<NotSigned, 'parties' | 'retryAfterMs' | 'reasons' | 'found' | 'cause'>> = {},
  ) {
    const who = parties.length > 0 ? ` by ${parties.join(', ')}` : ''
    super(`not signed: ${[fault, ...reasons].join(' ')}${who}`, { cause })
    this.fault = fault
    this.parties = parties
    this.retryAfterMs = retryAfterMs
    this.reasons = reasons
    this.found = found
  }
}

/** What stands in the way in this guest itself. */
export const notSignedHere = (obstacle: Obstacle, me: number, retryAfterMs: number): NotSigned =>
  obstacle.never === undefined
    ? new NotSigned('not-yet', { parties: [me], retryAfterMs, reasons: [obstacle.later] })
    : new NotSigned('refused', { parties: [me], reasons: [obstacle.never] })

/** How a session ended that made no signature. Throws what is no fault of a session. */
export function notSigned(error: unknown, heard: Heard, session: Session): NotSigned {
  const reply = leadFailure(error, heard, session)
  const { fault, parties, retryAfterMs, ids } = reply.kind === 'failed' ? reply : failed('aborted')
  const reasons = fault === 'refused' ? ids : heard.notYet.map(({ reason }) => reason)
  const found = foundIn(session, error)
  return new NotSigned(fault, { parties, retryAfterMs, reasons, found, cause: error })
}

/** The fault with which a session ended, unless it is another party's word. */
export function foundIn({ told, fault }: Session, error: unknown): Fault | undefined {
  const isFinding = error instanceof ProtocolError && !(told && error.fault === fault)
  return isFinding ? error.fault : undefined
}
