import { ed25519 } from '@noble/curves/ed25519.js'
import { verifyClientSignature } from './client-key.ts'
import { verifyPasskeySignature } from './passkey.ts'

/**
 * How signatures are verified. A guest may have faster means, but with the same answer to everything: all
 * guests must agree on each signature, malformed ones included.
 */
export interface SignatureVerifier {
  readonly client: typeof verifyClientSignature
  readonly passkey: typeof verifyPasskeySignature
  /** Ed25519 of a guest, RFC 8032 without the leniency of ZIP 215. */
  readonly guest: (publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array) => boolean
}

/** The verifications of this room. */
export const PURE_VERIFIER: SignatureVerifier = {
  client: verifyClientSignature,
  passkey: verifyPasskeySignature,
  guest: (publicKey, message, signature) =>
    ed25519.verify(signature, message, publicKey, { zip215: false }),
}

/** The guest key of a member whose tickets count; undefined for anybody else. */
export type GuestKeys = (member: number) => Uint8Array | undefined

/** Whose signatures count, and how they are verified. */
export interface Verification {
  readonly guestKeys: GuestKeys
  readonly verifier: SignatureVerifier
}
