import type { Genesis } from '../genesis.ts'
import type { ObjectCodec } from '../objects/object-codec.ts'
import type { RootSig } from '../objects/root-signatures.ts'
import type { Signed, SignedCodec } from '../objects/signed.ts'
import type { Change } from '../rules/change.ts'
import type { Verify } from '../rules/verify.ts'
import type { HeldKey } from './held-key.ts'
import type { OpenInstance, Subject } from './messages.ts'
import type { BaseEpoch } from './state.ts'

/** What a member is given: its name, its keys, and everything that is not deciding (03 §11: cryptography, chance). */
export interface Parts {
  readonly networkId: Uint8Array
  readonly committeeId: Uint8Array
  /** The own guest key. */
  readonly guestSig: Uint8Array
  sign<T>(of: SignedCodec<T>, value: T): Signed<T>
  isSignedBy<T>(of: SignedCodec<T>, signed: Signed<T>, key: Uint8Array): boolean
  hash<T>(of: ObjectCodec<T>, value: T): Uint8Array
  signVote(body: Uint8Array): Uint8Array
  isVoteBy(key: Uint8Array, body: Uint8Array, signature: Uint8Array): boolean
  isRootSignature(root: RootSig, rootKey: Uint8Array): boolean
  /** Whether this is a key of the base's record, leaf by leaf, or one made in the base, by its certificate under the members of the base. */
  isKeyCertified(key: HeldKey, base: BaseEpoch): boolean
  /** The cryptography of the rules (03 §1.3). */
  readonly verify: Verify
  /** Of the genesis file. */
  readonly environment: Genesis['environment']
  /** keySetRoot: of the keys under a cut, and of those of a record (03 §1.2). */
  keyRoot(keys: readonly HeldKey[]): Uint8Array
  /** Root over the certificates of a FROZEN list (03 §1.2). */
  certificatesRoot(keys: readonly HeldKey[]): Uint8Array
  /** These keys as attempt (e, k) has them, in the same order: H(F; F) is new, and no certificate is needed any more. All their chunks are durable here. */
  reshared(e: number, k: number, keys: readonly HeldKey[]): readonly HeldKey[]
  /** Synced changes of critical records so far, those that are written now not counted: a peer that has seen more proves a rollback (03 §9.4). */
  vaultSeq(): number
  /** BLAKE3 of the vault's sealed head, 32 bytes (04 §10). */
  headHash(): Uint8Array
  /** Starts of this guest, this one included. */
  readonly bootCounter: number
  /** What the operator's settings say of a change that needs no operator's signature: yes, or ask (03 §7). */
  opinion(change: Change): true | null
  /** Why this member cannot take part in the attempt now; empty if it can (03 §4.1 S3). */
  unfit(subject: Subject): readonly string[]
  /** Root over the open instances of CLOSE (03 §9.3). */
  openRoot(open: readonly OpenInstance[]): Uint8Array
  random(length: number): Uint8Array
  /** Whether this guest and that member finished a session within the last two minutes (03 §9.4). */
  workedWith(index: number): boolean
  /** Public epoch prekey; its secret is sealed with the shares of (e, k) (03 §6.1). */
  prekey(e: number, k: number): Uint8Array
  /** Whether the vault holds every share of (e, k): of its chunks, and of the keys made in it. */
  holdsShares(e: number, k: number): boolean
  /** Chunks of (e, k) that are durable here, with their transcripts; the root key of an attempt at epoch 0 is its chunk 0. */
  durableChunks(e: number, k: number): ReadonlyMap<number, Uint8Array>
  /** The root key that attempt k at epoch 0 made; `null` while it is not durable here (03 §1.2). */
  rootKeyOf(k: number): HeldKey | null
}
