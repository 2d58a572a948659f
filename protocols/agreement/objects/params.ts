import { b32, MAX_MEMBERS, nullable, uint, uintUpTo } from './items.ts'
import { type ObjectCodec, object } from './object-codec.ts'

/** Parameters of a network (03 §1.2). `…S` are seconds, `…Ms` milliseconds. */
export interface Params {
  /** The threshold of the record it stands in. */
  readonly t: number
  readonly maxMembers: number
  readonly refreshS: number
  readonly stampS: number
  readonly drainMs: number
  readonly acceptTtlMs: number
  /** 32 bytes. */
  readonly attestPolicyHash: Uint8Array | null
  readonly setupsPerHour: number
}

export const Params: ObjectCodec<Params> = object<Params>('params', {
  t: uintUpTo(0xffff),
  maxMembers: uintUpTo(MAX_MEMBERS),
  refreshS: uint,
  stampS: uint,
  drainMs: uint,
  acceptTtlMs: uint,
  attestPolicyHash: nullable(b32),
  setupsPerHour: uint,
})
