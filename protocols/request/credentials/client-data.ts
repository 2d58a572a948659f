import { DecodeError } from '../../session/codec.ts'
import { fromBase64url } from '../base64url.ts'
import { parseJsonText } from '../intents/json-text.ts'
import { isPlainObject } from '../json-value.ts'

/** What a browser says it asked the authenticator for (WebAuthn §5.8.1); other members may be there. */
export interface ClientData {
  readonly type: string
  readonly challenge: Uint8Array
  readonly origin: string
  readonly crossOrigin: boolean
  readonly topOrigin: string | null
}

/** Five short members, and what browsers add to keep readers honest. */
export const MAX_CLIENT_DATA_BYTES = 4096

/** Throws `DecodeError` for bytes that are no UTF-8, no JSON, or JSON with a name that occurs twice. */
export function parseClientData(bytes: Uint8Array): ClientData {
  if (bytes.length > MAX_CLIENT_DATA_BYTES) throw new DecodeError('client data are too long')
  const value = parseJsonText(utf8Text(bytes))
  if (!isPlainObject(value)) throw new DecodeError('client data are no object')
  const { type, challenge, origin, crossOrigin = false, topOrigin = null } = value
  if (typeof type !== 'string' || typeof challenge !== 'string' || typeof origin !== 'string')
    throw new DecodeError('client data lack type, challenge or origin')
  if (typeof crossOrigin !== 'boolean') throw new DecodeError('crossOrigin is no boolean')
  if (topOrigin !== null && typeof topOrigin !== 'string')
    throw new DecodeError('topOrigin is no text')
  return { type, challenge: fromBase64url(challenge), origin, crossOrigin, topOrigin }
}

/** Bytes that are exactly one text in UTF-8, without a byte order mark to be skipped. */
export function utf8Text(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch (cause) {
    throw new DecodeError('not UTF-8', { cause })
  }
}
