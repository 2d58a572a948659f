import { KernelFull } from '../../../protocols/kernel/kernel.ts'
import { RequestError } from '../../../protocols/request/errors.ts'
import {
  blamed,
  consequence,
  type Fault,
  type PartyIndex,
  ProtocolError,
} from '../../../protocols/session/faults.ts'
import type { LeadFailed, LeadFault, LeadReply, RefusedReply } from '../../port/messages.ts'
import type { Heard } from './answers.ts'
import type { Session } from './session.ts'

/** A session that the kernel had no room for may be opened again then. */
const FULL_MS = 500

/** The end of an attempt without a result, as the host may know it. */
export const failed = (
  fault: LeadFault,
  parties: readonly PartyIndex[] = [],
  retryAfterMs = 0,
): LeadFailed => ({ kind: 'failed', fault, parties: [...new Set(parties)], retryAfterMs, ids: [] })

/** A refusal with an error id of 05 §3.3, which the caller may be told. */
export const refusal = ({ id, message }: RequestError): RefusedReply => ({
  kind: 'error',
  id,
  message: message.slice(0, 400),
})

/** How an attempt ended, as far as others had a part in it. */
type Ended = Pick<Session, 'me' | 'endedBy' | 'waitsFor'>

/**
 * What the host learns of an attempt that threw. Which check of a ban failed is told to nobody. Of a session
 * that another party ended it learns whom to do without next time; that is no finding, and blames nobody.
 */
export function leadFailure(error: unknown, heard: Heard, session: Ended): LeadReply {
  if (error instanceof RequestError) return refusal(error)
  if (!(error instanceof ProtocolError)) throw error
  const [notYet] = heard.notYet
  if (heard.refused.length > 0) {
    const ids = [...new Set(heard.refused.map(({ id }) => id))]
    return {
      ...failed(
        'refused',
        heard.refused.map(({ from }) => from),
      ),
      ids,
    }
  }
  if (notYet !== undefined)
    return failed(
      notYet.reason === 'busy' ? 'busy' : 'not-yet',
      heard.notYet.map(({ from }) => from),
      notYet.retryAfterMs,
    )
  if (error.cause instanceof KernelFull) return failed('overloaded', [], FULL_MS)
  // What a peer does not know speaks against nobody: the next form does without it.
  const { kind } = error.fault
  if (kind === 'presig-unknown' || kind === 'corr-unknown') return failed(kind)
  return failed(kindFor(error.fault), partiesOf(error.fault, session))
}

const kindFor = (fault: Fault): LeadFault => (consequence(fault) === 'ban' ? 'banned' : fault.kind)

function partiesOf(fault: Fault, { me, endedBy, waitsFor }: Ended): readonly PartyIndex[] {
  if (fault.kind === 'timeout') return fault.missing
  const party = blamed(fault)
  if (party !== undefined) return [party]
  const named = waitsFor === me ? endedBy : (waitsFor ?? endedBy) // nobody is told to do without itself
  return named === undefined ? [] : [named]
}
