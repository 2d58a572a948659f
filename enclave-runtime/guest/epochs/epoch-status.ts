import { bytesToHex } from '@noble/hashes/utils.js'
import { answersNeeded } from '../../../protocols/agreement/epoch/accepted.ts'
import { cutChunks } from '../../../protocols/agreement/epoch/attempt.ts'
import type { Attempt, Ending, State } from '../../../protocols/agreement/epoch/state.ts'
import type { Member } from '../../../protocols/agreement/objects/member.ts'
import type { Stamp } from '../../../protocols/agreement/objects/root-signatures.ts'
import type { AttemptStatus, EpochStatus, ProposalStatus } from '../../port/committee-messages.ts'
import { viewOf } from './committee-view.ts'

/** Epochs that ended, as an operator sees them: the newest. */
const SHOWN_ENDINGS = 64
/** For a proposal that never expires, which is the genesis itself. */
const NEVER = Number.MAX_SAFE_INTEGER

/** What an operator sees of the epochs. `me`: own guest key, hexadecimal. */
export function statusOf(
  state: Readonly<State>,
  me: string,
  committeeId: Uint8Array,
  stamp: Stamp | null,
  contributing: readonly number[],
): EpochStatus {
  const { record, hash } = state.base
  const view = viewOf(state, me)
  const own = record.members.find(({ guestSig }) => bytesToHex(guestSig) === me)
  const [attempt] = [...state.attempts.values()].sort((a, b) => b.k - a.k)
  return {
    standing: view.standing,
    epoch: view.epoch,
    baseHash: hash,
    committeeId,
    index: own?.index ?? null,
    t: record.t,
    q: answersNeeded(state.base),
    members: view.members,
    attempt: attempt === undefined ? null : attemptStatus(attempt),
    proposals: [...state.proposals.values()].map(proposalStatus),
    receipts: [...state.endings.values()]
      .filter(({ epoch }) => epoch.record.e >= 0)
      .sort((a, b) => a.epoch.record.e - b.epoch.record.e)
      .slice(-SHOWN_ENDINGS)
      .map(receiptStatus),
    contributing,
    stampUntil: stamp?.validUntil ?? null,
    quarantine: state.quarantine,
  }
}

function attemptStatus(attempt: Attempt): AttemptStatus {
  const { e, k, started, members, deadlineAt, readies, ready, decision, qbft } = attempt
  const told = new Set([...readies.values()].flatMap((of) => [...of.keys()]))
  return {
    e,
    k,
    proposalHash: started.start.object.proposalHash,
    step: stepOf(attempt),
    initiator: started.start.object.initiator,
    deadline: deadlineAt,
    round: qbft?.record.round ?? 0,
    missing: indices(members).filter((index) => !told.has(index)),
    inDoubt: ready !== null && decision === null,
  }
}

/** One word for how far an attempt is here (03 §4.1). */
function stepOf(attempt: Attempt): string {
  const { ownFault, fault, isOverdue, decision, ready, isTested, tail, record } = attempt
  if (decision !== null) return 'activate'
  if (ownFault !== null || fault !== null || isOverdue) return 'abort'
  if (ready !== null) return 'decide'
  if (record !== null) return isTested ? 'ready' : 'verify'
  if (!attempt.hasSetups) return 'pair'
  const chunks = cutChunks(attempt)
  for (let chunk = 0; chunk < chunks; chunk++) if (!attempt.transcripts.has(chunk)) return 'reshare'
  return tail === null ? 'freeze' : 'reshare'
}

function proposalStatus(
  live: State['proposals'] extends Map<string, infer L> ? L : never,
): ProposalStatus {
  const { hash, proposal, answers } = live
  const of = (yes: boolean): number[] =>
    [...answers.values()]
      .filter(({ object }) => object.yes === yes)
      .map(({ object }) => object.index)
      .sort((a, b) => a - b)
  return {
    hash,
    kind: proposal?.object.kind ?? 0,
    proposer: proposal?.object.proposerIndex ?? of(true)[0] ?? 1,
    expiresAt: proposal?.object.expiresAt ?? NEVER,
    yes: of(true),
    no: of(false),
  }
}

function receiptStatus({ epoch, receipts }: Ending): EpochStatus['receipts'][number] {
  const all = indices(epoch.record.members)
  return {
    e: epoch.record.e,
    have: all.filter((index) => receipts.has(index)),
    missing: all.filter((index) => !receipts.has(index)),
  }
}

const indices = (members: readonly Member[]): number[] => members.map(({ index }) => index)
