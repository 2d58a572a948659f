import { bytesField, objectFields } from '../../../protocols/agreement/fields.ts'
import { decodeCanonical, encodeCanonical } from '../../../protocols/session/canonical-cbor.ts'
import { DecodeError } from '../../../protocols/session/codec.ts'

const MAX_BYTES = 66 * 1024 // a key certificate of 64 KiB and some hashes

/** "What became of this key?", with the asker's own proof of its share, if it may give one. */
export interface CertificateAsk {
  readonly accountId: Uint8Array
  readonly keyId: Uint8Array
  /** T. */
  readonly transcript: Uint8Array
  readonly proof: Uint8Array | null
}

/**
 * `certified`: here is the certificate. `pending`: I hold it too, here are my proof and, once I have all
 * proofs, my K4. `busy`: a run of that account goes on. `unknown`: I hold no such key and never will.
 */
export interface CertificateAnswer {
  readonly keyId: Uint8Array
  readonly state: 'certified' | 'pending' | 'busy' | 'unknown'
  readonly proof: Uint8Array | null
  readonly signature: Uint8Array | null
  readonly certificate: Uint8Array | null
}

const STATES = ['certified', 'pending', 'busy', 'unknown'] as const

export const encodeAsk = ({ accountId, keyId, transcript, proof }: CertificateAsk): Uint8Array =>
  encodeCanonical(['ask', 1, accountId, keyId, transcript, proof])

/** Throws `DecodeError`. */
export function decodeAsk(body: Uint8Array): CertificateAsk {
  const [accountId, keyId, transcript, proof] = objectFields(
    decodeCanonical(body, MAX_BYTES),
    'ask',
    4,
  )
  return {
    accountId: bytesField(accountId, 'accountId', 16),
    keyId: bytesField(keyId, 'keyId', 32),
    transcript: bytesField(transcript, 'transcript', 32),
    proof: proof === null ? null : bytesField(proof, 'proof', 65),
  }
}

export const encodeAnswer = (answer: CertificateAnswer): Uint8Array =>
  encodeCanonical([
    'answer',
    1,
    answer.keyId,
    answer.state,
    answer.proof,
    answer.signature,
    answer.certificate,
  ])

/** Throws `DecodeError`. */
export function decodeAnswer(body: Uint8Array): CertificateAnswer {
  const [keyId, told, proof, signature, certificate] = objectFields(
    decodeCanonical(body, MAX_BYTES),
    'answer',
    5,
  )
  const state = STATES.find((known) => known === told)
  if (state === undefined) throw new DecodeError('unknown state')
  if (certificate !== null && !(certificate instanceof Uint8Array))
    throw new DecodeError('the certificate is not bytes')
  return {
    keyId: bytesField(keyId, 'keyId', 32),
    state,
    proof: proof === null ? null : bytesField(proof, 'proof', 65),
    signature: signature === null ? null : bytesField(signature, 'signature', 64),
    certificate,
  }
}
