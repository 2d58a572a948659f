import {
  b16,
  b32,
  index,
  indices,
  list,
  MAX_MEMBERS,
  nullable,
  ordinal,
  text,
  uint,
  uintUpTo,
} from './items.ts'
import type { Field } from './object-codec.ts'
import { type SignedCodec, signedObject } from './signed.ts'

/** Why a new member cannot finish an attempt (03 §1.2). */
export const FAULT_CODES = {
  restarted: 1,
  otherStart: 2,
  chunk: 3,
  disk: 4,
  tail: 5,
  pairSetup: 6,
  proof: 7,
  subset: 8,
} as const

export type FaultCode = (typeof FAULT_CODES)[keyof typeof FAULT_CODES]

/** Object `fault` of 03 §1.2: its signer will not be READY in this attempt, which lets it end at once. */
export interface AttemptFault {
  readonly committeeId: Uint8Array
  /** The epoch that is attempted. */
  readonly e: number
  readonly k: number
  readonly code: FaultCode
  /** The member that it is about, or 0. */
  readonly about: number
  readonly evidenceHash: Uint8Array | null
  readonly index: number
}

const faultCode: Field<FaultCode> = {
  write: (code) => code,
  read: (item, name) => {
    const code = ordinal.read(item, name)
    return uintUpTo(FAULT_CODES.subset).read(code, name) as FaultCode
  },
}

export const AttemptFault: SignedCodec<AttemptFault> = signedObject<AttemptFault>('fault', {
  committeeId: b32,
  e: uint,
  k: ordinal,
  code: faultCode,
  about: uintUpTo(0xffff),
  evidenceHash: nullable(b32),
  index,
})

/** The initiator asks whether attempt k would find everybody fit (03 §4.1 S3). */
export interface Preflight {
  readonly committeeId: Uint8Array
  readonly baseHash: Uint8Array
  readonly proposalHash: Uint8Array
  readonly k: number
  /** 16 bytes. */
  readonly nonce: Uint8Array
  readonly index: number
}

export const Preflight: SignedCodec<Preflight> = signedObject<Preflight>('preflight', {
  committeeId: b32,
  baseHash: b32,
  proposalHash: b32,
  k: ordinal,
  nonce: b16,
  index,
})

export interface PreflightAns {
  /** That of the question, 16 bytes. */
  readonly nonce: Uint8Array
  /** Why it is not fit, at most 16 of 128 characters; none = fit. */
  readonly reasons: readonly string[]
  readonly protocol: number
  /** Its clock, unix milliseconds. */
  readonly time: number
  readonly freeBytes: number
  readonly evidenceHash: Uint8Array
  /** Members with which its pair setup is banned. */
  readonly banned: readonly number[]
  readonly index: number
}

const MAX_REASONS = 16
const MAX_REASON_CHARS = 128

export const PreflightAns: SignedCodec<PreflightAns> = signedObject<PreflightAns>('preflightAns', {
  nonce: b16,
  reasons: list(text(MAX_REASON_CHARS), MAX_REASONS),
  protocol: uintUpTo(0xffff),
  time: uint,
  freeBytes: uint,
  evidenceHash: b32,
  banned: indices(MAX_MEMBERS),
  index,
})
