import { decodeCanonical, encodeCanonical } from '../../session/canonical-cbor.ts'
import { type Codec, DecodeError } from '../../session/codec.ts'
import { objectFields } from '../fields.ts'
import { Close } from '../objects/handoff.ts'
import { b32, bytesUpTo, list, MAX_MEMBERS, nullable, row, text, uint } from '../objects/items.ts'
import { SignedJoin } from '../objects/join.ts'
import type { Field, Layout } from '../objects/object-codec.ts'
import { Proposal } from '../objects/proposal.ts'
import { type Signed, signatureList, signed } from '../objects/signed.ts'
import type { ClosedLog, OpenInstance } from './messages.ts'

/** START with its joins and everything else that goes with it, as a message and as a record of the vault, which holds 512 KiB (04 §6). */
export const MAX_BODY_BYTES: number = 480 * 1024
/** All joins of one proposal: sixteen without evidence take 16 KiB, nine with the most of it take all. */
export const MAX_JOINS_BYTES: number = 400 * 1024
/** A signed join (03 §1.1). */
const MAX_JOIN_BYTES: number = 41 * 1024
/** Log instances that one CLOSE may leave open, so that the CLOSE of all are one record, and the length of their names. */
const MAX_OPEN = 16
const MAX_SUBJECT_CHARS = 128

/** What another codec makes of a value, as a byte string: bounded there, and not read deeper here. */
export const embedded = <T>(of: Codec<T>, max: number = MAX_BODY_BYTES): Field<T> => ({
  write: (value) => of.encode(value),
  read: (item, name) => of.decode(bytesUpTo(max).read(item, name)),
})

/** An array `[type, 1, …]` that travels or is stored, and that nobody hashes: exact, bounded, with one encoding. */
export function body<T extends object>(type: string, layout: Layout<T>): Codec<T> {
  const names = Object.keys(layout) as (keyof T & string)[]
  const read = (item: unknown): T => {
    const items = objectFields(item, type, names.length)
    return Object.fromEntries(
      names.map((name, i) => [name, layout[name].read(items[i], `${type}.${name}`)]),
    ) as T
  }
  return {
    encode: (value) => {
      const items = [type, 1, ...names.map((name) => layout[name].write(value[name]))]
      read(items) // so that nothing leaves that nobody could read
      const bytes = encodeCanonical(items)
      if (bytes.length > MAX_BODY_BYTES) throw new DecodeError(`${type} is too large`)
      return bytes
    },
    decode: (bytes) => read(decodeCanonical(bytes, MAX_BODY_BYTES)),
  }
}

const someJoins = list(embedded(SignedJoin, MAX_JOIN_BYTES), MAX_MEMBERS)

/** Whatever is a proposal can be started, stored and sent with them. */
export const joins: Field<readonly SignedJoin[]> = {
  write: someJoins.write,
  read: (item, name) => {
    const read = someJoins.read(item, name)
    const bytes = read.reduce((sum, { objectBytes }) => sum + objectBytes.length, 0)
    if (bytes > MAX_JOINS_BYTES)
      throw new DecodeError(`${name} have more than ${MAX_JOINS_BYTES} bytes`)
    return read
  },
}
export const proposal: Field<Signed<Proposal>> = embedded(signed(Proposal))
export const proposalOrNone: Field<Signed<Proposal> | null> = nullable(proposal)

export const open: Field<readonly OpenInstance[]> = list(
  row<OpenInstance>({
    subject: text(MAX_SUBJECT_CHARS),
    index: uint,
    preparedRound: uint,
    prepared: nullable(b32),
    proof: signatureList,
  }),
  MAX_OPEN,
)

export const closedLog: { readonly [Name in keyof ClosedLog]: Field<ClosedLog[Name]> } = {
  close: embedded(signed(Close)),
  open,
}
