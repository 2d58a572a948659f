import { concatBytes } from '@noble/hashes/utils.js'
import { tags } from '../crypto/tags.ts'
import { oracle } from '../crypto/transcript.ts'
import { u8, u16, u32 } from './codec.ts'
import { type Guest, inOrder } from './guest.ts'

/** What a session is for (02 §11); the same numbers stand in deal-sid. 2 is not assigned. */
export const KINDS = {
  pairSetup: 1,
  correlations: 3,
  keygen: 4,
  reshare: 5,
  import: 6,
  presignature: 7,
  signature: 8,
} as const

export type Kind = (typeof KINDS)[keyof typeof KINDS]

/** How a signature comes about (02 §6): (a) in full, (b) from correlations, (c) from a presignature. */
export const FORMS = { none: 0, full: 1, correlated: 2, presigned: 3, frost: 4 } as const

export type Form = (typeof FORMS)[keyof typeof FORMS]

/** `params` of kinds 4–6. */
export interface DealParameters {
  readonly curve: number
  readonly threshold: number
  readonly count: number
  readonly chunk: number
  readonly subAttempt: number
}

/** Everything that makes a session this one; what a kind lacks is left out. */
export interface InstanceFields {
  readonly kind: Kind
  readonly networkId: Uint8Array
  readonly epochId: Uint8Array
  /** In order of b, 32 bytes each. */
  readonly keyIds?: readonly Uint8Array[]
  readonly path?: readonly number[]
  /** P', 33 bytes; 33 zero bytes where there is none. */
  readonly publicKey?: Uint8Array
  /** A plain list; for kinds 4–6 dealers, receivers, and the device's id if one takes part. */
  readonly participants:
    | readonly Guest[]
    | {
        readonly dealers: readonly Guest[]
        readonly receivers: readonly Guest[]
        readonly device?: Uint8Array
      }
  readonly params?: DealParameters
  readonly form: Form
  /** The `binding` of the request (05 §3.4). */
  readonly requestDigest?: Uint8Array
  readonly digest?: Uint8Array
  readonly attempt: number
  /** 32 bytes from the opening message. */
  readonly coordinatorNonce: Uint8Array
}

const NOTHING = new Uint8Array()
const NO_POINT = new Uint8Array(33)

/**
 * instanceId (02 §11), 32 bytes: the session field of envelopes. Each guest computes it from its own
 * view; only attempt and coordinator nonce come from the opening message.
 */
export function instanceId(fields: InstanceFields): Uint8Array {
  const { keyIds, path, participants, params } = fields
  return oracle(
    tags.instance,
    32,
    u8(fields.kind),
    exact(fields.networkId, 32),
    exact(fields.epochId, 32),
    keyIds === undefined ? NOTHING : list(keyIds.map((keyId) => exact(keyId, 32))),
    path === undefined ? NOTHING : concatBytes(u8(path.length), ...path.map(u32)),
    exact(fields.publicKey ?? NO_POINT, 33),
    'dealers' in participants
      ? concatBytes(
          guestList(participants.dealers),
          guestList(participants.receivers),
          guestList(participants.device ? [{ index: 0, id: participants.device }] : []),
        )
      : guestList(participants),
    params === undefined ? NOTHING : dealParameters(params),
    u8(fields.form),
    fields.requestDigest ?? NOTHING,
    fields.digest ?? NOTHING,
    u32(fields.attempt),
    exact(fields.coordinatorNonce, 32),
  )
}

const list = (items: readonly Uint8Array[]): Uint8Array => concatBytes(u16(items.length), ...items)

const guestList = (guests: readonly Guest[]): Uint8Array =>
  list(inOrder(guests).map(({ index, id }) => concatBytes(u16(index), exact(id, 32))))

const dealParameters = ({ curve, threshold, count, chunk, subAttempt }: DealParameters) =>
  concatBytes(u8(curve), u16(threshold), u16(count), u32(chunk), u16(subAttempt))

function exact(bytes: Uint8Array, length: number): Uint8Array {
  if (bytes.length !== length) throw new Error(`bug: ${bytes.length} bytes, not ${length}`)
  return bytes
}
