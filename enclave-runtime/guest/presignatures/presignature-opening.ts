import {
  bytesField,
  listField,
  objectFields,
  uintField,
} from '../../../protocols/agreement/fields.ts'
import { ENGINE_VERSION } from '../../../protocols/request/binding.ts'
import { decodeCanonical, encodeCanonical } from '../../../protocols/session/canonical-cbor.ts'
import { DecodeError } from '../../../protocols/session/codec.ts'
import type { PartyIndex } from '../../../protocols/session/faults.ts'
import { FORMS } from '../../../protocols/session/instance.ts'

const MAX_BYTES = 4096 // sixteen names of keys, a nonce and a few numbers
const MAX_SIGNERS = 16
const MAX_DEPTH = 16
const MAX_U32 = 0xffff_ffff

/** How a presignature is made: form (a) or (b), stopped before R3 (02 §6.1). */
export type MakingForm = typeof FORMS.full | typeof FORMS.correlated

/** How many are made in one session: a few milliseconds of each guest in each of its steps. */
export const MAX_PRESIGNED = 16

/** Which key one presignature is for. */
export interface PresignatureKey {
  /** 16 bytes. */
  readonly accountId: Uint8Array
  readonly keyId: Uint8Array
  readonly path: readonly number[]
}

/** What the owner of presignatures-to-be tells every other signer; all else each computes itself. */
export interface PresignatureOpening {
  /** In form (b) up to `MAX_PRESIGNED`, in form (a) one; a key may come more than once. */
  readonly keys: readonly PresignatureKey[]
  readonly signers: readonly PartyIndex[]
  readonly attempt: number
  readonly form: MakingForm
  /** Coordinator nonce, 32 bytes. */
  readonly nonce: Uint8Array
}

export const encodePresignatureOpening = (opening: PresignatureOpening): Uint8Array =>
  encodeCanonical([
    'presign',
    1,
    opening.keys.map(({ accountId, keyId, path }) => [accountId, keyId, path]),
    opening.signers,
    opening.attempt,
    opening.form,
    opening.nonce,
    ENGINE_VERSION,
  ])

/** Throws `DecodeError`. */
export function decodePresignatureOpening(body: Uint8Array): PresignatureOpening {
  const fields = objectFields(decodeCanonical(body, MAX_BYTES), 'presign', 6)
  const [keys, signers, attempt, form, nonce, engine] = fields
  if (form !== FORMS.full && form !== FORMS.correlated)
    throw new DecodeError('a form that makes no presignature')
  if (engine !== ENGINE_VERSION) throw new DecodeError('another engine')
  const named = listField(keys, 'keys', form === FORMS.full ? 1 : MAX_PRESIGNED).map(keyIn)
  if (named.length === 0) throw new DecodeError('a presignature of no key')
  return {
    keys: named,
    signers: listField(signers, 'signers', MAX_SIGNERS).map((party) =>
      uintField(party, 'signer', 0xffff),
    ),
    attempt: uintField(attempt, 'attempt', MAX_U32),
    form,
    nonce: bytesField(nonce, 'nonce', 32),
  }
}

function keyIn(value: unknown): PresignatureKey {
  const [accountId, keyId, path] = listField(value, 'key', 3)
  return {
    accountId: bytesField(accountId, 'accountId', 16),
    keyId: bytesField(keyId, 'keyId', 32),
    path: listField(path, 'path', MAX_DEPTH).map((index) => uintField(index, 'index', MAX_U32)),
  }
}
