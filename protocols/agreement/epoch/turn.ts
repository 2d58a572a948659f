import type { Member } from '../objects/member.ts'
import type { EpochRecord } from '../objects/record.ts'
import { type Quorums, quorums } from '../quorums.ts'
import { nextRoster } from '../rules/change.ts'
import type { Effect, Notice } from './effects.ts'
import { changeOfSubject } from './genesis-epoch.ts'
import { hexOf } from './hex-of.ts'
import type { Message, Subject } from './messages.ts'
import type { Parts } from './parts.ts'
import type { Change } from './records.ts'
import type { State } from './state.ts'

/** One event being handled: what the steps read and change, and where their effects go in order. */
export interface Turn {
  readonly parts: Parts
  readonly state: State
  /** Wall time, unix ms: decides deadlines and nothing else. */
  readonly now: number
  readonly effects: Effect[]
}

/** A promise: durable, and counted by the vault, before anything that follows (03 §4.1, 03 §9.4). */
export const promise = ({ effects }: Turn, ...batch: readonly Change[]): void =>
  void effects.push({ do: 'write', batch, sync: true })

/** A record that says nothing to anybody: losing it costs work, not safety. */
export const note = ({ effects }: Turn, ...batch: readonly Change[]): void =>
  void effects.push({ do: 'write', batch, sync: false })

/** To these members, never to oneself. */
export function send({ parts, effects }: Turn, to: readonly Member[], message: Message): void {
  const own = hexOf(parts.guestSig)
  const addresses = new Set(to.map(({ guestSig }) => hexOf(guestSig)))
  addresses.delete(own)
  if (addresses.size > 0) effects.push({ do: 'send', to: [...addresses], message })
}

export const reply = ({ effects }: Turn, to: string, message: Message): void =>
  void effects.push({ do: 'send', to: [to], message })

export const timer = ({ effects }: Turn, name: string, ms: number): void =>
  void effects.push({ do: 'timer', name, ms })

export const notice = ({ effects }: Pick<Turn, 'effects'>, told: Notice): void =>
  void effects.push({ do: 'notice', notice: told })

/** The own entry in a record, if there is one. */
export const ownEntry = ({ parts }: Turn, members: readonly Member[]): Member | undefined =>
  entryOf(members, hexOf(parts.guestSig))

export const entryOf = (members: readonly Member[], address: string): Member | undefined =>
  members.find(({ guestSig }) => hexOf(guestSig) === address)

export const byIndex = (members: readonly Member[], index: number): Member | undefined =>
  members.find((member) => member.index === index)

/** Whether this member may promise anything about the epoch after the base: it belongs to it, knows what it promised before, and is in no quarantine (03 §9.4). */
export const mayVote = (turn: Turn): boolean =>
  turn.state.standing === 'member' &&
  turn.state.quarantine === null &&
  ownEntry(turn, turn.state.base.record.members) !== undefined

/** Members of both records, each once. */
export const union = (a: readonly Member[], b: readonly Member[]): readonly Member[] => [
  ...a,
  ...b.filter(({ guestSig }) => entryOf(a, hexOf(guestSig)) === undefined),
]

/** The numbers of one record (03 §2). */
export const numbersOf = ({ members, t }: Pick<EpochRecord, 'members' | 't'>): Quorums =>
  quorums(members.length, t)

/** Members after a change of the base (03 §1.3 R3). */
export const membersAfter = ({ state }: Turn, subject: Subject): readonly Member[] =>
  nextRoster(state.base.base, changeOfSubject(state.base.base, subject)).members
