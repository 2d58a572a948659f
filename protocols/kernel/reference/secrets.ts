import type { Point } from './curve.ts'

/** What each kind of slot holds. Numbers are scalars mod q; `Uint32Array`s are little-endian words. */
export interface Secrets {
  sender: { a: bigint; readonly A: Uint8Array }
  /** A receiver on its way: `done` of its 256 OTs have their φ and key. */
  receiving: {
    readonly sid: Uint8Array
    readonly A: Uint8Array
    /** βA, over a table of A. */
    readonly timesA: (beta: bigint) => Point
    readonly choices: Uint8Array
    readonly keys: Uint8Array
    readonly phi: Uint8Array
    done: number
  }
  receiver: {
    readonly sid: Uint8Array
    /** 256 choice bits. */
    readonly choices: Uint8Array
    /** 256 × 32 bytes, k_i. */
    readonly keys: Uint8Array
  }
  /** A Bob on his way: both keys of `done` of the 256 OTs. */
  building: {
    readonly sid: Uint8Array
    a: bigint
    readonly A: Uint8Array
    readonly phi: Uint8Array
    /** 256 × (k_{i,0} ‖ k_{i,1}). */
    readonly keys: Uint8Array
    done: number
  }
  /** 64 blocks × 16 leaves × 8 words. */
  bob: { readonly leaves: Uint32Array }
  /** As Bob's, with zeros in the place of leaf Δ_b of each block; `delta` is 256 bits. */
  alice: { readonly leaves: Uint32Array; readonly delta: Uint8Array }
  zeta: { readonly seed: Uint8Array }
  choice: {
    readonly sid: Uint8Array
    /** 64 bytes: 512 bits β_j. */
    readonly beta: Uint8Array
    b: bigint
    /** 512 × 3 scalars, row-major. */
    readonly gamma: bigint[]
    /** 512 scalars; public. */
    readonly gadget: bigint[]
  }
  /** `random`: the factors a'_1 and a'_2, where they were not given. */
  'alice-product': { c1: bigint; c2: bigint; readonly random?: { a1: bigint; a2: bigint } }
  'bob-product': { b: bigint; d1: bigint; d2: bigint }
  correlation: {
    a1: bigint
    a2: bigint
    c1: bigint
    c2: bigint
    b: bigint
    d1: bigint
    d2: bigint
  }
  /** What is left of a correlation once its differences were published. */
  opened: { c1: bigint; c2: bigint; b: bigint; d1: bigint; d2: bigint }
  nonce: {
    r: bigint
    phi: bigint
    /** Σ ψ_ji over the peers that passed. */
    psi: bigint
    /** Σ (c^u + d^u) and Σ (c^v + d^v) over the peers that passed. */
    u: bigint
    v: bigint
  }
  key: { sk: bigint }
  presignature: { readonly r: bigint; u: bigint; v: bigint; phi: bigint }
  /** `coefficients[b][k]`; `F` is public. */
  deal: {
    readonly threshold: number
    readonly coefficients: bigint[][]
    readonly F: Uint8Array
  }
  share: { s: bigint }
}
