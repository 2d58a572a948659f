import { ed25519 } from '@noble/curves/ed25519.js'
import {
  certificateMessage,
  type KeyCertificate,
  verifyKeyCertificate,
} from '../../../protocols/keygen/key-certificate.ts'
import type { PartyIndex } from '../../../protocols/session/faults.ts'
import { type Committee, guestOf } from '../committee.ts'
import type { Signatures } from './held-keys.ts'
import type { PendingBatch } from './pending-batch.ts'

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

/** Whether a quorum certified this batch, which is the pending one. */
export function certifies(
  committee: Committee,
  signatures: Signatures,
  { transcript }: Pick<PendingBatch, 'transcript'>,
): boolean {
  const parties = new Set(signatures.map(([party]) => party))
  if (parties.size !== signatures.length || parties.size < committee.quorum) return false
  return signatures.every(([party, signature]) =>
    isCertification(committee, party, transcript, signature),
  )
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

/** K4 signatures as a certificate lists them: in order, strictly increasing. */
export const inPartyOrder = (signatures: ReadonlyMap<PartyIndex, Uint8Array>): Signatures =>
  [...signatures].sort(([a], [b]) => a - b)
