import type { EnvelopeHeader } from '../../../protocols/session/envelope.ts'
import type { PartyIndex } from '../../../protocols/session/faults.ts'
import type { Committee } from '../committee.ts'
import type { IndexPair } from '../pairs/ban-records.ts'
import type { Post } from '../sessions/post.ts'

/** What the room of an epoch, or of an attempt at one, is opened with. */
export interface RoomPlan {
  /** Of the epoch. Its `me` is no member of it where this guest only deals and then leaves. */
  readonly committee: Committee
  /** Everybody with whom there are channels: all members, and while the epoch is formed those of the one before. */
  readonly channelMembers: readonly ChannelMember[]
  /** No setup begins before somebody asks for all of them. */
  readonly isForming: boolean
  /** Pairs whose earlier bans do not hold in this epoch (03 §1.2). */
  readonly unban: readonly IndexPair[]
}

export interface ChannelMember {
  readonly index: PartyIndex
  /** GC, X25519, 32 bytes. */
  readonly guestEnc: Uint8Array
}

/** The channels of one room (04 §11). */
export interface RoomPost extends Post {
  /** The peer sealed something that is no message: a fault of the party. */
  onMalformed(take: (peer: PartyIndex) => void): void
  /** Whose hosts are connected now. */
  links(up: readonly PartyIndex[]): void
  receive(from: PartyIndex, bytes: Uint8Array, header: EnvelopeHeader): void
  close(): void
}
