import { ed25519 } from '@noble/curves/ed25519.js'
import { concatBytes, utf8ToBytes } from '@noble/hashes/utils.js'
import { objectTags } from '../crypto/tags.ts'
import { objectHash } from '../crypto/transcript.ts'

/** Objects that guests and operators sign, by their type name (03 §1.1). */
export type SignedType =
  | 'node'
  | 'member'
  | 'ban'
  | 'join'
  | 'leave'
  | 'proposal'
  | 'answer'
  | 'start'
  | 'ready'
  | 'fault'
  | 'preflight'
  | 'preflightAns'
  | 'freeze'
  | 'frozen'
  | 'tail'
  | 'close'
  | 'active'
  | 'erased'
  | 'held'
  | 'beat'
  | 'head'
  | 'letter'
  | 'qb'
  | 'ticket'
  | 'entryKey'

/** The message that is signed: "holdfast/guest/" type "/1" 00 networkId H(type; object) (03 §1.1). */
export const signedMessage = (
  type: SignedType,
  networkId: Uint8Array,
  objectBytes: Uint8Array,
): Uint8Array =>
  concatBytes(
    utf8ToBytes(`holdfast/guest/${type}/1\0`),
    networkId,
    objectHash(objectTags[type], objectBytes),
  )

/** Whether `signature` is that of `publicKey` over the object. Any malformed key or signature is false. */
export function verifySigned(
  type: SignedType,
  networkId: Uint8Array,
  objectBytes: Uint8Array,
  publicKey: Uint8Array,
  signature: Uint8Array,
): boolean {
  if (publicKey.length !== 32 || signature.length !== 64) return false
  const message = signedMessage(type, networkId, objectBytes)
  return ed25519.verify(signature, message, publicKey, { zip215: false })
}
