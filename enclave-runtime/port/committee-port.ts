import type { Codec } from '../../protocols/session/codec.ts'
import {
  type AlertsReply,
  alertsReply,
  type CommitteeAsk,
  type CommitteeNotice,
  type CommitteeView,
  committeeAsk,
  committeeTell,
  type EpochStatus,
  epochStatusReply,
  type HistoryReply,
  historyReply,
  type JoinFields,
  type JoinReply,
  joinReply,
  type LearnReply,
  type LeaveWish,
  learnReply,
  MAX_COMMITTEE_BYTES,
  MAX_OTHERS,
  MAX_REASON_CHARS,
  MAX_REASONS,
  type OperatorAnswer,
  type ProposalReply,
  type ProposeReply,
  proposalReply,
  proposeReply,
  type WantedChange,
} from './committee-messages.ts'
import { doneReply, PORT_TYPES } from './messages.ts'
import { type Port, PortError } from './port.ts'

const TELL_MS = 30_000 // for a frame to find room: a host that takes nothing for so long hangs
const NOTHING = new Uint8Array() // what a one-way frame gives back: it is not sent

/** What the guest does with what its host says about the committee. A rejection with a `code` is told to the host as that code. */
export interface CommitteeAnswers {
  /** From whomever the letter says: nothing of it was checked. */
  letter(bytes: Uint8Array): void
  epochStatus(): EpochStatus
  proposal(hash: Uint8Array): ProposalReply
  propose(change: WantedChange): Promise<ProposeReply>
  answer(answer: OperatorAnswer): Promise<void>
  join(fields: JoinFields): Promise<JoinReply>
  leave(wish: LeaveWish): Promise<ProposeReply>
  history(e: number): HistoryReply | Promise<HistoryReply>
  learn(cert: Uint8Array): Promise<LearnReply>
  alerts(): AlertsReply
}

/** The guest's end of frame type 4: answers what the host asks. What would be too large is told as `TOO_LARGE`. */
export function serveCommittee(port: Port, answers: CommitteeAnswers): void {
  port.serve(PORT_TYPES.committee, async (payload) => {
    const reply = await answer(answers, committeeAsk.decode(payload))
    if (reply.length > MAX_COMMITTEE_BYTES) throw new PortError('TOO_LARGE')
    return reply
  })
}

async function answer(answers: CommitteeAnswers, ask: CommitteeAsk): Promise<Uint8Array> {
  switch (ask.op) {
    case 'letter':
      answers.letter(ask.bytes)
      return NOTHING
    case 'epoch-status':
      return epochStatusReply.encode(answers.epochStatus())
    case 'proposal':
      return proposalReply.encode(answers.proposal(ask.proposalHash))
    case 'propose':
      return proposeReply.encode(shortReply(await answers.propose(ask.change)))
    case 'answer':
      await answers.answer(ask)
      return doneReply.encode({ ok: true })
    case 'join':
      return joinReply.encode(await answers.join(ask))
    case 'leave':
      return proposeReply.encode(shortReply(await answers.leave(ask)))
    case 'history':
      return historyReply.encode(await answers.history(ask.e))
    case 'learn':
      return learnReply.encode(await answers.learn(ask.cert))
    case 'alerts':
      return alertsReply.encode({
        alerts: answers
          .alerts()
          .alerts.map(({ at, notice }) => ({ at, notice: shortened(notice) })),
      })
  }
}

/** What the guest tells its host about the committee; all of it one-way, in the order in which it was told. */
export interface CommitteeTeller {
  /** Lost where the host has no room for it in time: whoever sends it sends it again. */
  letter(to: Uint8Array, bytes: Uint8Array): void
  view(view: CommitteeView): void
  /** Bytes of `published` (03 §1.2). */
  publish(committee: Uint8Array): void
  notice(notice: CommitteeNotice): void
}

export function committeeTeller(port: Port): CommitteeTeller {
  const tell = <T>(codec: Codec<T>, value: T): void => {
    const told = port.tell(PORT_TYPES.committee, codec.encode(value), AbortSignal.timeout(TELL_MS))
    told.catch((error: unknown) => {
      if (!(error instanceof PortError)) throw error // the port is closing, or full
    })
  }
  return {
    letter: (to, bytes) => tell(committeeTell, { op: 'letter', to, bytes }),
    view: (view) =>
      tell(committeeTell, {
        op: 'view',
        view: { ...view, others: view.others.slice(0, MAX_OTHERS) },
      }),
    publish: (committee) => tell(committeeTell, { op: 'publish', committee }),
    notice: (notice) => tell(committeeTell, { op: 'notice', notice: shortened(notice) }),
  }
}

/** Texts come from rules and from other members: as many as are told, each as long. */
const short = (reasons: readonly string[]): string[] =>
  reasons.slice(0, MAX_REASONS).map((reason) => reason.slice(0, MAX_REASON_CHARS))

const shortReply = ({ proposalHash, reasons }: ProposeReply): ProposeReply => ({
  proposalHash,
  reasons: short(reasons),
})

const shortened = (notice: CommitteeNotice): CommitteeNotice =>
  'reasons' in notice ? { ...notice, reasons: short(notice.reasons) } : notice
