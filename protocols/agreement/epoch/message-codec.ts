import { decodeCanonical } from '../../session/canonical-cbor.ts'
import { type Codec, DecodeError } from '../../session/codec.ts'
import { AttemptFault, Preflight, PreflightAns } from '../objects/attempt.ts'
import { Beat, Head, HeadAsk } from '../objects/beat.ts'
import { AbortCert, EpochCert } from '../objects/certificates.ts'
import { Freeze, Frozen, Held, Tail } from '../objects/freeze.ts'
import { Active, Erased } from '../objects/handoff.ts'
import { bytesUpTo, nullable, ordinal, uint } from '../objects/items.ts'
import type { Field, Layout } from '../objects/object-codec.ts'
import { Answer } from '../objects/proposal.ts'
import { Ready } from '../objects/ready.ts'
import { EpochRecord } from '../objects/record.ts'
import { RootSig } from '../objects/root-signatures.ts'
import { signed } from '../objects/signed.ts'
import { Start } from '../objects/start.ts'
import { MAX_PRE_PREPARE_BYTES } from '../qbft/message.ts'
import {
  body,
  closedLog,
  embedded,
  joins,
  MAX_BODY_BYTES,
  proposal,
  proposalOrNone,
} from './body.ts'
import { type HeldKey, heldKey } from './held-key.ts'
import type { KeyListName } from './key-lists.ts'
import type { Message } from './messages.ts'

type KeyLists = readonly (readonly HeldKey[])[]

/** A message whose lists of keys are still to come: it names them, in the order in which `complete` takes them. */
export interface Incomplete<T> {
  readonly lists: readonly KeyListName[]
  /** `lists` are those that were named, each checked against its name. */
  complete(lists: KeyLists): T
}

export type MessageType = Message['type']
type Of<T extends MessageType> = Extract<Message, { readonly type: T }>
/** What stands in the bytes: everything but lists of keys, which what is signed names by their root. */
type Body<T extends MessageType> = Omit<Of<T>, 'type' | 'cut' | 'keys' | 'lists'>

interface Form<T extends MessageType> {
  readonly codec: Codec<Body<T>>
  readonly names: (told: Body<T>) => readonly KeyListName[]
  readonly complete: (told: Body<T>, lists: KeyLists) => Omit<Of<T>, 'type'>
}

/** A message that names no list. */
const whole = <T extends MessageType>(type: T, layout: Layout<Body<T>>): Form<T> => ({
  codec: body<Body<T>>(type, layout),
  names: () => [],
  complete: (told) => told as Omit<Of<T>, 'type'>,
})

const what: Field<'start' | 'epoch'> = {
  write: (value) => value,
  read: (item, name) => {
    if (item === 'start' || item === 'epoch') return item
    throw new DecodeError(`${name} asks for nothing that there is`)
  },
}

const start = embedded(signed(Start))

const FORMS: { readonly [T in MessageType]: Form<T> } = {
  proposal: whole('proposal', { proposal, joins }),
  answer: whole('answer', { answer: embedded(signed(Answer)) }),
  preflight: whole('preflight', {
    ask: embedded(signed(Preflight)),
    proposal: proposalOrNone,
    joins,
  }),
  fit: whole('fit', { answer: embedded(signed(PreflightAns)) }),
  start: {
    codec: body<Body<'start'>>('start', {
      start,
      proposal: proposalOrNone,
      joins,
      abort: nullable(embedded(AbortCert)),
    }),
    names: ({ start: { object } }) => [
      { of: 'keys', count: object.cutCount, root: object.cutRoot },
    ],
    complete: (told, [cut = []]) => ({ ...told, cut }),
  },
  'two-starts': whole('two-starts', {
    starts: {
      write: (both) => both.map((one) => start.write(one)),
      read: (item, name) => {
        if (!Array.isArray(item) || item.length !== 2) throw new DecodeError(`${name} are not two`)
        return [start.read(item[0], name), start.read(item[1], name)]
      },
    },
  }),
  freeze: whole('freeze', { freeze: embedded(signed(Freeze)) }),
  frozen: {
    codec: body<Body<'frozen'>>('frozen', { frozen: embedded(signed(Frozen)) }),
    names: ({ frozen }) => [frozenListName(frozen.object)],
    complete: (told, [keys = []]) => ({ ...told, keys }),
  },
  tail: {
    codec: body<Body<'tail'>>('tail', { tail: embedded(signed(Tail)) }),
    names: ({ tail }) => tail.object.frozen.map(({ object }) => frozenListName(object)),
    complete: (told, lists) => ({
      ...told,
      lists: told.tail.object.frozen.map((frozen, i) => ({ frozen, keys: lists[i] ?? [] })),
    }),
  },
  ready: whole('ready', { ready: embedded(signed(Ready)), record: embedded(EpochRecord) }),
  fault: whole('fault', { fault: embedded(signed(AttemptFault)) }),
  vote: whole('vote', { e: uint, k: ordinal, bytes: bytesUpTo(MAX_PRE_PREPARE_BYTES) }),
  aborted: whole('aborted', { cert: embedded(AbortCert) }),
  epoch: {
    codec: body<Body<'epoch'>>('epoch', { cert: embedded(EpochCert) }),
    names: ({ cert: { record } }) => [recordListName(record)],
    complete: (told, [keys]) => ({ ...told, keys: keys ?? null }),
  },
  close: whole('close', closedLog),
  active: whole('active', { active: embedded(signed(Active)) }),
  root: whole('root', { root: embedded(RootSig) }),
  erased: whole('erased', { erased: embedded(signed(Erased)) }),
  key: whole('key', { key: heldKey }),
  held: whole('held', { held: embedded(signed(Held)) }),
  ask: whole('ask', { what, e: uint, k: uint }),
  beat: whole('beat', { beat: embedded(signed(Beat)) }),
  'head-ask': whole('head-ask', { ask: embedded(HeadAsk) }),
  head: whole('head', { head: embedded(signed(Head)) }),
}

export const MESSAGE_TYPES: readonly MessageType[] = Object.keys(FORMS) as MessageType[]

/** The list that a FROZEN signs. */
export const frozenListName = ({ count, root }: Pick<Frozen, 'count' | 'root'>): KeyListName => ({
  of: 'certificates',
  count,
  root,
})

/** The keys of a record. */
export const recordListName = ({
  keyCount,
  keySetRoot,
}: Pick<EpochRecord, 'keyCount' | 'keySetRoot'>): KeyListName => ({
  of: 'keys',
  count: keyCount,
  root: keySetRoot,
})

/** The only encoding of a message, without the lists of keys that it names. Throws `DecodeError` for one that nobody could read. */
export function encodeMessage(message: Message): Uint8Array {
  const form = FORMS[message.type] as Form<MessageType>
  return form.codec.encode(message as Body<MessageType>)
}

/** The lists that a message names, in the order of `decodeMessage`. */
export const listsOfMessage = (message: Message): readonly KeyListName[] =>
  (FORMS[message.type] as Form<MessageType>).names(message as Body<MessageType>)

/** Anything but the only encoding of a message within its bounds is a `DecodeError`. Nothing that is signed is verified. */
export function decodeMessage(
  bytes: Uint8Array,
): Incomplete<Message> & { readonly type: MessageType } {
  const value = decodeCanonical(bytes, MAX_BODY_BYTES)
  const type: unknown = Array.isArray(value) ? value[0] : undefined
  if (typeof type !== 'string' || !Object.hasOwn(FORMS, type))
    throw new DecodeError('no message of a committee')
  const form = FORMS[type as MessageType] as Form<MessageType>
  const told = form.codec.decode(bytes)
  return {
    type: type as MessageType,
    lists: form.names(told),
    complete: (lists) => ({ type, ...form.complete(told, lists) }) as Message,
  }
}
