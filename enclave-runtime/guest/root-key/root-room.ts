import type { Handle } from '../../../protocols/kernel/kernel.ts'
import type { Committee } from '../committee.ts'
import type { PairSetups } from '../pairs/pair-setups.ts'
import type { RoomBans } from '../pairs/room-bans.ts'
import type { Answers } from '../sessions/answers.ts'
import type { Followers } from '../sessions/followers.ts'
import type { SessionRouter } from '../sessions/session-router.ts'

/** The root key as one epoch holds it. Nothing here is secret. */
export interface RootKey {
  /** Its share is `share/<keyId>` of the room's epoch, 32 bytes. */
  readonly keyId: Uint8Array
  /** Compressed secp256k1 key, 33 bytes, the same in every epoch. */
  readonly publicKey: Uint8Array
  /** F of this epoch, t × 33 bytes. */
  readonly commitment: Uint8Array
}

/** What signing with the root key needs of the room of an epoch, forming or serving. */
export interface RootRoom {
  /** Members of the room's epoch; of a forming room the new ones. */
  readonly committee: Pick<Committee, 'networkId' | 'epochId' | 'me' | 'guests' | 'threshold'>
  /** Undefined until this guest has its share of it in this epoch. */
  rootKey(): RootKey | undefined
  /** This guest's share, for one use: the caller wipes it. Throws `VaultError`. */
  share(keyId: Uint8Array): Promise<Handle<'share'>>
  readonly router: SessionRouter
  readonly answers: Pick<Answers, 'watch' | 'unwatch'>
  readonly followers: Pick<Followers, 'take'>
  /** The setups of this room's epoch. */
  readonly pairs: Pick<PairSetups, 'withAll' | 'missing'>
  /** Those that hold in this room: without the pairs that its record unbans. */
  readonly bans: Pick<RoomBans, 'among' | 'all'>
}
