import { bytesField, objectFields, uintField } from '../../../protocols/agreement/fields.ts'
import { decodeCanonical, encodeCanonical } from '../../../protocols/session/canonical-cbor.ts'
import { DecodeError } from '../../../protocols/session/codec.ts'
import type { PartyIndex } from '../../../protocols/session/faults.ts'
import { type Signatures, signaturesField } from './held-keys.ts'
import { MAX_BATCH } from './pending-batch.ts'

const MAX_BYTES = 8 * 1024 // 16 proofs, 16 signatures
const MAX_INDEX = 0xffff
const PROOF_BYTES = 65

/** Whose run made the batch: that of an account, or of the owner of ready keys. */
export type RunOf = { readonly accountId: Uint8Array } | { readonly owner: PartyIndex }

/** "What became of these keys?", with the asker's own proof of its shares, if it may give one. */
export interface CertificateAsk {
  readonly of: RunOf
  /** T. */
  readonly transcript: Uint8Array
  /** 65 bytes per key of the batch. */
  readonly proof: Uint8Array | null
}

/**
 * `certified`: here are a quorum's signatures. `pending`: I hold them too, here are my proof and, once I have
 * all proofs, my K4. `busy`: a run for the same goes on. `unknown`: I hold no such keys and never will.
 */
export interface CertificateAnswer {
  readonly transcript: Uint8Array
  readonly state: 'certified' | 'pending' | 'busy' | 'unknown'
  readonly proof: Uint8Array | null
  readonly signature: Uint8Array | null
  readonly signatures: Signatures | null
}

const STATES = ['certified', 'pending', 'busy', 'unknown'] as const

export const encodeAsk = ({ of, transcript, proof }: CertificateAsk): Uint8Array =>
  encodeCanonical(['ask', 1, 'owner' in of ? of.owner : of.accountId, transcript, proof])

/** Throws `DecodeError`. */
export function decodeAsk(body: Uint8Array): CertificateAsk {
  const [of, transcript, proof] = objectFields(decodeCanonical(body, MAX_BYTES), 'ask', 3)
  return {
    of:
      typeof of === 'number'
        ? { owner: uintField(of, 'owner', MAX_INDEX) }
        : { accountId: bytesField(of, 'accountId', 16) },
    transcript: bytesField(transcript, 'transcript', 32),
    proof: proofField(proof),
  }
}

export const encodeAnswer = (answer: CertificateAnswer): Uint8Array =>
  encodeCanonical([
    'answer',
    1,
    answer.transcript,
    answer.state,
    answer.proof,
    answer.signature,
    answer.signatures,
  ])

/** Throws `DecodeError`. */
export function decodeAnswer(body: Uint8Array): CertificateAnswer {
  const [transcript, told, proof, signature, signatures] = objectFields(
    decodeCanonical(body, MAX_BYTES),
    'answer',
    5,
  )
  const state = STATES.find((known) => known === told)
  if (state === undefined) throw new DecodeError('unknown state')
  return {
    transcript: bytesField(transcript, 'transcript', 32),
    state,
    proof: proofField(proof),
    signature: signature === null ? null : bytesField(signature, 'signature', 64),
    signatures: signatures === null ? null : signaturesField(signatures),
  }
}

function proofField(value: unknown): Uint8Array | null {
  if (value === null) return null
  const whole = value instanceof Uint8Array && value.length % PROOF_BYTES === 0
  if (!whole || value.length > PROOF_BYTES * MAX_BATCH) throw new DecodeError('not a proof')
  return value
}
