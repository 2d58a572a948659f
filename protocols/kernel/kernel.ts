import type { Tag } from '../crypto/tags.ts'

/**
 * The arithmetic engine (spec "Kernel", 02 §14): whole-round operations over secrets that stay inside.
 * Scalars are 32 bytes big-endian, points 33 bytes compressed. A secret is named by a `Handle`; using one
 * of the wrong kind, or after it was wiped, throws `KernelMisuse`, which halts the guest.
 * Operations marked * consume and wipe the secrets given to them, also when they fail.
 */
export interface Kernel {
  readonly name: 'reference' | 'wasm'

  // Pair setup (02 §2.3, §2.4). `sid` is RO(pair-dir).
  /** Bob, base-OT sender: a fresh scalar a. `A` = aG. */
  pairSend(): { A: Uint8Array; sender: Handle<'sender'> }
  // The two long operations run in steps of a few milliseconds, so that no event loop stands still;
  // protocols/ot loops over them.
  /** Alice, base-OT receiver: her 256 choice bits. */
  pairReceiveBegin(sid: Uint8Array, A: Uint8Array): Handle<'receiving'> | 'malformed'
  /**
   * The next OTs, drawing β and ρ of each in order. `undefined` until the last step, which * consumes:
   * `phi` = 256 × (φ_0 ‖ φ_1), 16,896 bytes.
   */
  pairReceiveStep(
    receiving: Handle<'receiving'>,
  ): { phi: Uint8Array; receiver: Handle<'receiver'> } | undefined
  /** * (sender) Bob: the keys of all OTs, from the peer's `phi`. */
  pairBuildBegin(
    sender: Handle<'sender'>,
    sid: Uint8Array,
    phi: Uint8Array,
  ): Handle<'building'> | 'malformed'
  /**
   * The next OTs or trees. `undefined` until the last step, which * consumes, as 'malformed' does: the PPRF
   * message, 20,480 bytes, and Bob's side of the setup.
   */
  pairBuildStep(
    building: Handle<'building'>,
  ): { pprf: Uint8Array; bob: Handle<'bob'> } | 'malformed' | undefined
  /** * Alice: her side of the setup, once all 64 blocks passed the check of 02 §2.4. */
  pairEvaluate(
    receiver: Handle<'receiver'>,
    sid: Uint8Array,
    pprf: Uint8Array,
  ): Handle<'alice'> | 'pprf' | 'malformed'
  /** z_ij = RO(pair-zeta; pairSid, z_lo, z_hi). */
  zetaNew(pairSid: Uint8Array, zLo: Uint8Array, zHi: Uint8Array): Handle<'zeta'>

  // Multiplication (02 §3). `sid` is RO(rvole-sid), unique per execution.
  /** Bob: m1, 9,232 bytes. */
  rvoleBob(bob: Handle<'bob'>, sid: Uint8Array): { m1: Uint8Array; choice: Handle<'choice'> }
  /**
   * Alice: checks m1, then m2, 49,248 bytes. Without `input` her two factors are random, and stay in the
   * product (correlations, 02 §4).
   */
  rvoleAlice(
    alice: Handle<'alice'>,
    sid: Uint8Array,
    m1: Uint8Array,
    input?: { nonce: Handle<'nonce'>; key: Handle<'key'> },
  ): { m2: Uint8Array; product: Handle<'alice-product'> } | 'cote' | 'malformed'
  /** * Bob: checks m2; his output keeps b. */
  rvoleBobFinish(
    choice: Handle<'choice'>,
    m2: Uint8Array,
  ): Handle<'bob-product'> | 'mu' | 'malformed'
  /** * (both) One correlation, both directions (02 §4.3): a'_1 a'_2 c_1 c_2 and b d_1 d_2. The product must be one without `input`. */
  corrPack(product: Handle<'alice-product'>, received: Handle<'bob-product'>): Handle<'correlation'>

  // Signing (02 §6).
  /** Fresh r_i and φ_i; `R` = r_iG. */
  signBegin(): { R: Uint8Array; nonce: Handle<'nonce'> }
  /** sk_i = λ(s_i + ε) + Σ ±ZETA(z_ij, sid1); `pk` = sk_iG. λ and ε are public scalars. */
  signKey(
    share: Handle<'share'>,
    lambda: Uint8Array,
    epsilon: Uint8Array,
    zetas: readonly { zeta: Handle<'zeta'>; negative: boolean }[],
    sid1: Uint8Array,
  ): { pk: Uint8Array; key: Handle<'key'> }
  /** Form (a): Γ^u = c^uG, Γ^v = c^vG of my Alice role with j, ψ_ij = φ_i − b_ij. */
  signOpen(
    nonce: Handle<'nonce'>,
    product: Handle<'alice-product'>,
    choice: Handle<'choice'>,
  ): { gammaU: Uint8Array; gammaV: Uint8Array; psi: Uint8Array }
  /**
   * * (both products) Checks 1 and 2 of 02 §6.2 against peer j; on success j's part enters `nonce`. `omega`, 16
   * bytes, is for kernels that check both as one equation.
   */
  signCheck(
    nonce: Handle<'nonce'>,
    product: Handle<'alice-product'>,
    received: Handle<'bob-product'>,
    peer: SignOpening,
    omega: Uint8Array,
  ): 'ok' | 'check1' | 'check2' | 'malformed'
  /**
   * * (correlation) Form (b): δ^u = r_i − a'_1, δ^v = sk_i − a'_2, and Γ^u, Γ^v, ψ_ij as `signOpen`. What the
   * check of the peer's R2 needs stays in `opened`; the correlation is gone, also when this fails.
   */
  signOpenCorrelated(
    nonce: Handle<'nonce'>,
    key: Handle<'key'>,
    correlation: Handle<'correlation'>,
  ): {
    deltaU: Uint8Array
    deltaV: Uint8Array
    gammaU: Uint8Array
    gammaV: Uint8Array
    psi: Uint8Array
    opened: Handle<'opened'>
  }
  /** * (opened) As `signCheck`, with d^u = d_1 + δ^u_j·b and d^v = d_2 + δ^v_j·b (02 §4.1). */
  signCheckCorrelated(
    nonce: Handle<'nonce'>,
    opened: Handle<'opened'>,
    peer: CorrelatedOpening,
    omega: Uint8Array,
  ): 'ok' | 'check1' | 'check2' | 'malformed'
  /** * u_i, v_i and φ_i, with r = x(R) mod q; 'signature' when R = O or r = 0. */
  presign(
    nonce: Handle<'nonce'>,
    key: Handle<'key'>,
    R: Uint8Array,
  ): Handle<'presignature'> | 'signature'
  /** * w_i = m·φ_i + r·v_i, m = digest mod q. */
  online(presignature: Handle<'presignature'>, digest: Uint8Array): { u: Uint8Array; w: Uint8Array }
  /** s = Σw / Σu, low-s, with recovery id; `undefined` when a sum is zero. Public. */
  combine(R: Uint8Array, parts: readonly { u: Uint8Array; w: Uint8Array }[]): Signature | undefined

  // Sharing (02 §5).
  /**
   * Polynomials of degree t−1 for `count` keys. `constants` fixes f_b(0), multiplied with `weight`, a public scalar,
   * 1 without it (reshare: the dealer's shares and its λ, 02 §8). `F` = count × t points.
   */
  dealBegin(
    threshold: number,
    count: number,
    constants?: readonly Handle<'share'>[],
    weight?: Uint8Array,
  ): { F: Uint8Array; deal: Handle<'deal'> }
  /** Proofs of knowledge of every coefficient, count × t × 65 bytes. */
  dealProve(deal: Handle<'deal'>, sid: Uint8Array, dealer: Uint8Array): Uint8Array
  /** f_b(x) for every key: count × 32 bytes, secret, for the wire to party x alone. */
  dealShare(deal: Handle<'deal'>, x: number): Uint8Array
  /** Σ over dealers of their `count` × 32 byte share buffers; the buffers are wiped. */
  shareSum(buffers: readonly Uint8Array[], count: number): Handle<'share'>[]
  /** Proof of knowledge of the share of key `index` (coefficient number 65535), 65 bytes. */
  shareProve(share: Handle<'share'>, sid: Uint8Array, guest: Uint8Array, index: number): Uint8Array
  /** sG. */
  sharePublic(share: Handle<'share'>): Uint8Array

  // Hashing.
  /** RO(tag, length; fields…) of 02 §1.3, byte for byte that of crypto/transcript.ts; fields of any length. */
  oracle(tag: Tag, length: number, ...fields: readonly Uint8Array[]): Uint8Array

  // Public arithmetic, variable time.
  verifyPok(proof: PokStatement): boolean
  /** One equation over many proofs with fresh 128-bit weights; says only whether all hold. */
  verifyPoks(proofs: readonly PokStatement[]): boolean
  /** Whether `shares` (count × 32) are the values at x of the committed polynomials `F` (count × t points). */
  verifyFeldman(shares: Uint8Array, x: number, F: Uint8Array, threshold: number): boolean
  /** Whether products[b] = factor·points[b] for all b, as one equation; lists of the same length, 33 bytes each. */
  areMultiples(products: Uint8Array, factor: Uint8Array, points: Uint8Array): boolean
  /** Σ of points; `undefined` when the sum is O. */
  sumPoints(points: readonly Uint8Array[]): Uint8Array | undefined
  /** Σ x^k F[k]; `undefined` when it is O. */
  evaluateCommitment(F: Uint8Array, x: number): Uint8Array | undefined
  /** P + εG; `undefined` when it is O. */
  tweakPoint(P: Uint8Array, epsilon: Uint8Array): Uint8Array | undefined
  /** λ_{i,S}, Lagrange coefficient at 0. */
  lagrange(x: number, signers: readonly number[]): Uint8Array
  /** a + b mod q. */
  addScalars(a: Uint8Array, b: Uint8Array): Uint8Array
  isPoint(bytes: Uint8Array): boolean
  /** Whether these are only points, 33 bytes each; false for a length that is no multiple of 33. */
  arePoints(bytes: Uint8Array): boolean
  isScalar(bytes: Uint8Array): boolean
  /** Whether these are only canonical scalars, 32 bytes each; false for a length that is no multiple of 32. */
  areScalars(bytes: Uint8Array): boolean
  ecdsaVerify(P: Uint8Array, digest: Uint8Array, signature: Signature): boolean

  // Life of secrets.
  wipe(handle: AnyHandle): void
  wipeAll(): void
  /** How many secrets are held: a test finds none after a session. */
  readonly held: number
  /** For the vault alone: a share's 32 bytes, to be sealed and wiped by the caller. */
  shareOut(share: Handle<'share'>): Uint8Array
  /** For the vault alone; the given bytes are wiped. Throws `KernelMisuse` when not a scalar in 1..q−1. */
  shareIn(bytes: Uint8Array): Handle<'share'>
}

export type HandleKind =
  | 'sender'
  | 'receiving'
  | 'receiver'
  | 'building'
  | 'bob'
  | 'alice'
  | 'zeta'
  | 'choice'
  | 'alice-product'
  | 'bob-product'
  | 'correlation'
  | 'opened'
  | 'nonce'
  | 'key'
  | 'presignature'
  | 'deal'
  | 'share'

/** 20-bit slot ‖ 12-bit generation. The kind exists for the compiler; the kernel checks it again. */
export type Handle<Kind extends HandleKind> = number & { readonly kind: Kind }
export type AnyHandle = Handle<HandleKind> | { [K in HandleKind]: Handle<K> }[HandleKind]

/** What peer j opens in R2 (02 §6.1). */
export interface SignOpening {
  readonly R: Uint8Array
  readonly pk: Uint8Array
  readonly gammaU: Uint8Array
  readonly gammaV: Uint8Array
  readonly psi: Uint8Array
}

/** The same in form (b): with the differences to the peer's part of the correlation. */
export interface CorrelatedOpening extends SignOpening {
  readonly deltaU: Uint8Array
  readonly deltaV: Uint8Array
}

/** ECDSA over secp256k1, low-s. `recovery` 0..3: bit 0 = y(R) odd, bit 1 = x(R) ≥ q. */
export interface Signature {
  readonly r: Uint8Array
  readonly s: Uint8Array
  readonly recovery: number
}

/** zG = T + eY with e = wide RO(pok; sid, guest, u16 index ‖ u16 coefficient, Y, T); `proof` = T ‖ z, 65 bytes. */
export interface PokStatement {
  readonly sid: Uint8Array
  readonly guest: Uint8Array
  readonly index: number
  readonly coefficient: number
  readonly Y: Uint8Array
  readonly proof: Uint8Array
}

/** Secrets of kind 'choice' that a kernel holds at once: whoever multiplies for others counts them (decision 0014). */
export const CHOICE_SLOTS = 66

/** A handle of the wrong kind, a wiped one, or bytes that no caller of ours may pass: a defect, or memory corruption. */
export class KernelMisuse extends Error {
  override readonly name = 'KernelMisuse'
}

/**
 * No place for a secret of that size is free. Capacity, and no defect: nothing was made or changed, but what
 * the operation consumes is wiped. A session that meets it ends as `cancelled`.
 */
export class KernelFull extends Error {
  override readonly name = 'KernelFull'
}
