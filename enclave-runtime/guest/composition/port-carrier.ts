import { PublishedCommittee } from '../../../protocols/agreement/chain/published-committee.ts'
import {
  type CommitteeNotice,
  type CommitteeTell,
  committeeTell,
} from '../../port/committee-messages.ts'
import { PORT_TYPES } from '../../port/messages.ts'
import { type Port, PortError } from '../../port/port.ts'
import type { Carrier, OperatorNotice } from '../epochs/epoch-work.ts'

/** That wait in the port: letters beyond are lost, as on the way. */
const WAITING_LETTER_BYTES: number = 4 * 1024 * 1024
const TELL_MS = 30_000 // for the host to take what waits before it
const MAX_REASONS = 64
const MAX_REASON_CHARS = 256

/** What the epoch protocol tells the host, over the port (04 §2). */
export function portCarrier(port: Pick<Port, 'offer' | 'tell'>): Carrier {
  const tell = (told: CommitteeTell): void => {
    const limit = AbortSignal.timeout(TELL_MS)
    port.tell(PORT_TYPES.committee, committeeTell.encode(told), limit).catch((error: unknown) => {
      if (!(error instanceof PortError)) throw error // the port is closing
    })
  }
  return {
    letter: (to, bytes) => {
      const frame = committeeTell.encode({ op: 'letter', to, bytes })
      try {
        port.offer(PORT_TYPES.committee, frame, WAITING_LETTER_BYTES)
      } catch (error) {
        if (!(error instanceof PortError)) throw error // the port is closed
      }
    },
    view: (view) => tell({ op: 'view', view }),
    publish: (committee) =>
      tell({ op: 'publish', committee: PublishedCommittee.encode(committee) }),
    notice: (notice) => tell({ op: 'notice', notice: noticeOf(notice) }),
  }
}

/** As the port carries it: bounded, and a proposal by its hash alone. */
function noticeOf(notice: OperatorNotice): CommitteeNotice {
  if (notice.about === 'consult') return { about: 'consult', proposalHash: notice.proposalHash }
  if (notice.about !== 'refused' && notice.about !== 'preflight') return notice
  const reasons = notice.reasons.slice(0, MAX_REASONS)
  return { ...notice, reasons: reasons.map((reason) => reason.slice(0, MAX_REASON_CHARS)) }
}
