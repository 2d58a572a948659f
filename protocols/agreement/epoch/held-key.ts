/** A key with its certificate, as the epoch protocol passes it on: what the certificate says in full is in 03 §1.2. */
export interface HeldKey {
  /** 32 bytes. */
  readonly keyId: Uint8Array
  /** The epoch in which it was made (03 §1.2). */
  readonly epochId: Uint8Array
  /** Compressed point. */
  readonly publicKey: Uint8Array
  /** Encoding of the certificate: q signatures of K4 over T (03 §6.1). */
  readonly certificate: Uint8Array
}
