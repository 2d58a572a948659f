import type { KeyProof, PublicKey } from '../../protocols/request/proofs.ts'

/** Approves requests: proves over the digest of one exact request (05 §2.2). */
export interface Signer {
  readonly kind: 'key'
  /** What an account is created with, so that this signer may approve for it. */
  readonly credential: PublicKey
  prove(digest: Uint8Array): Promise<readonly KeyProof[]>
}
