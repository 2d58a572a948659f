import { b16, b32, index, text, uint } from '../../agreement/objects/items.ts'
import {
  type Signed,
  type SignedCodec,
  signed,
  signedObject,
} from '../../agreement/objects/signed.ts'
import { signedMessage } from '../../agreement/signed-object.ts'
import { objectTags } from '../../crypto/tags.ts'
import { objectHash } from '../../crypto/transcript.ts'
import { type Codec, DecodeError } from '../../session/codec.ts'
import type { RequestCore } from '../core.ts'
import { RequestError } from '../errors.ts'
import { sameBytes } from './passkey.ts'
import type { Verification } from './signature-verifier.ts'

/** Proof of an entry guest that whoever holds it asked after `iat` (05 §2.1). */
export interface Ticket {
  readonly network: Uint8Array
  readonly scope: Uint8Array
  readonly purpose: string
  /** 16 bytes, random. */
  readonly nonce: Uint8Array
  /** Unix seconds. */
  readonly iat: number
  /** `iat + 300`. */
  readonly exp: number
  /** Index of the member that signed it. */
  readonly guest: number
}

export const TICKET_SECONDS = 300
/** Clocks of guests and clients may differ by as much (05 §3.3 row 6). */
const SKEW_SECONDS = 30
const MAX_PURPOSE_CHARS = 32

export const Ticket: SignedCodec<Ticket> = signedObject<Ticket>(
  'ticket',
  {
    network: b32,
    scope: b16,
    purpose: text(MAX_PURPOSE_CHARS),
    nonce: b16,
    iat: uint,
    exp: uint,
    guest: index,
  },
  {
    check: ({ iat, exp }) => {
      if (exp !== iat + TICKET_SECONDS) throw new DecodeError('a ticket is good for 300 seconds')
    },
  },
)

/** A ticket with the signature of its guest, as it travels. */
export const SignedTicket: Codec<Signed<Ticket>> = signed(Ticket)

/** What the core of a request carries of its ticket, 32 bytes. */
export const ticketHash = ({ objectBytes }: Signed<Ticket>): Uint8Array =>
  objectHash(objectTags.ticket, objectBytes)

/**
 * The ticket of a request (row 11 of 05 §3.3): named by the core, of this network, scope and purpose,
 * signed by a member, and the request dated within its life. `now` is null where an old request is
 * looked at again, which a capability is. Throws CHALLENGE_EXPIRED.
 */
export function checkTicket(
  bytes: Uint8Array | null,
  core: RequestCore,
  purpose: string,
  { guestKeys, verifier }: Verification,
  now: number | null,
): Ticket {
  const ticket = readTicket(bytes)
  const { object } = ticket
  const key = guestKeys(object.guest)
  const holds =
    core.ticketHash !== null &&
    sameBytes(core.ticketHash, ticketHash(ticket)) &&
    sameBytes(object.network, core.networkId) &&
    sameBytes(object.scope, core.scopeId) &&
    object.purpose === purpose &&
    core.iat >= object.iat - SKEW_SECONDS &&
    core.iat <= object.exp &&
    (now === null || (object.iat <= now + SKEW_SECONDS && now < object.exp)) &&
    key !== undefined &&
    verifier.guest(
      key,
      signedMessage('ticket', core.networkId, ticket.objectBytes),
      ticket.signature,
    )
  if (!holds) throw new RequestError('CHALLENGE_EXPIRED')
  return object
}

function readTicket(bytes: Uint8Array | null): Signed<Ticket> {
  if (bytes === null) throw new RequestError('CHALLENGE_EXPIRED', 'no ticket')
  try {
    return SignedTicket.decode(bytes)
  } catch (cause) {
    if (!(cause instanceof DecodeError)) throw cause
    throw new RequestError('CHALLENGE_EXPIRED', 'not a ticket', { cause })
  }
}
