import {
  bytesField,
  listField,
  objectFields,
  textField,
  uintField,
} from '../../../protocols/agreement/fields.ts'
import { decodeCanonical, encodeCanonical } from '../../../protocols/session/canonical-cbor.ts'
import { DecodeError } from '../../../protocols/session/codec.ts'
import type { PartyIndex } from '../../../protocols/session/faults.ts'
import type { SignedDomain, Statement } from './domains.ts'

/** The first item of an opening of a signature by the root key. */
export const ROOT = 'root'

const MAX_BYTES = 512 // a domain, five short fields, 16 indices, two hashes
const MAX_SIGNERS = 16
const MAX_DOMAIN_CHARS = 32
const MAX_INDEX = 0xffff

/** What the leader of such a signature tells every other signer; each computes the digest itself. */
export interface RootOpening {
  readonly statement: Statement
  readonly signers: readonly PartyIndex[]
  /** Coordinator nonce, 32 bytes. */
  readonly nonce: Uint8Array
}

export const encodeRootOpening = ({ statement, signers, nonce }: RootOpening): Uint8Array =>
  encodeCanonical([ROOT, 1, statement.domain, encodeFields(statement), signers, nonce])

/** Throws `DecodeError`, also for a domain under which nothing is signed. */
export function decodeRootOpening(body: Uint8Array): RootOpening {
  const value = decodeCanonical(body, MAX_BYTES)
  const [domain, fields, signers, nonce] = objectFields(value, ROOT, 4)
  return {
    statement: statementOf(textField(domain, 'domain', MAX_DOMAIN_CHARS), fields),
    signers: signersField(signers),
    nonce: bytesField(nonce, 'nonce', 32),
  }
}

export const signersField = (value: unknown): PartyIndex[] =>
  listField(value, 'signers', MAX_SIGNERS).map((party) => uintField(party, 'signer', MAX_INDEX, 1))

function encodeFields({ domain, fields }: Statement): readonly unknown[] {
  if (domain === 'canary') return [fields.nonce]
  if (domain !== 'stamp') return [fields.recordHash]
  const { committeeId, e, recordHash, issuedAt, validUntil } = fields
  return [committeeId, e, recordHash, issuedAt, validUntil]
}

function statementOf(domain: string, value: unknown): Statement {
  const known = domain as SignedDomain // the cases below are all there are
  switch (known) {
    case 'epoch-active':
    case 'epoch-test': {
      const [recordHash] = fieldsOf(value, 1)
      return { domain: known, fields: { recordHash: bytesField(recordHash, 'recordHash', 32) } }
    }
    case 'canary': {
      const [nonce] = fieldsOf(value, 1)
      return { domain: known, fields: { nonce: bytesField(nonce, 'nonce', 32) } }
    }
    case 'stamp': {
      const [committeeId, e, recordHash, issuedAt, validUntil] = fieldsOf(value, 5)
      return {
        domain: known,
        fields: {
          committeeId: bytesField(committeeId, 'committeeId', 32),
          e: uintField(e, 'e'),
          recordHash: bytesField(recordHash, 'recordHash', 32),
          issuedAt: uintField(issuedAt, 'issuedAt'),
          validUntil: uintField(validUntil, 'validUntil'),
        },
      }
    }
    default:
      throw new DecodeError('a domain under which nothing is signed')
  }
}

function fieldsOf(value: unknown, count: number): readonly unknown[] {
  const fields = listField(value, 'fields', count)
  if (fields.length !== count) throw new DecodeError(`not ${count} fields`)
  return fields
}
