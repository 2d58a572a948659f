import type { AbortCert } from '../objects/certificates.ts'
import { epochInstanceId } from '../objects/vote.ts'
import { certifies } from '../qbft/certificate.ts'
import { ABORT } from '../qbft/vote.ts'
import { put, remove } from './records.ts'
import { byIndex, note, notice, numbersOf, promise, type Turn } from './turn.ts'

/** Whether q members of the base decided that attempt k ends without a record (03 §5). */
export function isAbort({ parts, state }: Turn, { e, k, round, commits }: AbortCert): boolean {
  const { record, hash } = state.base
  if (e !== record.e + 1) return false
  const iid = epochInstanceId(parts.committeeId, e, k, hash)
  return certifies(
    { kind: 'commit', round, value: ABORT, signatures: commits },
    iid,
    numbersOf(record).q,
    (index, body, signature) => {
      const author = byIndex(record.members, index)
      return author !== undefined && parts.isVoteBy(author.guestSig, body, signature)
    },
  )
}

/** An ABORT certificate ends its attempt here: pending shares of it are destroyed now, not later, for they are a full set (03 §4.3). */
export function takeAbort(turn: Turn, cert: AbortCert): void {
  const { state, effects } = turn
  const { e, k } = cert
  if (state.aborts.has(k) || !isAbort(turn, cert)) return
  state.aborts.set(k, cert)
  promise(turn, put('abort', [e, k], cert))
  const attempt = state.attempts.get(k)
  if (attempt === undefined) return
  effects.push({ do: 'drop-attempt', e, k })
  if (state.frozen === k) state.frozen = null
  const frozen = e === 0 ? [] : [remove('frozen', [e - 1, k])]
  note(turn, ...frozen, remove('tail', [e, k]), remove('ready', [e, k]))
  notice(turn, {
    about: 'aborted',
    e,
    k,
    blamed: attempt.fault === null ? [] : [attempt.fault.object.about],
  })
  attempt.qbft = null
  state.attempts.delete(k)
}
