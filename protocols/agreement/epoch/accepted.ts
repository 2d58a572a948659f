import type { Answer } from '../objects/proposal.ts'
import type { Signed } from '../objects/signed.ts'
import { areJoinsOf, changeOf } from '../rules/change.ts'
import { brokenChange } from '../rules/proposal-rules.ts'
import { hexOf } from './hex-of.ts'
import type { Proposed } from './messages.ts'
import type { LiveProposal } from './state.ts'
import { numbersOf, type Turn } from './turn.ts'

/** Why a proposal cannot become a record after this base (03 §1.3). */
export function faultsOf({ parts, state, now }: Turn, proposed: Proposed): readonly string[] {
  const { object } = proposed.proposal
  return object.expiresAt <= now ? ['expired'] : rosterFaults({ parts, state }, proposed)
}

/** The same without the time: what a START that is heard of late must still keep. */
export function rosterFaults(
  { parts, state }: Pick<Turn, 'parts' | 'state'>,
  proposed: Proposed,
): readonly string[] {
  const { object } = proposed.proposal
  if (!areJoinsOf(object, proposed.joins) || !parts.areJoinsGood(proposed))
    return ['a join that is not valid']
  const { base } = state.base
  const broken = brokenChange(base, changeOf(object, proposed.joins))
  return broken === undefined ? [] : [`${broken.rule}: ${broken.reason}`]
}

/** Proposals that q members of the base accepted and that live. */
export const accepted = ({ state, now }: Turn): readonly LiveProposal[] =>
  [...state.proposals.values()]
    .filter(({ proposal, starts }) => proposal.object.expiresAt > now && starts < MAX_STARTS)
    .filter((live) => yesAnswers(live).length >= numbersOf(state.base.record).q)
    .sort((a, b) => (hexOf(a.hash) < hexOf(b.hash) ? -1 : 1))

export const yesAnswers = ({ answers }: LiveProposal): readonly Signed<Answer>[] =>
  [...answers.values()]
    .filter(({ object }) => object.yes)
    .sort((a, b) => a.object.index - b.object.index)

/** STARTs after which a proposal is dead (03 §4.3). */
const MAX_STARTS = 10
