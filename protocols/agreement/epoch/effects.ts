import type { Proposal } from '../objects/proposal.ts'
import type { ClosedLog, Message } from './messages.ts'
import type { Change } from './records.ts'

/** What a member asks for, to be done strictly in this order: nothing is sent before every write that stands ahead of it is durable (03 §4.1). */
export type Effect =
  /** One batch, all of it or nothing. `sync`: durable before the next effect. */
  | { readonly do: 'write'; readonly batch: readonly Change[]; readonly sync: boolean }
  /** Addresses are guest keys in hexadecimal. */
  | { readonly do: 'send'; readonly to: readonly string[]; readonly message: Message }
  /** Comes back as event `timer` once; a later one of the same name takes its place. */
  | { readonly do: 'timer'; readonly name: string; readonly ms: number }
  | { readonly do: 'reshare'; readonly task: Task }
  /** Ends what runs for attempt (e, k) and destroys its wrapping key: every pending share of it is gone (03 §4.3). */
  | { readonly do: 'drop-attempt'; readonly e: number; readonly k: number }
  /** Destroys the wrapping key of epoch e, with it the shares, the prekey and the mailbox (03 §4.1 S12). */
  | { readonly do: 'destroy'; readonly e: number; readonly k: number }
  /** A member leads a signature of the root key over this record (03 §4.1 S11). */
  | { readonly do: 'sign-root'; readonly e: number; readonly recordHash: Uint8Array }
  /** Log votes of e end; the answer is event `log-closed` (03 §9.3). */
  | { readonly do: 'close-log'; readonly e: number }
  /** Log votes of e begin: q valid CLOSE of the epoch before are here, or there is none before (03 §9.3). */
  | { readonly do: 'open-log'; readonly e: number; readonly closes: readonly ClosedLog[] }
  /** This member may sign K4 of that key (03 §6.1). */
  | { readonly do: 'certify'; readonly keyId: Uint8Array }
  /** q members hold the key: its address may be told (03 §6.1). */
  | { readonly do: 'release'; readonly keyId: Uint8Array }
  /** The operator has to say yes or no. */
  | { readonly do: 'consult'; readonly proposalHash: Uint8Array; readonly proposal: Proposal }
  | { readonly do: 'notice'; readonly notice: Notice }
  /** This process must end; nothing after it is done. */
  | { readonly do: 'exit'; readonly code: 72; readonly why: 'rolled-back' }

/** What the injected resharing is asked to do for an attempt (S4, S5, S7). */
export type Task = {
  readonly e: number
  readonly k: number
  readonly epochId: Uint8Array
} & (
  | { readonly kind: 'setups' }
  /** The committee's root key, by a generation among all: in place of chunks, in the genesis epoch alone (03 §1.2). */
  | { readonly kind: 'root' }
  | { readonly kind: 'chunk'; readonly chunk: number; readonly keys: readonly Uint8Array[] }
  | { readonly kind: 'tests'; readonly recordHash: Uint8Array }
)

/** What an operator is shown. */
export type Notice =
  | { readonly about: 'refused'; readonly reasons: readonly string[] }
  | { readonly about: 'preflight'; readonly k: number; readonly reasons: readonly string[] }
  | { readonly about: 'evidence'; readonly of: number; readonly what: 'two-starts' | 'two-votes' }
  | { readonly about: 'clone'; readonly of: number }
  | { readonly about: 'fork'; readonly e: number }
  | { readonly about: 'shareless'; readonly e: number }
  | {
      readonly about: 'aborted'
      readonly e: number
      readonly k: number
      readonly blamed: readonly number[]
    }
  | { readonly about: 'quarantine'; readonly e: number; readonly k: number }
  | { readonly about: 'active'; readonly e: number; readonly k: number }
  | { readonly about: 'receipts'; readonly e: number; readonly of: number }
