/** Where passkeys of a scope may be used (05 §1.2, `rp`). */
export interface RelyingParty {
  /** A domain, whose SHA-256 authenticators sign. */
  readonly id: string
  readonly name: string
  /** 1 to 16 origins, compared to the character. */
  readonly origins: readonly string[]
  /** The user is always verified; the field tells browsers so. */
  readonly userVerification: 'required'
  /** False, or the top-level origins inside which a frame of `origins` may ask. */
  readonly crossOrigin: false | readonly string[]
  /** Models of authenticators that may register, 16 bytes each. */
  readonly aaguids?: readonly Uint8Array[]
}
