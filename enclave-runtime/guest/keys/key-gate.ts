import type { KeyCertificate } from '../../../protocols/keygen/key-certificate.ts'

/** What the epoch protocol has to say about keys that are being made (03 §6.1): none is lost in a change of epoch once its address was told. */
export interface KeyGate {
  /** Whether this member may sign K4 now: not while it is frozen. */
  mayCertify(): boolean
  /** Whether a quorum of members holds the certificate of this key, durably. */
  isReleased(keyId: Uint8Array): boolean
  /**
   * Gives all members these certificates. Whether a quorum holds each of them within `ms`: only then may an address be
   * told. May be asked again, for the same keys too.
   */
  release(certificates: readonly KeyCertificate[], ms: number): Promise<boolean>
}

/** Of a committee that never changes: nothing is frozen, and no key can be lost. */
export const openGate: KeyGate = {
  mayCertify: () => true,
  isReleased: () => true,
  release: async () => true,
}
