import type { AttemptFault, Preflight, PreflightAns } from '../objects/attempt.ts'
import type { Beat, Head, HeadAsk } from '../objects/beat.ts'
import type { AbortCert, EpochCert } from '../objects/certificates.ts'
import type { Freeze, Frozen, Held, Tail } from '../objects/freeze.ts'
import type { Active, Close, Erased } from '../objects/handoff.ts'
import type { SignedJoin } from '../objects/join.ts'
import type { Answer, Proposal } from '../objects/proposal.ts'
import type { Ready } from '../objects/ready.ts'
import type { EpochRecord } from '../objects/record.ts'
import type { RootSig } from '../objects/root-signatures.ts'
import type { Signed } from '../objects/signed.ts'
import type { Start } from '../objects/start.ts'
import type { HeldKey } from './held-key.ts'

/** What an attempt is about: a proposal with what is needed to judge it; `null` for the genesis epoch, which nobody proposes (03 §1.2). */
export interface Subject {
  readonly proposal: Signed<Proposal> | null
  readonly joins: readonly SignedJoin[]
}

/** A proposal with what is needed to judge it (S1). */
export interface Proposed extends Subject {
  readonly proposal: Signed<Proposal>
}

/** A START with what is needed to judge it: the keys under its cut, and the ABORT of the attempt before (S3). */
export interface Started extends Subject {
  readonly start: Signed<Start>
  readonly cut: readonly HeldKey[]
  readonly abort: AbortCert | null
}

/** FROZEN with the list whose root it signs (S6). */
export interface FrozenList {
  readonly frozen: Signed<Frozen>
  readonly keys: readonly HeldKey[]
}

/** What members say to each other about epochs (03 §4.1, 03 §9.4). Each was decoded before it comes here; what is signed is verified here. */
export type Message =
  | ({ readonly type: 'proposal' } & Proposed)
  | { readonly type: 'answer'; readonly answer: Signed<Answer> }
  | ({ readonly type: 'preflight'; readonly ask: Signed<Preflight> } & Subject)
  | { readonly type: 'fit'; readonly answer: Signed<PreflightAns> }
  | ({ readonly type: 'start' } & Started)
  /** Two STARTs of one attempt, signed by one initiator. */
  | { readonly type: 'two-starts'; readonly starts: readonly [Signed<Start>, Signed<Start>] }
  | { readonly type: 'freeze'; readonly freeze: Signed<Freeze> }
  | ({ readonly type: 'frozen' } & FrozenList)
  | { readonly type: 'tail'; readonly tail: Signed<Tail>; readonly lists: readonly FrozenList[] }
  | { readonly type: 'ready'; readonly ready: Signed<Ready>; readonly record: EpochRecord }
  | { readonly type: 'fault'; readonly fault: Signed<AttemptFault> }
  | {
      readonly type: 'vote'
      readonly e: number
      readonly k: number
      readonly bytes: Uint8Array
    }
  | { readonly type: 'aborted'; readonly cert: AbortCert }
  /** An epoch that was decided: what ends an attempt, and what a member that is behind is told (STALE). */
  | {
      readonly type: 'epoch'
      readonly cert: EpochCert
      /** Those of its record; null for one before the base, where nobody needs them. */
      readonly keys: readonly HeldKey[] | null
    }
  | ({ readonly type: 'close' } & ClosedLog)
  | { readonly type: 'active'; readonly active: Signed<Active> }
  | { readonly type: 'root'; readonly root: RootSig }
  | { readonly type: 'erased'; readonly erased: Signed<Erased> }
  | { readonly type: 'key'; readonly key: HeldKey }
  | { readonly type: 'held'; readonly held: Signed<Held> }
  | {
      readonly type: 'ask'
      readonly what: 'start' | 'epoch'
      readonly e: number
      readonly k: number
    }
  | { readonly type: 'beat'; readonly beat: Signed<Beat> }
  | { readonly type: 'head-ask'; readonly ask: HeadAsk }
  | { readonly type: 'head'; readonly head: Signed<Head> }

/** CLOSE of one old member (03 §9.3). */
export interface ClosedLog {
  readonly close: Signed<Close>
  readonly open: readonly OpenInstance[]
}

/** A log instance of the old epoch that was not decided there, as CLOSE tells it (03 §9.3). */
export interface OpenInstance {
  readonly subject: string
  readonly index: number
  /** Round and value of the highest prepared one; 0 and null if none. */
  readonly preparedRound: number
  readonly prepared: Uint8Array | null
  /** q PREPAREs of that round and value, by index. */
  readonly proof: readonly (readonly [number, Uint8Array])[]
}
