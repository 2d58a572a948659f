import type { GuestCommittee } from '../../enclave-runtime/host/guest.ts'
import type { Roster } from './committee/roster.ts'
import type { Log } from './log.ts'

const ANSWER_MS = 10_000
const GENESIS_SEQ = 1 // an operator answers its genesis file once (03 §1.2)

/**
 * Gives the guest its operator's yes to the genesis file whenever it starts to wait for epoch 0 (03 §1.2): that yes was
 * signed when the file was adopted. `signature`: 64 bytes, or null where nobody signed yet.
 */
export function answerGenesis(
  committee: Pick<GuestCommittee, 'answer'>,
  roster: Roster,
  networkId: Uint8Array,
  signature: Uint8Array | null,
  log: Log,
): void {
  let isGiven = false
  const give = async (): Promise<void> => {
    // Before the guest's first view there is no guest to answer: `genesis` is then only what the file says.
    if (isGiven || roster.view.standing !== 'genesis') return
    isGiven = true
    if (signature === null) {
      log.warn('genesis-unanswered')
      return
    }
    const answer = { proposalHash: networkId, yes: true, seq: GENESIS_SEQ, operatorSig: signature }
    try {
      await committee.answer(answer, AbortSignal.timeout(ANSWER_MS))
      log.info('genesis-answered')
    } catch (error) {
      // It has one already, from before a restart: the signature is for the first answer alone.
      if (error instanceof Error && 'code' in error && error.code === 'ANSWERED_MEANWHILE') return
      isGiven = false // with the next view
      const reason = error instanceof Error ? error.message : ''
      log.warn('genesis-answer-failed', { reason })
    }
  }
  roster.onChange(() => void give())
}
