import type { Answer } from '../objects/proposal.ts'
import type { Signed } from '../objects/signed.ts'
import { brokenProposal } from '../rules/proposal-rules.ts'
import { expiryOf, isGenesis } from './genesis-epoch.ts'
import { hexOf } from './hex-of.ts'
import type { Subject } from './messages.ts'
import type { Epoch, LiveProposal } from './state.ts'
import { numbersOf, type Turn } from './turn.ts'

/** Why a proposal cannot become a record after this base, looked at at this time (03 §1.3). A START that is heard of late is looked at as of when it was made. */
export function faultsOf(
  { parts, state }: Pick<Turn, 'parts' | 'state'>,
  { proposal, joins }: Subject,
  now: number,
): readonly string[] {
  if ((proposal === null) !== isGenesis(state.base))
    return [proposal === null ? 'nobody proposes it' : 'epoch 0 is not made yet']
  if (proposal === null) return []
  const { environment, verify } = parts
  const circumstances = { now, environment, removedForFault: state.removed }
  const broken = brokenProposal(state.base.base, proposal, joins, circumstances, verify)
  return broken === undefined ? [] : [`${broken.rule}: ${broken.reason}`]
}

/** Proposals that enough members of the base accepted and that live. */
export const accepted = ({ state, now }: Turn): readonly LiveProposal[] =>
  [...state.proposals.values()]
    .filter((live) => expiryOf(live) > now && (live.proposal === null || live.starts < MAX_STARTS))
    .filter((live) => yesAnswers(live).length >= answersNeeded(state.base))
    .sort((a, b) => (hexOf(a.hash) < hexOf(b.hash) ? -1 : 1))

/** q of the base; everybody in a genesis file (03 §1.2). */
export const answersNeeded = ({ base, record }: Epoch): number =>
  isGenesis({ base }) ? record.members.length : numbersOf(record).q

/** t members of the base; everybody in a genesis file (03 §1.2). */
export const dealersNeeded = ({ base, record }: Epoch): number =>
  isGenesis({ base }) ? record.members.length : record.t

export const yesAnswers = ({ answers }: LiveProposal): readonly Signed<Answer>[] =>
  [...answers.values()]
    .filter(({ object }) => object.yes)
    .sort((a, b) => a.object.index - b.object.index)

/** STARTs after which a proposal is dead (03 §4.3). */
const MAX_STARTS = 10
