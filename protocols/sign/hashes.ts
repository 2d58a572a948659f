import { tags } from '../crypto/tags.ts'
import { type Oracle, oracle } from '../crypto/transcript.ts'
import { u8 } from '../session/codec.ts'
import { type Guest, inOrder } from '../session/guest.ts'
import type { Form } from '../session/instance.ts'
import type { Name } from './messages.ts'

/** RO(sign-com; instanceId, guest, R_i, blind). */
export const commitmentTo = (
  instanceId: Uint8Array,
  guest: Uint8Array,
  R: Uint8Array,
  blind: Uint8Array,
  hash: Oracle = oracle,
): Uint8Array => hash(tags.signCommitment, 32, instanceId, guest, R, blind)

/** sid1 = RO(sign-sid; instanceId, u8 form, per signer: id, nonce, com, prefixes, corrIds) (02 §6.1). */
export const sid1Of = (
  instanceId: Uint8Array,
  form: Form,
  guests: readonly Guest[],
  commitOf: (guest: Guest) => Name,
  hash: Oracle = oracle,
): Uint8Array =>
  hash(
    tags.signSid,
    32,
    instanceId,
    u8(form),
    ...inOrder(guests).flatMap((guest) => {
      const { nonce, commitment, prefixes, correlationIds } = commitOf(guest)
      return [guest.id, nonce, commitment, prefixes, correlationIds]
    }),
  )

/** presigId = RO(presig-id; sid1, R). */
export const presignatureIdOf = (
  sid1: Uint8Array,
  R: Uint8Array,
  hash: Oracle = oracle,
): Uint8Array => hash(tags.presignatureId, 16, sid1, R)

/** onlineSid = RO(online-sid; presigId, keyId, P', digest, requestDigest). */
export const onlineSidOf = (
  presignatureId: Uint8Array,
  keyId: Uint8Array,
  publicKey: Uint8Array,
  digest: Uint8Array,
  requestDigest: Uint8Array,
  hash: Oracle = oracle,
): Uint8Array => hash(tags.onlineSid, 32, presignatureId, keyId, publicKey, digest, requestDigest)
