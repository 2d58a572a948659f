import { equalBytes } from '@noble/curves/utils.js'
import { concatBytes, utf8ToBytes } from '@noble/hashes/utils.js'
import type { Kernel } from '../kernel/kernel.ts'
import { DecodeError } from '../session/codec.ts'
import { type PartyIndex, ProtocolError } from '../session/faults.ts'
import { type Guest, guestAt } from '../session/guest.ts'
import { KINDS } from '../session/instance.ts'
import { dealSidOf, publicFieldsOf, publicHashOf, transcriptOf } from '../sharing/hashes.ts'
import type { KeyRecord } from '../sharing/key-record.ts'
import type { Commit } from '../sharing/messages.ts'
import { keyRecordOf } from './checks.ts'
import { Posted, rounds, sealedBytes } from './messages.ts'

/** The info under which a dealer seals an absent receiver's shares (03 §6.1); ids are guest ids, 32 bytes. */
export const mailboxInfo = (
  sid: Uint8Array,
  dealer: Uint8Array,
  receiver: Uint8Array,
): Uint8Array => concatBytes(utf8ToBytes('holdfast/mailbox/1'), sid, dealer, receiver)

/** What one member of D keeps, by dealer: `PendingKeys.mailbox`. Nobody vouches for any of it. */
export type Mailbox = ReadonlyMap<PartyIndex, Uint8Array>

/** What stands for K1 of an absent member. */
export const NO_COMMIT: Commit = { nonce: new Uint8Array(), commitment: new Uint8Array() }

/** A run as a mailbox tells it: T holds for all of it but for the sealed parts. */
export interface PostedRun {
  readonly sid: Uint8Array
  readonly pub: Uint8Array
  readonly keys: readonly KeyRecord[]
  readonly postOf: (dealer: Guest) => Posted
}

export interface RunContext {
  readonly networkId: Uint8Array
  /** Of the session of D. */
  readonly instanceId: Uint8Array
  readonly threshold: number
  readonly count: number
  /** N, in party order. */
  readonly guests: readonly Guest[]
  readonly dealers: readonly Guest[]
}

/** The run of which T is, when that is what this mailbox holds; `undefined` for anything else. */
export function postedRun(
  kernel: Kernel,
  context: RunContext,
  transcript: Uint8Array,
  mailbox: Mailbox,
): PostedRun | undefined {
  const { networkId, instanceId, threshold, count, guests, dealers } = context
  const posts = new Map(
    dealers.flatMap(({ index }) => {
      const post = postIn(context, mailbox.get(index))
      return post !== undefined && kernel.arePoints(post.F) ? [[index, post] as const] : []
    }),
  )
  if (posts.size !== dealers.length) return undefined
  const postOf = ({ index }: Guest): Posted => {
    const post = posts.get(index)
    if (post === undefined) throw new Error(`bug: party ${index} did not deal`)
    return post
  }
  const commitOf = (guest: Guest): Commit => (dealers.includes(guest) ? postOf(guest) : NO_COMMIT)
  const sid = dealSidOf(KINDS.keygen, instanceId, guests, commitOf, kernel.oracle)
  const round = rounds(threshold, count).deal.name
  try {
    const keys = Array.from({ length: count }, (_, b) =>
      keyRecordOf(kernel, round, networkId, sid, b, threshold, dealers, postOf),
    )
    const fields = publicFieldsOf(dealers, guests, commitOf, postOf)
    const pub = publicHashOf(sid, fields, kernel.oracle)
    const records = keys.map(({ record }) => record)
    const same = equalBytes(transcriptOf(pub, records, kernel.oracle), transcript)
    return same ? { sid, pub, keys, postOf } : undefined
  } catch (error) {
    if (error instanceof ProtocolError) return undefined // sums that no run of T has
    throw error
  }
}

/** The parts that `dealer` sealed to the `place`-th absent member, as the keepers have them; no two the same. */
export function sealedParts(
  context: RunContext,
  kept: readonly Mailbox[],
  dealer: PartyIndex,
  place: number,
): Uint8Array[] {
  const length = sealedBytes(context.count)
  const parts: Uint8Array[] = []
  for (const mailbox of kept) {
    const sealed = postIn(context, mailbox.get(dealer))?.sealed
    const part = sealed?.subarray(place * length, (place + 1) * length)
    if (part !== undefined && !parts.some((other) => equalBytes(other, part))) parts.push(part)
  }
  return parts
}

function postIn(
  { threshold, count, guests, dealers }: RunContext,
  bytes: Uint8Array | undefined,
): Posted | undefined {
  if (bytes === undefined) return undefined
  try {
    return Posted(threshold, count, guests.length - dealers.length).decode(bytes)
  } catch (error) {
    if (error instanceof DecodeError) return undefined
    throw error
  }
}

/** Own place among the absent, in party order. */
export function placeOf({ guests, dealers }: RunContext, me: PartyIndex): number {
  const place = guests.filter((guest) => !dealers.includes(guest)).indexOf(guestAt(guests, me))
  if (place < 0) throw new Error(`bug: party ${me} was not absent`)
  return place
}
