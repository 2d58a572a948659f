import type { Codec } from '../../protocols/session/codec.ts'
import {
  alertsReply,
  type CommitteeAsk,
  type CommitteeNotice,
  type CommitteeView,
  committeeAsk,
  committeeTell,
  epochStatusReply,
  historyReply,
  joinReply,
  learnReply,
  proposalReply,
  proposeReply,
} from '../port/committee-messages.ts'
import { doneReply, PORT_TYPES } from '../port/messages.ts'
import { type Port, PortError } from '../port/port.ts'
import type { GuestCommittee, LetterTaker } from './guest.ts'

const LETTER_MS = 30_000 // the guest only queues what it is given; slower means that it hangs
const WAITING_LETTER_BYTES: number = 1024 * 1024 // that wait in the port; a sender of more waits
const MAX_EARLY_NOTICES = 64 // before anyone listens
const NOTHING = new Uint8Array() // what a one-way frame gives back: it is not sent

/** Asks the guest; what it answers is decoded, or ends it. */
export type AskGuest = <T>(
  type: number,
  bytes: Uint8Array,
  codec: Codec<T>,
  signal: AbortSignal,
) => Promise<T>

/**
 * The host's end of frame type 4 (04 §2). What the guest tells before anyone listens is kept for the first who does.
 * The guest's first view opens it: before that, letters are lost and questions end with `NO_COMMITTEE`.
 */
export function committeeSide(port: Port, ask: AskGuest): GuestCommittee {
  let takeLetter: LetterTaker = () => {} // lost, as on the way
  let takeView: ((view: CommitteeView) => void) | undefined
  let takePublished: ((committee: Uint8Array) => void) | undefined
  let takeNotice: ((notice: CommitteeNotice) => void) | undefined
  let view: CommitteeView | undefined
  let published: Uint8Array | undefined
  const earlyNotices: CommitteeNotice[] = []

  port.serve(PORT_TYPES.committee, async (payload) => {
    const told = committeeTell.decode(payload)
    switch (told.op) {
      case 'letter':
        takeLetter(told.to, told.bytes)
        break
      case 'view':
        view = told.view
        takeView?.(view)
        break
      case 'publish':
        published = told.committee
        takePublished?.(published)
        break
      case 'notice':
        if (takeNotice !== undefined) takeNotice(told.notice)
        else if (earlyNotices.length < MAX_EARLY_NOTICES) earlyNotices.push(told.notice)
        break
    }
    return NOTHING
  })

  const question = async <T>(
    of: CommitteeAsk,
    reply: Codec<T>,
    signal: AbortSignal,
  ): Promise<T> => {
    if (view === undefined) throw new PortError('NO_COMMITTEE')
    return ask(PORT_TYPES.committee, committeeAsk.encode(of), reply, signal)
  }
  return {
    onLetter: (take) => {
      takeLetter = take
    },
    letter: async (bytes) => {
      if (view === undefined) return
      const frame = committeeAsk.encode({ op: 'letter', bytes })
      if (port.offer(PORT_TYPES.committee, frame, WAITING_LETTER_BYTES)) return
      const limit = AbortSignal.timeout(LETTER_MS)
      await port.tell(PORT_TYPES.committee, frame, limit, WAITING_LETTER_BYTES)
    },
    onView: (take) => {
      takeView = take
      if (view !== undefined) take(view)
    },
    onPublish: (take) => {
      takePublished = take
      if (published !== undefined) take(published)
    },
    onNotice: (take) => {
      takeNotice = take
      for (const notice of earlyNotices.splice(0)) take(notice)
    },
    status: (signal) => question({ op: 'epoch-status' }, epochStatusReply, signal),
    proposal: (proposalHash, signal) =>
      question({ op: 'proposal', proposalHash }, proposalReply, signal),
    propose: (change, signal) => question({ op: 'propose', change }, proposeReply, signal),
    answer: async (answer, signal) => {
      await question({ op: 'answer', ...answer }, doneReply, signal)
    },
    join: (fields, signal) => question({ op: 'join', ...fields }, joinReply, signal),
    leave: (wish, signal) => question({ op: 'leave', ...wish }, proposeReply, signal),
    history: async (e, signal) => (await question({ op: 'history', e }, historyReply, signal)).cert,
    learn: async (cert, signal) =>
      (await question({ op: 'learn', cert }, learnReply, signal)).learnt,
    alerts: async (signal) => (await question({ op: 'alerts' }, alertsReply, signal)).alerts,
  }
}
