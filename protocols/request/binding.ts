import { objectTags } from '../crypto/tags.ts'
import { objectHash } from '../crypto/transcript.ts'
import { encodeCanonical } from '../session/canonical-cbor.ts'

/** Semantics version of checks and policy; guests with another do not sign together (05 §3.2). */
export const ENGINE_VERSION = 1

/** All that the signers of one session must agree on before any secret is used (05 §3.4). */
export interface SessionBinding {
  readonly networkId: Uint8Array
  /** Number of the epoch, 0 without epochs. */
  readonly epoch: number
  /** Request digest, 32 bytes. */
  readonly digest: Uint8Array
  readonly intentDigest: Uint8Array
  /** What the key signs, 32 bytes. */
  readonly chainDigest: Uint8Array
  readonly keyId: Uint8Array
  readonly path: readonly number[]
  readonly policyHash: Uint8Array
  readonly engine: number
  /** Member indices, in any order. */
  readonly signers: readonly number[]
  readonly attempt: number
  readonly presignatureId: Uint8Array | null
}

/** Binding of a session (05 §3.4), 32 bytes: the `requestDigest` of instanceId (02 §11). */
export function sessionBinding(binding: SessionBinding): Uint8Array {
  const signers = binding.signers.toSorted((a, b) => a - b)
  if (new Set(signers).size !== signers.length) throw new Error('bug: a signer named twice')
  return objectHash(
    objectTags.session,
    encodeCanonical([
      binding.networkId,
      binding.epoch,
      binding.digest,
      binding.intentDigest,
      binding.chainDigest,
      binding.keyId,
      binding.path,
      binding.policyHash,
      binding.engine,
      signers,
      binding.attempt,
      binding.presignatureId,
    ]),
  )
}
