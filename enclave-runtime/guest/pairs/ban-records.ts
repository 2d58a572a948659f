import {
  bytesField,
  listField,
  objectFields,
  uintField,
} from '../../../protocols/agreement/fields.ts'
import { signedMessage, verifySigned } from '../../../protocols/agreement/signed-object.ts'
import { decodeCanonical, encodeCanonical } from '../../../protocols/session/canonical-cbor.ts'
import { DecodeError } from '../../../protocols/session/codec.ts'
import type { PartyIndex } from '../../../protocols/session/faults.ts'
import { type Committee, guestOf } from '../committee.ts'
import type { Records } from '../records.ts'

const MAX_BYTES = 512 // an object of seven small fields and a signature
const MAX_INDEX = 0xffff

/** Smaller index first. */
export type IndexPair = readonly [PartyIndex, PartyIndex]

/** One guest's word that it may not multiply with another one again, from epoch `e` on (02 §2.8). */
export interface BanNotice {
  readonly pair: IndexPair
  readonly e: number
  readonly signer: PartyIndex
}

/** What is remembered of a pair: its notice as it came, empty until it is signed; or the epoch that lifted it. */
export type Standing =
  | { readonly kind: 'banned'; readonly e: number; readonly body: Uint8Array }
  | { readonly kind: 'lifted'; readonly e: number }

type Signing = Pick<Committee, 'networkId' | 'committeeId' | 'me'>

export function signNotice(
  { networkId, committeeId, me }: Signing,
  pair: IndexPair,
  e: number,
  sign: Records['sign'],
): Uint8Array {
  const object = encodeCanonical(['ban', 1, committeeId, e, ...pair, me.index])
  return encodeCanonical([object, sign(signedMessage('ban', networkId, object))])
}

/** The notice, if a member of this committee that belongs to the pair signed it, of an epoch that is not to come. */
export function verifiedNotice(committee: Committee, body: Uint8Array): BanNotice | undefined {
  try {
    const { notice, object, signature, committeeId } = decodeNotice(body)
    const { pair, signer, e } = notice
    const id = guestOf(committee, signer)?.id
    const known = pair.every((party) => guestOf(committee, party) !== undefined)
    if (id === undefined || !known || !pair.includes(signer) || e > committee.epoch.e)
      return undefined
    if (!Buffer.from(committeeId).equals(committee.committeeId)) return undefined
    return verifySigned('ban', committee.networkId, object, id, signature) ? notice : undefined
  } catch (cause) {
    if (cause instanceof DecodeError) return undefined // not a notice: it changes nothing
    throw cause
  }
}

export const recordName = (pair: IndexPair): string => `ban/${keyOf(...pair)}`

export const keyOf = (a: PartyIndex, b: PartyIndex): string => ordered(a, b).join('-')

export const pairOfKey = (key: string): IndexPair => {
  const [a = 0, b = 0] = key.split('-').map(Number)
  return [a, b]
}

export const ordered = (a: PartyIndex, b: PartyIndex): IndexPair => (a < b ? [a, b] : [b, a])

export const encodeLifted = (e: number): Uint8Array => encodeCanonical(['unbanned', 1, e])

/** What a record says; it was verified when it was written. Throws `DecodeError`. */
export function decodeStanding(body: Uint8Array): Standing {
  const value = decodeCanonical(body, MAX_BYTES)
  if (Array.isArray(value) && value[0] === 'unbanned') {
    const [e] = objectFields(value, 'unbanned', 1)
    return { kind: 'lifted', e: uintField(e, 'e') }
  }
  return { kind: 'banned', e: decodeNotice(body).notice.e, body }
}

function decodeNotice(body: Uint8Array): {
  readonly notice: BanNotice
  readonly object: Uint8Array
  readonly signature: Uint8Array
  readonly committeeId: Uint8Array
} {
  const [object, signature] = listField(decodeCanonical(body, MAX_BYTES), 'ban notice', 2)
  if (!(object instanceof Uint8Array)) throw new DecodeError('ban notice')
  const fields = objectFields(decodeCanonical(object, MAX_BYTES), 'ban', 5)
  const [a = 0, b = 0, signer = 0] = fields.slice(2).map((f) => uintField(f, 'index', MAX_INDEX))
  if (a >= b) throw new DecodeError('a pair has two members, the lower first')
  return {
    notice: { pair: [a, b], e: uintField(fields[1], 'e'), signer },
    object,
    signature: bytesField(signature, 'signature', 64),
    committeeId: bytesField(fields[0], 'committeeId', 32),
  }
}
