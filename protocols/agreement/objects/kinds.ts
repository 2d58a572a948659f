import { uintUpTo } from './items.ts'
import type { Field } from './object-codec.ts'

/** What made an epoch (03 §1.2); an update of a member is a change too. Nothing makes a recovery yet. */
export const EPOCH_KINDS = { genesis: 0, change: 1, refresh: 2, recovery: 3 } as const

export type EpochKind = (typeof EPOCH_KINDS)[keyof typeof EPOCH_KINDS]

export const epochKind: Field<EpochKind> = {
  write: (kind) => kind,
  read: (item, name) => uintUpTo(EPOCH_KINDS.recovery).read(item, name) as EpochKind,
}
