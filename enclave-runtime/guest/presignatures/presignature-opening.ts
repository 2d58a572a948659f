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

const MAX_BYTES = 1024 // three short byte strings and at most 32 numbers
const MAX_SIGNERS = 16
const MAX_DEPTH = 16
const MAX_U32 = 0xffff_ffff

/** How a presignature is made: form (a) or (b), stopped before R3 (02 §6.1). */
export type MakingForm = typeof FORMS.full | typeof FORMS.correlated

/** What the owner of a presignature-to-be tells every other signer; all else each computes itself. */
export interface PresignatureOpening {
  /** 16 bytes. */
  readonly accountId: Uint8Array
  readonly keyId: Uint8Array
  readonly path: readonly number[]
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
    opening.accountId,
    opening.keyId,
    opening.path,
    opening.signers,
    opening.attempt,
    opening.form,
    opening.nonce,
    ENGINE_VERSION,
  ])

/** Throws `DecodeError`. */
export function decodePresignatureOpening(body: Uint8Array): PresignatureOpening {
  const fields = objectFields(decodeCanonical(body, MAX_BYTES), 'presign', 8)
  const [accountId, keyId, path, signers, attempt, form, nonce, engine] = fields
  if (form !== FORMS.full && form !== FORMS.correlated)
    throw new DecodeError('a form that makes no presignature')
  if (engine !== ENGINE_VERSION) throw new DecodeError('another engine')
  return {
    accountId: bytesField(accountId, 'accountId', 16),
    keyId: bytesField(keyId, 'keyId', 32),
    path: listField(path, 'path', MAX_DEPTH).map((index) => uintField(index, 'index', MAX_U32)),
    signers: listField(signers, 'signers', MAX_SIGNERS).map((party) =>
      uintField(party, 'signer', 0xffff),
    ),
    attempt: uintField(attempt, 'attempt', MAX_U32),
    form,
    nonce: bytesField(nonce, 'nonce', 32),
  }
}
