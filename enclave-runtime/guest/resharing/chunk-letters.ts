import {
  bytesField,
  listField,
  objectFields,
  uintField,
} from '../../../protocols/agreement/fields.ts'
import { decodeCanonical, encodeCanonical } from '../../../protocols/session/canonical-cbor.ts'
import { DecodeError } from '../../../protocols/session/codec.ts'
import type { PartyIndex } from '../../../protocols/session/faults.ts'
import { type Signatures, signaturesField } from '../keys/held-keys.ts'

/** Names of the letters about a chunk, first item of each body. */
export const JOIN = 'chunk join'
export const OPEN = 'chunk open'
export const DONE = 'chunk done'

/** The last sub-attempt of a chunk (03 §6.2). */
export const LAST_ATTEMPT = 3
const MAX_CHUNK = 0xffff_ffff
const MAX_INDEX = 0xffff
const MAX_MEMBERS = 16
const MAX_BYTES = 4 * 1024 // sixteen signatures and three short lists

/** What a sub-attempt is made with: all that those who take part have to agree on beside START. */
export interface SubAttempt {
  /** From 0. */
  readonly a: number
  /** Dealers that failed in those before, in that order. */
  readonly failed: readonly PartyIndex[]
  /** Old members of the new committee that lost their shares, rising: they are told of the keys as newcomers are. */
  readonly lost: readonly PartyIndex[]
}

/** To all who may take part, again and again: this member waits for sub-attempt a. */
export interface Join extends Pick<SubAttempt, 'a' | 'failed'> {
  readonly chunk: number
  /** Whom it blames for the end of the one before; 0: nobody. */
  readonly suspect: PartyIndex
  readonly isLost: boolean
}

/** From who coordinates the sub-attempt, to all who take part in it. */
export interface Open extends SubAttempt {
  readonly chunk: number
  /** 32 bytes. */
  readonly nonce: Uint8Array
}

/** To whoever still waits: the chunk is made. Who has stored the same T needs nothing else. */
export interface Done extends SubAttempt {
  readonly chunk: number
  /** T, 32 bytes. */
  readonly transcript: Uint8Array
  /** K4 of all who took part. */
  readonly signatures: Signatures
}

export const encodeJoin = ({ chunk, a, failed, suspect, isLost }: Join): Uint8Array =>
  encodeCanonical([JOIN, 1, chunk, a, failed, suspect, isLost ? 1 : 0])

export const encodeOpen = ({ chunk, a, failed, lost, nonce }: Open): Uint8Array =>
  encodeCanonical([OPEN, 1, chunk, a, failed, lost, nonce])

export const encodeDone = ({ chunk, a, failed, lost, transcript, signatures }: Done): Uint8Array =>
  encodeCanonical([DONE, 1, chunk, a, failed, lost, transcript, signatures])

/** Throws `DecodeError`. */
export function decodeJoin(body: Uint8Array): Join {
  const [chunk, a, failed, suspect, isLost] = fieldsOf(body, JOIN, 5)
  return {
    chunk: uintField(chunk, 'chunk', MAX_CHUNK),
    a: uintField(a, 'a', LAST_ATTEMPT),
    failed: indicesField(failed, 'failed'),
    suspect: uintField(suspect, 'suspect', MAX_INDEX),
    isLost: uintField(isLost, 'isLost', 1) === 1,
  }
}

/** Throws `DecodeError`. */
export function decodeOpen(body: Uint8Array): Open {
  const [chunk, a, failed, lost, nonce] = fieldsOf(body, OPEN, 5)
  return {
    chunk: uintField(chunk, 'chunk', MAX_CHUNK),
    ...subAttemptField(a, failed, lost),
    nonce: bytesField(nonce, 'nonce', 32),
  }
}

/** Throws `DecodeError`. */
export function decodeDone(body: Uint8Array): Done {
  const [chunk, a, failed, lost, transcript, signatures] = fieldsOf(body, DONE, 6)
  return {
    chunk: uintField(chunk, 'chunk', MAX_CHUNK),
    ...subAttemptField(a, failed, lost),
    transcript: bytesField(transcript, 'transcript', 32),
    signatures: signaturesField(signatures),
  }
}

export function subAttemptField(a: unknown, failed: unknown, lost: unknown): SubAttempt {
  const gone = indicesField(lost, 'lost')
  if (gone.some((index, at) => index <= (gone[at - 1] ?? 0))) throw new DecodeError('lost')
  return { a: uintField(a, 'a', LAST_ATTEMPT), failed: indicesField(failed, 'failed'), lost: gone }
}

const fieldsOf = (body: Uint8Array, name: string, count: number): readonly unknown[] =>
  objectFields(decodeCanonical(body, MAX_BYTES), name, count)

const indicesField = (value: unknown, name: string): readonly PartyIndex[] =>
  listField(value, name, MAX_MEMBERS).map((item) => uintField(item, name, MAX_INDEX, 1))
