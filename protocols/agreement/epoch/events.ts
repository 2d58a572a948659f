import type { SignedJoin } from '../objects/join.ts'
import type { Proposal } from '../objects/proposal.ts'
import type { RootSig } from '../objects/root-signatures.ts'
import type { Task } from './effects.ts'
import type { HeldKey } from './held-key.ts'
import type { Message, OpenInstance } from './messages.ts'

/** What happens to a member. */
export type Event =
  | { readonly type: 'boot' }
  /** `from` is the sender's guest key in hexadecimal, `boot` its boot: the handshake proves both. */
  | {
      readonly type: 'message'
      readonly from: string
      readonly boot: string
      readonly message: Message
    }
  | { readonly type: 'timer'; readonly name: string }
  | {
      readonly type: 'propose'
      readonly proposal: Omit<Proposal, 'committeeId' | 'baseHash' | 'proposerIndex' | 'nonce'>
      readonly joins: readonly SignedJoin[]
    }
  | {
      readonly type: 'operator-answer'
      readonly proposalHash: Uint8Array
      readonly yes: boolean
      readonly operatorSig: Uint8Array | null
    }
  | TaskDone
  | TaskFailed
  | { readonly type: 'root-signed'; readonly root: RootSig }
  | { readonly type: 'log-closed'; readonly e: number; readonly open: readonly OpenInstance[] }
  /** K1 to K3 of a key generation ended well here; may this member sign K4? (03 §6.1) */
  | { readonly type: 'key-proved'; readonly keyId: Uint8Array }
  /** A key certificate that this member put together. */
  | { readonly type: 'key-made'; readonly key: HeldKey }

interface OfTask {
  readonly e: number
  readonly k: number
  readonly epochId: Uint8Array
  readonly kind: Task['kind']
  /** The chunk, where `kind` says so; 0 otherwise. */
  readonly chunk: number
}

/** Setups made, a chunk or the root key durable with its transcript T, or all test subsets signed. */
export type TaskDone = { readonly type: 'task-done'; readonly transcript: Uint8Array } & OfTask
export type TaskFailed = {
  readonly type: 'task-failed'
  readonly code: number
  readonly about: number
} & OfTask
