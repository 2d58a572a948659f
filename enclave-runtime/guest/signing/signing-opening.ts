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
import { FROM_CORRELATIONS, fromPresignature, IN_FULL, type Manner } from './manner.ts'

const MAX_BYTES = 616 * 1024 // a request of 600 KiB and a few numbers
const MAX_BUDGET_MS = 600_000
const MAX_SIGNERS = 16
const MAX_DEPTH = 16
const MAX_U32 = 0xffff_ffff

/** What the leader of a signature tells every other signer (05 §3.2); all else each computes itself. */
export interface SigningOpening {
  /** The whole request with its proofs. */
  readonly request: Uint8Array
  readonly keyId: Uint8Array
  readonly path: readonly number[]
  readonly signers: readonly PartyIndex[]
  readonly attempt: number
  readonly manner: Manner
  /** Coordinator nonce, 32 bytes. */
  readonly nonce: Uint8Array
  /** Unix seconds. */
  readonly evalTime: number
  readonly budgetMs: number
}

/** Deviation: core and proofs of 05 §3.2 travel as one field; ticket, heads and agreed data are empty. */
export const encodeSigningOpening = (opening: SigningOpening): Uint8Array =>
  encodeCanonical([
    'sign',
    1,
    opening.request,
    null,
    opening.keyId,
    opening.path,
    opening.signers,
    opening.attempt,
    opening.manner.form,
    opening.manner.presignature,
    opening.nonce,
    opening.evalTime,
    [],
    null,
    ENGINE_VERSION,
    opening.budgetMs,
  ])

/** Throws `DecodeError`. */
export function decodeSigningOpening(body: Uint8Array): SigningOpening {
  const fields = objectFields(decodeCanonical(body, MAX_BYTES), 'sign', 14)
  const [request, ticket, keyId, path, signers, attempt, form, presignature, nonce] = fields
  const [evalTime, heads, agreed, engine, budgetMs] = fields.slice(9)
  if (!(request instanceof Uint8Array)) throw new DecodeError('no request')
  if (ticket !== null || agreed !== null)
    throw new DecodeError('a form of opening that this version does not know')
  if (listField(heads, 'heads', 0).length > 0 || engine !== ENGINE_VERSION)
    throw new DecodeError('another engine')
  const parties = listField(signers, 'signers', MAX_SIGNERS)
  return {
    request,
    keyId: bytesField(keyId, 'keyId', 32),
    path: listField(path, 'path', MAX_DEPTH).map((index) => uintField(index, 'index', MAX_U32)),
    signers: parties.map((party) => uintField(party, 'signer', 0xffff)),
    attempt: uintField(attempt, 'attempt', MAX_U32),
    manner: mannerOf(form, presignature),
    nonce: bytesField(nonce, 'nonce', 32),
    evalTime: uintField(evalTime, 'evalTime'),
    budgetMs: uintField(budgetMs, 'budgetMs', MAX_BUDGET_MS),
  }
}

/** A presignature is named in form (c), and in no other. */
function mannerOf(form: unknown, presignature: unknown): Manner {
  if (form === FORMS.presigned)
    return fromPresignature(bytesField(presignature, 'presignature', 16))
  if (presignature !== null) throw new DecodeError('a presignature that the form does not use')
  if (form === FORMS.full) return IN_FULL
  if (form === FORMS.correlated) return FROM_CORRELATIONS
  throw new DecodeError('a form of signature that this version does not know')
}
