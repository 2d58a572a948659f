import type { PartyIndex } from '../../../protocols/session/faults.ts'
import type { AttemptFacts } from '../epochs/epoch-work.ts'

/**
 * Who deals once these failed, one after the other: each gives way to the member of the old epoch with the least index
 * that neither deals nor failed (03 §6.2). Undefined when one of them did not deal, or nobody is left.
 */
export function dealersWithout(
  { dealers, oldMembers }: Pick<AttemptFacts, 'dealers' | 'oldMembers'>,
  failed: readonly PartyIndex[],
): readonly PartyIndex[] | undefined {
  const members = oldMembers.map(({ index }) => index).sort((a, b) => a - b)
  let now = [...dealers]
  for (const [at, out] of failed.entries()) {
    const next = members.find(
      (index) => !now.includes(index) && !failed.slice(0, at).includes(index),
    )
    if (!now.includes(out) || next === undefined) return undefined
    now = now.map((index) => (index === out ? next : index))
  }
  return now.sort((a, b) => a - b)
}
