import type { AttemptFault } from '../objects/attempt.ts'
import type { AbortCert, EpochCert } from '../objects/certificates.ts'
import type { Frozen } from '../objects/freeze.ts'
import type { Active, Erased } from '../objects/handoff.ts'
import type { Member } from '../objects/member.ts'
import type { Answer } from '../objects/proposal.ts'
import type { Ready } from '../objects/ready.ts'
import type { RootSig } from '../objects/root-signatures.ts'
import type { Signed } from '../objects/signed.ts'
import type { HeldKey } from './held-key.ts'
import type { ClosedLog, FrozenList, Proposed, Started } from './messages.ts'

/** What a member keeps of each kind, by the name of its family (03 §4.1, column "durable before it"). */
export interface Families {
  /** Highest epoch that this member takes part in or knows: e and k of its record. */
  readonly pointer: { readonly e: number; readonly k: number }
  /** A decided epoch, by e, and the keys of its record; null for one before the pointer, whose list is not read again. */
  readonly cert: { readonly cert: EpochCert; readonly keys: readonly HeldKey[] | null }
  readonly prop: Proposed
  readonly ans: Signed<Answer>
  /** The first START of (e, k) that this member saw, and until when (wall time) it may take. */
  readonly att: { readonly started: Started; readonly deadlineAt: number }
  readonly frozen: { readonly frozen: Signed<Frozen>; readonly keys: readonly HeldKey[] }
  /** The first TAIL of (e, k), as the union of its lists. */
  readonly tail: { readonly lists: readonly FrozenList[]; readonly keys: readonly HeldKey[] }
  readonly ready: Signed<Ready>
  readonly fault: Signed<AttemptFault>
  readonly abort: AbortCert
  /** No log vote of e after this, and what CLOSE says of the open ones (03 §9.3). */
  readonly closed: ClosedLog
  /** The q CLOSE with which the log of e went over to the epoch after it. */
  readonly handoff: readonly ClosedLog[]
  readonly active: Signed<Active>
  readonly root: RootSig
  /** Bytes of the QBFT room. */
  readonly qb: Uint8Array
  readonly erasing: true
  readonly erased: Signed<Erased>
  /** A key certificate that this member holds, made in epoch e. */
  readonly key: HeldKey
  /** Members that left with epoch e for a fault, as they stood in the one before: none of their keys comes back (03 §1.3). */
  readonly removed: readonly Member[]
  /** What the vault's counter is at least from this batch on: more than any peer has seen of it (03 §9.4). */
  readonly seq: number
  /** Highest vaultSeq and boot seen of each member. */
  readonly seen: readonly (readonly [number, Uint8Array, number])[]
  /** No vote until an epoch is active for which READY was signed in an attempt of `e` above `k`, or of a later epoch (03 §9.4). */
  readonly quarantine: { readonly e: number; readonly k: number }
}

export type Family = keyof Families

/** A sealed record, by its logical name; `undefined` deletes it. */
export interface Change {
  readonly key: string
  readonly value: Families[Family] | undefined
}

export const put = <F extends Family>(
  family: F,
  path: readonly (number | string)[],
  value: Families[F],
): Change => ({ key: [family, ...path].join('/'), value })

export const remove = (family: Family, path: readonly (number | string)[]): Change => ({
  key: [family, ...path].join('/'),
  value: undefined,
})

/** The records of one family: the parts of each name, and its value. */
export function* recordsOf<F extends Family>(
  records: ReadonlyMap<string, unknown>,
  family: F,
): Generator<readonly [path: readonly string[], value: Families[F]]> {
  for (const [key, value] of records) {
    const [first, ...path] = key.split('/')
    if (first === family) yield [path, value as Families[F]]
  }
}
