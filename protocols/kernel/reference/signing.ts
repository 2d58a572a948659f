import type { Signature, SignOpening } from '../kernel.ts'
import {
  bigEndian,
  G,
  invert,
  mod,
  multiply,
  type Point,
  q,
  type Random,
  randomScalar,
  readPoint,
  readScalar,
  wide,
  writePoints,
  writeScalar,
} from './curve.ts'
import { keyedHash } from './hash.ts'
import type { Secrets } from './secrets.ts'

const HALF = q >> 1n // low-s: s ≤ q/2

/** r_i, φ_i, and empty sums. */
export const freshNonce = (random: Random): Secrets['nonce'] => ({
  r: randomScalar(random),
  phi: randomScalar(random),
  psi: 0n,
  u: 0n,
  v: 0n,
})

/** ZETA(z_ij, sid1), a scalar. */
export const zetaScalar = (seed: Uint8Array, sid1: Uint8Array): bigint =>
  wide(keyedHash(seed, 'ZETA', 64, sid1))

interface Opening {
  R: Point
  pk: Point
  gammaU: Point
  gammaV: Point
  psi: bigint
}

/** Γ^u = c^uG, Γ^v = c^vG and ψ_ij = φ_i − b_ij. */
export function opening(
  { c1, c2 }: { c1: bigint; c2: bigint },
  { phi }: Secrets['nonce'],
  b: bigint,
): { gammaU: Uint8Array; gammaV: Uint8Array; psi: Uint8Array } {
  const [gammaU, gammaV] = writePoints([multiply(G, c1), multiply(G, c2)])
  if (!gammaU || !gammaV) throw new Error('bug: two points expected')
  return { gammaU, gammaV, psi: writeScalar(mod(phi - b)) }
}

export function readOpening(bytes: SignOpening): Opening | undefined {
  const R = readPoint(bytes.R)
  const pk = readPoint(bytes.pk)
  const gammaU = readPoint(bytes.gammaU)
  const gammaV = readPoint(bytes.gammaV)
  const psi = readScalar(bytes.psi)
  if (!R || !pk || !gammaU || !gammaV || psi === undefined) return undefined
  return { R, pk, gammaU, gammaV, psi }
}

/**
 * Check 1, bR_j = d^uG + Γ^u, and check 2, b·pk_j = d^vG + Γ^v (02 §6.2), as their sum weighted with
 * the secret ω; only when that fails, one by one to name which. (When each holds alone, so does the sum.)
 */
function checkProducts(
  received: Secrets['bob-product'],
  peer: Opening,
  omega: bigint,
): 'ok' | 'check1' | 'check2' {
  const { b, d1, d2 } = received
  const left = multiply(peer.R.add(peer.pk.multiplyUnsafe(omega)), b)
  const right = multiply(G, mod(d1 + omega * d2)).add(
    peer.gammaU.add(peer.gammaV.multiplyUnsafe(omega)),
  )
  if (left.equals(right)) return 'ok'
  return multiply(peer.R, b).equals(multiply(G, d1).add(peer.gammaU)) ? 'check2' : 'check1'
}

/** The checks; what passes them enters my sums. */
export function take(
  nonce: Secrets['nonce'],
  shares: Secrets['opened'],
  peer: Opening,
  omega: bigint,
): 'ok' | 'check1' | 'check2' {
  const verdict = checkProducts(shares, peer, omega)
  if (verdict !== 'ok') return verdict
  nonce.psi = mod(nonce.psi + peer.psi)
  nonce.u = mod(nonce.u + shares.c1 + shares.d1)
  nonce.v = mod(nonce.v + shares.c2 + shares.d2)
  return 'ok'
}

/** u_i and v_i of 02 §6.2. */
export function close(
  nonce: Secrets['nonce'],
  key: Secrets['key'],
  r: bigint,
): Secrets['presignature'] {
  const phi = nonce.phi + nonce.psi
  return {
    r,
    u: mod(nonce.r * phi + nonce.u),
    v: mod(key.sk * phi + nonce.v),
    phi: nonce.phi,
  }
}

export const messageScalar = (digest: Uint8Array): bigint => mod(bigEndian(digest))

/** s = Σw / Σu, low-s, with the recovery id of 02 §6.2. */
export function combineParts(
  R: Point,
  parts: readonly { u: Uint8Array; w: Uint8Array }[],
): Signature | undefined {
  let u = 0n
  let w = 0n
  for (const part of parts) {
    const partU = readScalar(part.u)
    const partW = readScalar(part.w)
    if (partU === undefined || partW === undefined) return undefined
    u += partU
    w += partW
  }
  u = mod(u)
  const { x, y } = R.toAffine()
  const r = mod(x)
  if (u === 0n || r === 0n) return undefined
  const s = mod(w * invert(u))
  if (s === 0n) return undefined
  const high = s > HALF
  const recovery = (Number(y & 1n) | (x >= q ? 2 : 0)) ^ (high ? 1 : 0)
  return { r: writeScalar(r), s: writeScalar(high ? q - s : s), recovery }
}

/** ECDSA, low-s only, and the recovery id must be the one of the signature's point. */
export function signatureHolds(P: Point, digest: Uint8Array, signature: Signature): boolean {
  const r = readScalar(signature.r)
  const s = readScalar(signature.s)
  if (!r || !s || s > HALF) return false
  const inverse = invert(s)
  const R = G.mulAddUnsafe(mod(messageScalar(digest) * inverse), P, mod(r * inverse))
  if (R.is0()) return false
  const { x, y } = R.toAffine()
  return mod(x) === r && signature.recovery === (Number(y & 1n) | (x >= q ? 2 : 0))
}
