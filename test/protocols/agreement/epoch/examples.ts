import type { HeldKey } from '../../../../protocols/agreement/epoch/held-key.ts'
import {
  certificatesRootOf,
  inKeyOrder,
  keySetRootOf,
} from '../../../../protocols/agreement/epoch/key-lists.ts'
import type { Message } from '../../../../protocols/agreement/epoch/messages.ts'
import type { Families, Family } from '../../../../protocols/agreement/epoch/records.ts'
import {
  AttemptFault,
  Preflight,
  PreflightAns,
} from '../../../../protocols/agreement/objects/attempt.ts'
import { Beat, Head, HeadAsk } from '../../../../protocols/agreement/objects/beat.ts'
import { AbortCert, EpochCert } from '../../../../protocols/agreement/objects/certificates.ts'
import { Freeze, Frozen, Held, Tail } from '../../../../protocols/agreement/objects/freeze.ts'
import { Active, Close, Erased } from '../../../../protocols/agreement/objects/handoff.ts'
import { SignedJoin } from '../../../../protocols/agreement/objects/join.ts'
import { Member } from '../../../../protocols/agreement/objects/member.ts'
import type { ObjectCodec } from '../../../../protocols/agreement/objects/object-codec.ts'
import { Answer, Proposal } from '../../../../protocols/agreement/objects/proposal.ts'
import { Ready } from '../../../../protocols/agreement/objects/ready.ts'
import { EpochRecord } from '../../../../protocols/agreement/objects/record.ts'
import { RootSig } from '../../../../protocols/agreement/objects/root-signatures.ts'
import type { Signed } from '../../../../protocols/agreement/objects/signed.ts'
import { Start } from '../../../../protocols/agreement/objects/start.ts'
import type { Codec } from '../../../../protocols/session/codec.ts'
import { seeded } from '../../../support/seeded.ts'
import { EXAMPLES } from '../objects/examples.ts'

const random = seeded('messages of epochs')

/** The example of an object that has this name. */
function the<T>(name: string, codec: Codec<T>): T {
  const found = EXAMPLES.find((example) => example.name === name)
  if (found === undefined) throw new Error(`no example ${name}`)
  return codec.decode(found.bytes)
}

/** An object with a signature that nobody made: codecs do not verify. */
const sealed = <T>(of: ObjectCodec<T>, object: T): Signed<T> => ({
  object,
  objectBytes: of.encode(object),
  signature: random(64),
})
const seal = <T>(of: ObjectCodec<T>): Signed<T> => sealed(of, the<T>(of.type, of))

/** Keys of a record where `certified` is false, else keys that were made in the base. */
export const exampleKeys = (count: number, certified: boolean): readonly HeldKey[] =>
  inKeyOrder(
    Array.from({ length: count }, () => ({
      keyId: random(32),
      curve: 1,
      publicKey: random(33),
      chainCodeHash: random(32),
      commitmentHash: random(32),
      certificate: certified ? random(80) : null,
    })),
  )

const made = exampleKeys(2, true)
const cut = exampleKeys(3, false)
const frozenList = (index: number, keys: readonly HeldKey[]) => ({
  frozen: sealed(Frozen, {
    ...the('frozen', Frozen),
    index,
    count: keys.length,
    root: certificatesRootOf(keys),
  }),
  keys,
})
const lists = [frozenList(1, made), frozenList(2, []), frozenList(4, made.slice(1))]
const start = sealed(Start, {
  ...the('start', Start),
  cutCount: cut.length,
  cutRoot: keySetRootOf(cut),
})
const record = {
  ...the('record', EpochRecord),
  keyCount: cut.length,
  keySetRoot: keySetRootOf(cut),
}
const cert = { ...the('epochCert', EpochCert), record }
const joins = [the('signed join', SignedJoin)]
const proposal = seal(Proposal)
const abort = the('abortCert', AbortCert)
const closed = {
  close: seal(Close),
  open: [
    {
      subject: 'account:1f0e',
      index: 4,
      preparedRound: 2,
      prepared: random(32),
      proof: [
        [1, random(64)],
        [3, random(64)],
      ] as const,
    },
    { subject: 'account:2b', index: 1, preparedRound: 0, prepared: null, proof: [] },
  ],
}
const [key] = made
if (key === undefined) throw new Error('no key')

export const MESSAGES: Readonly<Record<Message['type'], readonly Message[]>> = {
  proposal: [
    { type: 'proposal', proposal, joins },
    { type: 'proposal', proposal, joins: [] },
  ],
  answer: [{ type: 'answer', answer: seal(Answer) }],
  preflight: [
    { type: 'preflight', ask: seal(Preflight), proposal, joins },
    { type: 'preflight', ask: seal(Preflight), proposal: null, joins: [] },
  ],
  fit: [{ type: 'fit', answer: seal(PreflightAns) }],
  start: [
    { type: 'start', start, proposal, joins, abort, cut },
    { type: 'start', start, proposal: null, joins: [], abort: null, cut },
  ],
  'two-starts': [
    { type: 'two-starts', starts: [start, sealed(Start, { ...start.object, nonce: random(32) })] },
  ],
  freeze: [{ type: 'freeze', freeze: seal(Freeze) }],
  frozen: lists.map((list) => ({ type: 'frozen', ...list })),
  tail: [
    {
      type: 'tail',
      tail: sealed(Tail, { ...the('tail', Tail), frozen: lists.map(({ frozen }) => frozen) }),
      lists,
    },
  ],
  ready: [{ type: 'ready', ready: seal(Ready), record }],
  fault: [{ type: 'fault', fault: seal(AttemptFault) }],
  vote: [{ type: 'vote', e: 4, k: 2, bytes: random(300) }],
  aborted: [{ type: 'aborted', cert: abort }],
  epoch: [{ type: 'epoch', cert, keys: cut }],
  close: [{ type: 'close', ...closed }],
  active: [{ type: 'active', active: seal(Active) }],
  root: [{ type: 'root', root: the('rootSig', RootSig) }],
  erased: [{ type: 'erased', erased: seal(Erased) }],
  key: [{ type: 'key', key }],
  held: [{ type: 'held', held: seal(Held) }],
  ask: [
    { type: 'ask', what: 'start', e: 4, k: 2 },
    { type: 'ask', what: 'epoch', e: 4, k: 0 },
  ],
  beat: [{ type: 'beat', beat: seal(Beat) }],
  'head-ask': [{ type: 'head-ask', ask: the('headAsk', HeadAsk) }],
  head: [{ type: 'head', head: seal(Head) }],
}

export const RECORDS: { readonly [F in Family]: readonly Families[F][] } = {
  pointer: [{ e: 4, k: 2 }],
  cert: [{ cert, keys: cut }],
  prop: [{ proposal, joins }],
  ans: [seal(Answer)],
  att: [
    { started: { start, proposal, joins, abort, cut }, deadlineAt: 1_800_000_120_000 },
    { started: { start, proposal: null, joins: [], abort: null, cut }, deadlineAt: 0 },
  ],
  frozen: lists,
  tail: [{ lists, keys: made }],
  ready: [seal(Ready)],
  fault: [seal(AttemptFault)],
  abort: [abort],
  closed: [closed],
  handoff: [[closed, closed], []],
  active: [seal(Active)],
  root: [the('rootSig', RootSig)],
  qb: [random(500)],
  erasing: [true],
  erased: [seal(Erased)],
  key: [key],
  removed: [[the('member', Member)]],
  seq: [812],
  seen: [
    [
      [1, random(16), 812],
      [700, random(16), 3],
    ],
    [],
  ],
  quarantine: [{ e: 5, k: 3 }],
}
