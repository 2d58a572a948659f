import type {
  Alert,
  BackupHead,
  BackupPage,
  HistoryPage,
  JoinWish,
  LeaveWish,
  OperatorAnswer,
  OperatorStatus,
  ProposalText,
  ResultOf,
  Wish,
} from './messages.ts'

/** The sealed records of one moment. */
export interface BackupReader {
  readonly head: BackupHead
  next(signal: AbortSignal): Promise<BackupPage>
  close(): Promise<void>
}

/**
 * What the operator's tools can have done by the own node (03 §12). Each rejects with an `OperatorError` that says
 * what happened; anything else is a defect and told as `failed`, without its text.
 */
export interface OperatorActions {
  status(signal: AbortSignal): Promise<OperatorStatus>
  alerts(signal: AbortSignal): Promise<readonly Alert[]>
  /** H(proposal; proposal) of what the guest signed, in hex. */
  propose(wish: Wish, signal: AbortSignal): Promise<string>
  answer(answer: OperatorAnswer, signal: AbortSignal): Promise<void>
  proposal(hash: string, signal: AbortSignal): Promise<ProposalText>
  /** The hash of the proposal that follows from it. */
  leave(wish: LeaveWish, signal: AbortSignal): Promise<string>
  draftJoin(wish: JoinWish, signal: AbortSignal): Promise<ResultOf<'join-draft'>>
  sendJoin(join: string, signal: AbortSignal): Promise<void>
  history(from: number, signal: AbortSignal): Promise<HistoryPage>
  openBackup(signal: AbortSignal): Promise<BackupReader>
  /** Peers that this node is to be cut off from; null: not a development network, so never. */
  readonly partition: ((from: readonly string[]) => void) | null
}
