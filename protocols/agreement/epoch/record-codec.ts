import { DecodeError } from '../../session/codec.ts'
import { AttemptFault } from '../objects/attempt.ts'
import { AbortCert, EpochCert } from '../objects/certificates.ts'
import { Frozen } from '../objects/freeze.ts'
import { Active, Erased } from '../objects/handoff.ts'
import {
  b16,
  b32,
  bytesUpTo,
  increasing,
  index,
  list,
  MAX_MEMBERS,
  nullable,
  row,
  uint,
  uintUpTo,
} from '../objects/items.ts'
import { Member } from '../objects/member.ts'
import type { Field, Layout } from '../objects/object-codec.ts'
import { Answer } from '../objects/proposal.ts'
import { Ready } from '../objects/ready.ts'
import { RootSig } from '../objects/root-signatures.ts'
import { type Signed, signed } from '../objects/signed.ts'
import { Start } from '../objects/start.ts'
import { MAX_QBFT_RECORD_BYTES } from '../qbft/record.ts'
import { body, closedLog, embedded, joins, proposal, proposalOrNone } from './body.ts'
import { type HeldKey, heldKey } from './held-key.ts'
import { certificatesRootOf, type KeyListName } from './key-lists.ts'
import { frozenListName, type Incomplete, recordListName } from './message-codec.ts'
import type { ClosedLog } from './messages.ts'
import type { Families, Family } from './records.ts'

/** A record as it is stored: lists of keys lie beside it, under their names, in the order of `decodeRecord`. */
export interface StoredRecord {
  readonly bytes: Uint8Array
  readonly lists: readonly NamedList[]
}

export interface NamedList {
  readonly name: KeyListName
  readonly keys: readonly HeldKey[]
}

interface Form<F extends Family> {
  encode(value: Families[F]): StoredRecord
  decode(bytes: Uint8Array): Incomplete<Families[F]>
}

/** A record of several fields, and no lists of keys. */
const fields = <F extends Family, T extends object & Families[F]>(
  family: F,
  layout: Layout<T>,
): Form<F> => {
  const codec = body<T>(family, layout)
  return {
    encode: (value) => ({ bytes: codec.encode(value as T), lists: [] }),
    decode: (bytes) => {
      const value = codec.decode(bytes)
      return { lists: [], complete: () => value }
    },
  }
}

/** A record of one field. */
const single = <F extends Family>(family: F, field: Field<Families[F]>): Form<F> => {
  const codec = body<{ readonly value: Families[F] }>(family, { value: field })
  return {
    encode: (value) => ({ bytes: codec.encode({ value }), lists: [] }),
    decode: (bytes) => {
      const { value } = codec.decode(bytes)
      return { lists: [], complete: () => value }
    },
  }
}

const yes: Field<true> = {
  write: (value) => value,
  read: (item, name) => {
    if (item === true) return true
    throw new DecodeError(`${name} is not true`)
  },
}
const closed: Field<ClosedLog> = row<ClosedLog>(closedLog)
const signedFrozen = embedded(signed(Frozen))
const frozenList: Field<readonly Signed<Frozen>[]> = increasing(
  list(signedFrozen, MAX_MEMBERS),
  ({ object }) => object.index,
)
const seenEntry: Field<readonly [number, Uint8Array, number]> = {
  write: (value) => value,
  read: (item, name) => {
    if (!Array.isArray(item) || item.length !== 3) throw new DecodeError(`${name} is not three`)
    return [index.read(item[0], name), b16.read(item[1], name), uint.read(item[2], name)]
  },
}
/** Indices are never reused, so those of members that left stand here too. */
const MAX_SEEN = 4_096

const attempt = body('att', {
  start: embedded(signed(Start)),
  proposal: proposalOrNone,
  joins,
  abort: nullable(embedded(AbortCert)),
  deadlineAt: uint,
})
const cert = body('cert', { cert: embedded(EpochCert) })
const frozen = body('frozen', { frozen: signedFrozen })
const tail = body('tail', { frozen: frozenList, count: uint, root: b32 })

const FORMS: { readonly [F in Family]: Form<F> } = {
  pointer: fields('pointer', { e: uint, k: uint }),
  cert: {
    encode: ({ cert: of, keys }) => ({
      bytes: cert.encode({ cert: of }),
      lists: keys === null ? [] : [{ name: recordListName(of.record), keys }],
    }),
    decode: (bytes) => {
      const { cert: of } = cert.decode(bytes)
      return {
        lists: [recordListName(of.record)],
        complete: ([keys]) => ({ cert: of, keys: keys ?? null }),
      }
    },
  },
  prop: fields('prop', { proposal, joins }),
  ans: single('ans', embedded(signed(Answer))),
  att: {
    encode: ({ started: { cut, ...rest }, deadlineAt }) => ({
      bytes: attempt.encode({ ...rest, deadlineAt }),
      lists: [{ name: cutName(rest.start.object), keys: cut }],
    }),
    decode: (bytes) => {
      const { deadlineAt, ...rest } = attempt.decode(bytes)
      return {
        lists: [cutName(rest.start.object)],
        complete: ([cut = []]) => ({ started: { ...rest, cut }, deadlineAt }),
      }
    },
  },
  frozen: {
    encode: ({ frozen: of, keys }) => ({
      bytes: frozen.encode({ frozen: of }),
      lists: [{ name: frozenListName(of.object), keys }],
    }),
    decode: (bytes) => {
      const { frozen: of } = frozen.decode(bytes)
      return {
        lists: [frozenListName(of.object)],
        complete: ([keys = []]) => ({ frozen: of, keys }),
      }
    },
  },
  tail: {
    encode: ({ lists, keys }) => {
      const name = frozenListName({ count: keys.length, root: certificatesRootOf(keys) })
      return {
        bytes: tail.encode({
          frozen: lists.map((one) => one.frozen),
          count: name.count,
          root: name.root,
        }),
        lists: [
          ...lists.map((one) => ({ name: frozenListName(one.frozen.object), keys: one.keys })),
          { name, keys },
        ],
      }
    },
    decode: (bytes) => {
      const { frozen: of, count, root } = tail.decode(bytes)
      return {
        lists: [...of.map(({ object }) => frozenListName(object)), frozenListName({ count, root })],
        complete: (lists) => ({
          lists: of.map((one, i) => ({ frozen: one, keys: lists[i] ?? [] })),
          keys: lists[of.length] ?? [],
        }),
      }
    },
  },
  ready: single('ready', embedded(signed(Ready))),
  fault: single('fault', embedded(signed(AttemptFault))),
  abort: single('abort', embedded(AbortCert)),
  closed: fields('closed', closedLog),
  handoff: single('handoff', list(closed, MAX_MEMBERS)),
  active: single('active', embedded(signed(Active))),
  root: single('root', embedded(RootSig)),
  qb: single('qb', bytesUpTo(MAX_QBFT_RECORD_BYTES)),
  erasing: single('erasing', yes),
  erased: single('erased', embedded(signed(Erased))),
  key: single('key', heldKey),
  removed: single('removed', list(Member, MAX_MEMBERS)),
  seq: single('seq', uint),
  seen: single('seen', list(seenEntry, MAX_SEEN)),
  quarantine: fields('quarantine', { e: uint, k: uintUpTo(Number.MAX_SAFE_INTEGER) }),
}

export const FAMILIES: readonly Family[] = Object.keys(FORMS) as Family[]

const cutName = ({ cutCount, cutRoot }: Start): KeyListName => ({
  of: 'keys',
  count: cutCount,
  root: cutRoot,
})

/** The only encoding of a record. Throws `DecodeError` for one that nobody could read. */
export const encodeRecord = <F extends Family>(family: F, value: Families[F]): StoredRecord =>
  FORMS[family].encode(value)

/** Anything but the only encoding of a record of this family is a `DecodeError`. */
export const decodeRecord = <F extends Family>(
  family: F,
  bytes: Uint8Array,
): Incomplete<Families[F]> => FORMS[family].decode(bytes)
