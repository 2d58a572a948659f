import { isGenesis } from '../../../protocols/agreement/epoch/genesis-epoch.ts'
import { hexOf } from '../../../protocols/agreement/epoch/hex-of.ts'
import type { State } from '../../../protocols/agreement/epoch/state.ts'
import type { CommitteeView, Standing, ViewMember } from './epoch-work.ts'

/** Whom the host must reach, as the machine's state has it. `me`: own guest key, hexadecimal. */
export function viewOf(state: Readonly<State>, me: string): CommitteeView {
  const { record } = state.base
  const members = record.members.map(viewMember)
  const named = new Set(record.members.map(({ guestSig }) => hexOf(guestSig)))
  const others: ViewMember[] = []
  const add = (member: ViewMember): void => {
    const name = hexOf(member.guestSig)
    if (!named.has(name)) others.push(viewMember(member))
    named.add(name)
  }
  for (const { epoch, receipts } of state.endings.values())
    if (receipts.size < epoch.record.members.length) epoch.record.members.forEach(add)
  for (const attempt of state.attempts.values()) attempt.members.forEach(add)
  for (const { joins } of state.proposals.values())
    for (const { object } of joins) add({ ...object, index: 0 })
  return {
    epoch: isGenesis(state.base) ? null : { e: record.e, k: record.k },
    epochId: record.epochId,
    t: record.t,
    members,
    others,
    standing: standingOf(state, me),
  }
}

const viewMember = ({ index, guestSig, peerId, label }: ViewMember): ViewMember => ({
  index,
  guestSig,
  peerId,
  label,
})

function standingOf(state: Readonly<State>, me: string): Standing {
  const isIn = (members: readonly { readonly guestSig: Uint8Array }[]): boolean =>
    members.some(({ guestSig }) => hexOf(guestSig) === me)
  if (state.standing === 'stopped') return 'stopped'
  if (!isIn(state.base.record.members)) {
    const wasIn = [...state.epochs.values()].some(({ record }) => isIn(record.members))
    return wasIn ? 'left' : 'joining'
  }
  if (state.standing === 'asking') return 'asking'
  return isGenesis(state.base) ? 'genesis' : 'member'
}

/** Everybody whose letters count as those of the committee: members of every epoch and attempt, and joiners. Guest keys, hexadecimal. */
export function knownGuests(state: Readonly<State>): ReadonlySet<string> {
  const known = new Set<string>()
  const add = ({ guestSig }: { readonly guestSig: Uint8Array }): void =>
    void known.add(hexOf(guestSig))
  for (const { record } of state.epochs.values()) record.members.forEach(add)
  for (const { members } of state.attempts.values()) members.forEach(add)
  for (const { joins } of state.proposals.values()) for (const { object } of joins) add(object)
  return known
}

/** The same for the same view: the host is told of changes alone. */
export function viewText({ epoch, t, members, others, standing }: CommitteeView): string {
  const all = [...members, null, ...others].map(
    (one) => one && `${one.index} ${hexOf(one.guestSig)} ${one.peerId} ${one.label}`,
  )
  return [standing, epoch?.e, epoch?.k, t, ...all].join('\n')
}
