import type {
  CommitteeNotice,
  EpochStatus,
  GuestCommittee,
} from '../../../enclave-runtime/host/guest.ts'
import { PortError } from '../../../enclave-runtime/port/port.ts'
import { sameBytes } from '../../../protocols/agreement/compare-bytes.ts'
import { EpochCert } from '../../../protocols/agreement/objects/certificates.ts'
import { evidenceHash, type Join } from '../../../protocols/agreement/objects/join.ts'
import type { Member } from '../../../protocols/agreement/objects/member.ts'
import { EpochRecord } from '../../../protocols/agreement/objects/record.ts'
import type { BackupReader, OperatorActions } from './actions.ts'
import { AlertBook, type AlertSettings, alertsOf } from './alerts.ts'
import type { JoinBox } from './join-box.ts'
import {
  type Alert,
  HISTORY_PAGE,
  type HistoryPage,
  OperatorError,
  type OperatorStatus,
  type Wish,
} from './messages.ts'

export interface NodeActionsInit {
  readonly committee: GuestCommittee
  readonly networkId: Uint8Array
  readonly guestSig: Uint8Array
  readonly peerId: string
  readonly environment: 'development' | 'production'
  /** How long the link with a peer is down, ms; 0 while it is up. */
  silence(peerId: string): number
  readonly joins: JoinBox
  /** Leaves a signed join with members. @throws OperatorError when none takes it. */
  sendJoin(join: Uint8Array, signal: AbortSignal): Promise<void>
  openBackup(status: OperatorStatus, signal: AbortSignal): Promise<BackupReader>
  readonly partition: ((from: readonly string[]) => void) | null
  readonly settings: AlertSettings
  /** Told when an alert begins. */
  begins(alert: Alert): void
  /** Unix ms. */
  now(): number
}

/** What operators' tools can have done by this node: questions to its guest, and what its host saw (03 §12). */
export class NodeActions implements OperatorActions {
  readonly partition: OperatorActions['partition']
  readonly #init: NodeActionsInit
  readonly #book: AlertBook
  readonly #startedAt: number
  /** The certificate of the newest epoch, once asked for. */
  #newest: { readonly e: number; readonly k: number; readonly record: string } | null = null
  #inDoubt: { readonly e: number; readonly k: number; readonly since: number } | null = null

  constructor(init: NodeActionsInit) {
    this.#init = init
    this.#book = new AlertBook(init.begins)
    this.#startedAt = init.now()
    this.partition = init.partition
  }

  async status(signal: AbortSignal): Promise<OperatorStatus> {
    const { committee, networkId, guestSig, environment, joins, settings, now } = this.#init
    const [known, notices] = await asked(() =>
      Promise.all([committee.status(signal), committee.alerts(signal)]),
    )
    const at = now()
    const status: Omit<OperatorStatus, 'alerts'> = {
      networkId: hex(networkId),
      committeeId: hex(known.committeeId),
      me: known.index,
      guestSig: hex(guestSig),
      standing: known.standing,
      environment,
      epoch: known.epoch,
      record: await this.#record(known, signal),
      baseHash: hex(known.baseHash),
      t: known.t,
      q: known.q,
      quarantine: known.quarantine,
      members: known.members.map((member) => ({
        index: member.index,
        guestSig: hex(member.guestSig),
        label: member.label,
        contributing: known.contributing.includes(member.index),
        silentMs: member.peerId === this.#init.peerId ? 0 : this.#init.silence(member.peerId),
      })),
      joins: joins.waiting.map(hex),
      proposals: known.proposals.map(({ hash, kind, proposer, expiresAt, yes, no }) => ({
        hash: hex(hash),
        kind,
        proposer,
        expiresAt,
        yes,
        no,
      })),
      attempt: this.#attempt(known, at),
      aborts: notices.flatMap(({ at: when, notice }) => abortOf(when, notice)),
      receipts: known.receipts,
      stampUntil: known.stampUntil,
    }
    const raised = alertsOf({ status, notices, startedAt: this.#startedAt }, settings, at)
    return { ...status, alerts: this.#book.note(raised, at) }
  }

  async alerts(signal: AbortSignal): Promise<readonly Alert[]> {
    return (await this.status(signal)).alerts
  }

  async propose(wish: Wish, signal: AbortSignal): Promise<string> {
    const change = {
      kind: wish.kind,
      joins: wish.joins.map(bytes),
      leaves: wish.leaves.map(({ index, reason }) => [index, reason] as const),
      t: wish.t,
      params: wish.params === null ? null : bytes(wish.params),
      allowAdd: wish.allowAdd.map(bytes),
      allowDrop: wish.allowDrop.map(bytes),
      unban: wish.unban,
      expiresAt: wish.expiresAt,
    }
    return proposedOr(await asked(() => this.#init.committee.propose(change, signal)))
  }

  async leave(
    { leave, t, expiresAt }: Parameters<OperatorActions['leave']>[0],
    signal: AbortSignal,
  ): Promise<string> {
    const wish = { leave: bytes(leave), t, expiresAt }
    return proposedOr(await asked(() => this.#init.committee.leave(wish, signal)))
  }

  async answer(
    { proposalHash, yes, seq, operatorSig }: Parameters<OperatorActions['answer']>[0],
    signal: AbortSignal,
  ): Promise<void> {
    const answer = {
      proposalHash: bytes(proposalHash),
      yes,
      seq,
      operatorSig: operatorSig === null ? null : bytes(operatorSig),
    }
    await asked(() => this.#init.committee.answer(answer, signal))
  }

  async proposal(hash: string, signal: AbortSignal): ReturnType<OperatorActions['proposal']> {
    const { proposal, joins, seq } = await asked(() =>
      this.#init.committee.proposal(bytes(hash), signal),
    )
    return { proposal: proposal === null ? null : hex(proposal), joins: joins.map(hex), seq }
  }

  async draftJoin(
    { operatorKey, label, expiresAt }: Parameters<OperatorActions['draftJoin']>[0],
    signal: AbortSignal,
  ): ReturnType<OperatorActions['draftJoin']> {
    const { committee, peerId } = this.#init
    const fields = {
      peerId,
      operatorKey: bytes(operatorKey),
      label,
      evidence: new Uint8Array(), // the plain launcher has none
      expiresAt,
    }
    const { object, guestSignature } = await asked(() => committee.join(fields, signal))
    return { join: hex(object), guestSignature: hex(guestSignature) }
  }

  async sendJoin(join: string, signal: AbortSignal): Promise<void> {
    await this.#init.sendJoin(bytes(join), signal)
  }

  async history(from: number, signal: AbortSignal): Promise<HistoryPage> {
    const certs: string[] = []
    for (let e = from; e < from + HISTORY_PAGE; e++) {
      const cert = await asked(() => this.#init.committee.history(e, signal))
      if (cert === null) return { certs, next: null }
      certs.push(hex(cert))
    }
    return { certs, next: from + HISTORY_PAGE }
  }

  async openBackup(signal: AbortSignal): Promise<BackupReader> {
    return this.#init.openBackup(await this.status(signal), signal)
  }

  /** The record of the newest epoch; asked for once each epoch. */
  async #record({ epoch }: EpochStatus, signal: AbortSignal): Promise<string | null> {
    if (epoch === null) return null
    const { e, k } = epoch
    if (this.#newest === null || this.#newest.e !== e || this.#newest.k !== k) {
      const cert = await asked(() => this.#init.committee.history(e, signal))
      if (cert === null)
        throw new OperatorError('waiting', `the record of epoch ${e} is not here yet`)
      const { record } = EpochCert.decode(cert)
      this.#init.joins.settle((join) => record.members.some((member) => isAsJoined(member, join)))
      this.#newest = { e, k, record: hex(EpochRecord.encode(record)) }
    }
    return this.#newest.record
  }

  #attempt({ attempt }: EpochStatus, now: number): OperatorStatus['attempt'] {
    if (attempt === null || !attempt.inDoubt) this.#inDoubt = null
    else if (this.#inDoubt?.e !== attempt.e || this.#inDoubt.k !== attempt.k)
      this.#inDoubt = { e: attempt.e, k: attempt.k, since: now }
    if (attempt === null) return null
    const { e, k, proposalHash, step, initiator, deadline, round, missing } = attempt
    return {
      e,
      k,
      proposalHash: hex(proposalHash),
      step,
      initiator,
      deadline,
      round,
      missing,
      inDoubtSince: this.#inDoubt?.since ?? null,
    }
  }
}

function abortOf(at: number, notice: CommitteeNotice): OperatorStatus['aborts'] {
  if (notice.about !== 'aborted') return []
  const { e, k, blamed } = notice
  return [{ at, e, k, blamed }]
}

function proposedOr(reply: {
  readonly proposalHash: Uint8Array | null
  readonly reasons: readonly string[]
}): string {
  if (reply.proposalHash !== null) return hex(reply.proposalHash)
  throw new OperatorError('refused', `the guest proposes nothing: ${reply.reasons.join('; ')}`)
}

/** What the guest refuses is told by its code; a guest that is gone or slow is a reason to wait. */
async function asked<T>(ask: () => Promise<T>): Promise<T> {
  try {
    return await ask()
  } catch (cause) {
    if (!(cause instanceof PortError)) throw cause
    const { code } = cause
    const waits = ['NO_COMMITTEE', 'NOT_READY', 'OVERLOADED', 'CANCELLED'].includes(code)
    throw new OperatorError(waits ? 'waiting' : 'refused', `the guest says ${code}`, HINTS[code], {
      cause,
    })
  }
}

const HINTS: Readonly<Record<string, string>> = {
  NO_COMMITTEE: 'it has just started: ask again in a moment',
  NOT_READY: 'it has no vote yet: see "holdfast epoch status"',
}

/** Whether the entry of a member is what its join asked for. */
const isAsJoined = (member: Member, join: Join): boolean =>
  sameBytes(member.guestSig, join.guestSig) &&
  sameBytes(member.measurement, join.measurement) &&
  sameBytes(member.evidenceHash, evidenceHash(join.evidence)) &&
  member.peerId === join.peerId &&
  member.label === join.label

const hex = (from: Uint8Array): string => Buffer.from(from).toString('hex')
const bytes = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'hex'))
