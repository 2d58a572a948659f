import { ed25519 } from '@noble/curves/ed25519.js'
import {
  certificateMessage,
  type KeyCertificate,
  verifyKeyCertificate,
} from '../../../protocols/keygen/key-certificate.ts'
import type { PartyIndex } from '../../../protocols/session/faults.ts'
import { type Committee, guestOf } from '../committee.ts'
import type { PendingKey } from './pending-key.ts'

/** Whether this is member `from`'s K4 signature over T. */
export function isCertification(
  committee: Committee,
  from: PartyIndex,
  transcript: Uint8Array,
  signature: Uint8Array,
): boolean {
  const id = guestOf(committee, from)?.id
  if (id === undefined || signature.length !== 64) return false
  const message = certificateMessage(committee.networkId, transcript)
  return ed25519.verify(signature, message, id, { zip215: false })
}

/** Whether a quorum certified this key, which is the pending one. */
export function certifies(
  committee: Committee,
  certificate: KeyCertificate,
  pending: PendingKey,
): boolean {
  const same =
    equal(certificate.keyId, pending.key.keyId) &&
    equal(certificate.publicKey, pending.key.publicKey) &&
    equal(certificate.chainCode, pending.key.chainCode) &&
    equal(certificate.commitment, pending.key.commitment) &&
    equal(certificate.pub, pending.pub)
  return same && isValidCertificate(committee, certificate)
}

/** Whether a quorum of this committee certified this key. */
export const isValidCertificate = (
  { networkId, committeeId, epochId, guests, quorum, threshold }: Committee,
  certificate: KeyCertificate,
): boolean =>
  certificate.t === threshold &&
  verifyKeyCertificate(certificate, {
    networkId,
    committeeId,
    epochId,
    members: guests.map(({ index, id }) => ({ index, guestSig: id })),
    quorum,
  })

/** The certificate of a pending key from K4 signatures; undefined while they are fewer than a quorum. */
export function certificateFrom(
  { committeeId, epochId, quorum }: Committee,
  { key, pub }: PendingKey,
  signatures: ReadonlyMap<PartyIndex, Uint8Array>,
): KeyCertificate | undefined {
  if (signatures.size < quorum) return undefined
  const { keyId, curve, t, publicKey, chainCode, commitment, record } = key
  return {
    committeeId,
    epochId,
    keyId,
    curve,
    t,
    publicKey,
    chainCode,
    commitment,
    deviceKey: new Uint8Array(),
    pub,
    records: [record],
    signatures: [...signatures].sort(([a], [b]) => a - b),
  }
}

const equal = (a: Uint8Array, b: Uint8Array): boolean => Buffer.from(a).equals(b)
