import {
  bytesField,
  listField,
  objectFields,
  uintField,
} from '../../../protocols/agreement/fields.ts'
import {
  decodeKeyCertificate,
  encodeKeyCertificate,
  type KeyCertificate,
} from '../../../protocols/keygen/key-certificate.ts'
import type { PublicKey } from '../../../protocols/request/proofs.ts'
import { decodeCanonical, encodeCanonical } from '../../../protocols/session/canonical-cbor.ts'
import { DecodeError } from '../../../protocols/session/codec.ts'
import type { PartyIndex } from '../../../protocols/session/faults.ts'
import { MESSAGE_TYPES, type MessageType } from '../../../protocols/session/numbers.ts'
import type { Letter } from '../sessions/post.ts'
import { decodeCredential, encodeCredential } from './account.ts'

/** Accounts, or ready keys, of one answer: about 1 kB each. */
export const PAGE = 32
const MAX_ASK_BYTES = 128
const MAX_ANSWER_BYTES: number = 128 * 1024
const MAX_INDEX = 0xffff

/** An account as one member gives it to another. */
export interface ToldAccount {
  readonly id: Uint8Array
  readonly digest: Uint8Array
  readonly credential: PublicKey
  readonly certificate: KeyCertificate
}

/** A ready key as one member gives it to another. */
export interface ToldKey {
  readonly owner: PartyIndex
  readonly certificate: KeyCertificate
}

/** What is asked for: `accounts` by id, `keys` by key id, in rising order. */
export interface AccountAsk {
  readonly of: 'accounts' | 'keys'
  /** The last one that is known: 16 or 32 bytes, or none. */
  readonly after: Uint8Array
}

export interface AccountAnswer extends AccountAsk {
  readonly accounts: readonly ToldAccount[]
  readonly keys: readonly ToldKey[]
  /** Whether more follow these. */
  readonly more: boolean
}

const KINDS = ['accounts', 'keys'] as const

export const askLetter = ({ of, after }: AccountAsk): Letter =>
  letter(MESSAGE_TYPES.accountsAsk, encodeCanonical(['accountsAsk', 1, KINDS.indexOf(of), after]))

/** Throws `DecodeError`. */
export function decodeAsk(body: Uint8Array): AccountAsk {
  const [of, after] = objectFields(decodeCanonical(body, MAX_ASK_BYTES), 'accountsAsk', 2)
  return { of: kindField(of), after: cursorField(after) }
}

export const answerLetter = ({ of, after, accounts, keys, more }: AccountAnswer): Letter =>
  letter(
    MESSAGE_TYPES.accountsAnswer,
    encodeCanonical([
      'accountsAnswer',
      1,
      KINDS.indexOf(of),
      after,
      accounts.map(({ id, digest, credential, certificate }) => [
        id,
        digest,
        encodeCredential(credential),
        encodeKeyCertificate(certificate),
      ]),
      keys.map(({ owner, certificate }) => [owner, encodeKeyCertificate(certificate)]),
      more ? 1 : 0,
    ]),
  )

/** Throws `DecodeError`. */
export function decodeAnswer(body: Uint8Array): AccountAnswer {
  const [of, after, accounts, keys, more] = objectFields(
    decodeCanonical(body, MAX_ANSWER_BYTES),
    'accountsAnswer',
    5,
  )
  return {
    of: kindField(of),
    after: cursorField(after),
    accounts: listField(accounts, 'accounts', PAGE).map((item) => {
      const [id, digest, credential, certificate, ...rest] = listField(item, 'account', 4)
      if (rest.length > 0) throw new DecodeError('an account has more than four items')
      return {
        id: bytesField(id, 'id', 16),
        digest: bytesField(digest, 'digest', 32),
        credential: decodeCredential(credential),
        certificate: certificateField(certificate),
      }
    }),
    keys: listField(keys, 'keys', PAGE).map((item) => {
      const [owner, certificate, ...rest] = listField(item, 'key', 2)
      if (rest.length > 0) throw new DecodeError('a key has more than two items')
      return {
        owner: uintField(owner, 'owner', MAX_INDEX),
        certificate: certificateField(certificate),
      }
    }),
    more: uintField(more, 'more', 1) === 1,
  }
}

function kindField(value: unknown): AccountAsk['of'] {
  const kind = KINDS[uintField(value, 'of', 1)]
  if (kind === undefined) throw new DecodeError('neither accounts nor keys')
  return kind
}

function cursorField(value: unknown): Uint8Array {
  if (!(value instanceof Uint8Array) || ![0, 16, 32].includes(value.length))
    throw new DecodeError('after is no id')
  return value
}

function certificateField(value: unknown): KeyCertificate {
  if (!(value instanceof Uint8Array)) throw new DecodeError('a certificate is bytes')
  return decodeKeyCertificate(value)
}

const letter = (type: MessageType, body: Uint8Array): Letter => ({
  session: new Uint8Array(32),
  attempt: 0,
  round: 0,
  type,
  body,
})
