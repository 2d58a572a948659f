import { deepEqual, equal, ok } from 'node:assert/strict'
import { createPublicKey, verify } from 'node:crypto'
import { secp256k1 } from '@noble/curves/secp256k1.js'
import { sha256 } from '@noble/hashes/sha2.js'
import { concatBytes } from '@noble/hashes/utils.js'
import {
  bigEndian,
  G,
  mod,
  multiply,
  q,
  randomScalar,
  writePoint,
  writeScalar,
} from '../../../../protocols/kernel/reference/curve.ts'
import { combineParts, signatureHolds } from '../../../../protocols/kernel/reference/signing.ts'
import { seeded } from '../../../support/seeded.ts'

const RUNS = 2000
const random = seeded('combine')

/** Parts of a signature split by algebra: Σu = kφ, Σw = (m + r·sk)φ. */
function parts(k: bigint, sk: bigint, digest: Uint8Array) {
  const R = multiply(G, k)
  const phi = randomScalar(random)
  const u = mod(k * phi)
  const w = mod((bigEndian(digest) + mod(R.x) * sk) * phi)
  const [u1, w1] = [randomScalar(random), randomScalar(random)]
  return {
    R,
    parts: [
      { u: writeScalar(u1), w: writeScalar(w1) },
      { u: writeScalar(mod(u - u1)), w: writeScalar(mod(w - w1)) },
    ],
  }
}

const nodeKey = (P: Uint8Array) => {
  const { x, y } = secp256k1.Point.fromBytes(P)
  const coordinate = (value: bigint): string =>
    Buffer.from(writeScalar(value)).toString('base64url')
  const jwk = { kty: 'EC', crv: 'secp256k1', x: coordinate(x), y: coordinate(y) }
  return createPublicKey({ key: jwk, format: 'jwk' })
}

describe('combine', () => {
  it('gives low-s signatures whose recovery id gives back the key, thousands of times', function () {
    this.timeout(60_000)
    const sk = randomScalar(random)
    const P = writePoint(multiply(G, sk))
    const key = nodeKey(P)
    const seen = new Set<number>()
    for (let i = 0; i < RUNS; i++) {
      const message = random(40)
      const digest = sha256(message)
      const made = parts(randomScalar(random), sk, digest)
      const signature = combineParts(made.R, made.parts)
      ok(signature !== undefined)
      ok(bigEndian(signature.s) <= q >> 1n)
      seen.add(signature.recovery)
      const compact = concatBytes(signature.r, signature.s)
      const recovered = secp256k1.Signature.fromBytes(compact, 'compact')
        .addRecoveryBit(signature.recovery)
        .recoverPublicKey(digest)
      deepEqual(recovered.toBytes(true), P)
      if (i % 10 === 0) {
        ok(verify('sha256', message, { key, dsaEncoding: 'ieee-p1363' }, compact))
        ok(signatureHolds(multiply(G, sk), digest, signature))
      }
    }
    deepEqual([...seen].sort(), [0, 1])
  })

  it('sets bit 1 of the recovery id when x(R) is q or more', () => {
    // The smallest x > q on the curve (x = q would give r = 0): no one knows its k, so the parts are any numbers.
    let x = q + 1n
    while (secp256k1.Point.Fp.isValid(x)) {
      try {
        secp256k1.Point.fromHex(`02${x.toString(16).padStart(64, '0')}`)
        break
      } catch {
        x++ // not the abscissa of a point
      }
    }
    for (const parity of [2, 3]) {
      const R = secp256k1.Point.fromBytes(concatBytes(Uint8Array.of(parity), writeScalar(x)))
      const low = combineParts(R, [{ u: writeScalar(1n), w: writeScalar(7n) }])
      const high = combineParts(R, [{ u: writeScalar(1n), w: writeScalar(q - 7n) }])
      deepEqual([low?.recovery, high?.recovery], [2 | (parity & 1), 2 | (1 - (parity & 1))])
      deepEqual([low?.s, low?.r], [high?.s, writeScalar(x - q)])
    }
  })

  it('gives nothing when a sum is zero or a part is not canonical', () => {
    const R = multiply(G, 5n)
    const part = (u: bigint, w: bigint) => ({ u: writeScalar(u), w: writeScalar(w) })
    equal(combineParts(R, [part(1n, 1n), part(q - 1n, 1n)]), undefined)
    equal(combineParts(R, [part(1n, 1n), part(1n, q - 1n)]), undefined)
    equal(combineParts(R, []), undefined)
    equal(combineParts(R, [{ u: writeScalar(q), w: writeScalar(1n) }]), undefined)
    equal(combineParts(R, [{ u: writeScalar(1n), w: new Uint8Array(31) }]), undefined)
  })

  it('makes signatures that hold for their digest and their recovery id alone', () => {
    const sk = randomScalar(random)
    const digest = sha256(random(9))
    const made = parts(randomScalar(random), sk, digest)
    const signature = combineParts(made.R, made.parts)
    ok(signature !== undefined)
    const P = multiply(G, sk)
    equal(signatureHolds(P, digest, signature), true)
    equal(signatureHolds(P, sha256(digest), signature), false)
    for (const other of [1, 2, 3]) {
      equal(
        signatureHolds(P, digest, { ...signature, recovery: signature.recovery ^ other }),
        false,
      )
    }
    const high = { ...signature, s: writeScalar(q - bigEndian(signature.s)) }
    equal(signatureHolds(P, digest, high), false)
    equal(signatureHolds(P, digest, { ...high, recovery: signature.recovery ^ 1 }), false)
  })
})
