import type { Ballots } from './ballots.ts'
import { type Certificate, certifies, type VerifyVote } from './certificate.ts'
import type { DropReason, QbftSetup } from './interface.ts'
import type { Decision, VoteMessage } from './message.ts'
import { type SignedVote, voteBody } from './vote.ts'

/** What a message is checked against. */
interface Context {
  readonly setup: QbftSetup
  readonly ballots: Ballots
}

/** Leader(r) = members[(s + r - 1) mod n] (03 §5). */
export const leaderOf = ({ members, firstLeader }: QbftSetup, round: number): number | undefined =>
  members[(firstLeader + round - 1) % members.length]

/** The highest round in which any of these ROUND-CHANGEs says something was prepared; 0 for none. */
export const highestPrepared = (changes: readonly SignedVote[]): number =>
  Math.max(0, ...changes.map(({ vote }) => vote.preparedRound))

/** Why a vote may not be counted, nor what is attached to it; undefined if all of it is good (03 §5). */
export function refusal(
  context: Context,
  from: number,
  message: VoteMessage,
): DropReason | undefined {
  const { vote, signature } = message
  const isProposal = vote.kind === 'pre-prepare'
  if (isProposal && from !== leaderOf(context.setup, vote.round)) return 'leader'
  if (!isAuthentic(context, { from, vote, signature })) return 'signature'
  if (vote.kind === 'round-change' && !isBacked(context, message)) return 'certificate'
  if (isProposal && !isJustified(context, message)) return 'justification'
  return undefined
}

/** A7: COMMITs of a quorum for one value in one round. */
export const isDecision = (context: Context, { round, value, commits }: Decision): boolean =>
  isCertified(context, { kind: 'commit', round, value, signatures: commits })

/** A ROUND-CHANGE that names a prepared value brings the PREPAREs. */
function isBacked(context: Context, { vote, prepares }: VoteMessage): boolean {
  const { preparedRound: round, value } = vote
  return (
    round === 0 || isCertified(context, { kind: 'prepare', round, value, signatures: prepares })
  )
}

/** Round 1; or a quorum left the rounds before, and the value is free or that prepared highest among them. */
function isJustified(context: Context, { vote, changes, prepares }: VoteMessage): boolean {
  if (vote.round === 1) return true
  if (changes.length < context.setup.quorum) return false
  if (!changes.every((change) => isAuthentic(context, change))) return false
  const round = highestPrepared(changes)
  const { value } = vote
  return (
    round === 0 || isCertified(context, { kind: 'prepare', round, value, signatures: prepares })
  )
}

/** What was verified before is not verified again: a round change repeats the same PREPAREs many times. */
function isAuthentic({ setup, ballots }: Context, signed: SignedVote): boolean {
  const { from, vote, signature } = signed
  return ballots.holds(signed) || setup.verify(from, voteBody(setup.iid, vote), signature)
}

function isCertified(context: Context, certificate: Certificate): boolean {
  const { kind, round, value } = certificate
  const vote = { kind, round, value, preparedRound: 0 }
  const verify: VerifyVote = (from, body, signature) =>
    context.ballots.holds({ from, vote, signature }) || context.setup.verify(from, body, signature)
  return certifies(certificate, context.setup.iid, context.setup.quorum, verify)
}
