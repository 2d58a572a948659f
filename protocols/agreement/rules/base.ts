import { committeeIdOf, decodeGenesis, networkIdOf } from '../genesis.ts'
import type { Member } from '../objects/member.ts'
import type { Params } from '../objects/params.ts'
import { type EpochRecord, recordHash } from '../objects/record.ts'

/** What an epoch is made from: the record before it, or the genesis file (03 §1.2). */
export interface Base {
  /** recordHash; networkId for the genesis file. In proposals, answers and the id of the decision. */
  readonly hash: Uint8Array
  /** The epoch that follows: 0 after the genesis file. */
  readonly next: number
  readonly networkId: Uint8Array
  readonly committeeId: Uint8Array
  readonly t: number
  readonly members: readonly Member[]
  readonly nextIndex: number
  /** Null before the genesis epoch made one. */
  readonly rootKey: Uint8Array | null
  readonly allow: readonly Uint8Array[]
  readonly params: Params
  readonly protocol: number
}

export const baseOfRecord = (record: EpochRecord): Base => ({
  hash: recordHash(record),
  next: record.e + 1,
  networkId: record.networkId,
  committeeId: record.committeeId,
  t: record.t,
  members: record.members,
  nextIndex: record.nextIndex,
  rootKey: record.rootKey,
  allow: record.allow,
  params: record.params,
  protocol: record.protocol,
})

/** The first committee of a genesis file. Throws `DecodeError` for bytes that are none. */
export function baseOfGenesis(encodedGenesis: Uint8Array): Base {
  const { params, members, allow, protocol } = decodeGenesis(encodedGenesis)
  const networkId = networkIdOf(encodedGenesis)
  return {
    hash: networkId,
    next: 0,
    networkId,
    committeeId: committeeIdOf(networkId, 0),
    t: params.t,
    members,
    nextIndex: members.length + 1,
    rootKey: null,
    allow,
    params,
    protocol,
  }
}
