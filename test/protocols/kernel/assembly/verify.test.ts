import assert from 'node:assert/strict'
import { secp256k1 } from '@noble/curves/secp256k1.js'
import type { Signature } from '../../../../protocols/kernel/kernel.ts'
import {
  bigEndian,
  Curve,
  G,
  invert,
  mod,
  type Point,
  q,
  writeScalar,
} from '../../../../protocols/kernel/reference/curve.ts'
import { signatureHolds } from '../../../../protocols/kernel/reference/signing.ts'
import { type CurveProbe, cases, curveProbe } from './curve-probe.ts'

const [POINT, DIGEST, R, S] = [0, 128, 256, 384]

describe('verify', function () {
  this.timeout(0)
  let probe: CurveProbe

  before(async function () {
    probe = await curveProbe(this)
  })

  /** Says what the reference says. */
  function verify(P: Point, digest: Uint8Array, r: bigint, s: bigint, recovery: number): boolean {
    probe.putPoint(POINT, P)
    probe.bytes(DIGEST, 32).set(digest)
    probe.putScalar(R, r)
    probe.putScalar(S, s)
    const args = [POINT, DIGEST, R, S].map((offset) => probe.at(offset))
    const holds = probe.call('ecdsaVerify', ...args, recovery) === 1
    const signature: Signature = { r: writeScalar(r), s: writeScalar(s), recovery }
    assert.equal(holds, signatureHolds(P, digest, signature))
    return holds
  }

  it('accepts signatures, and refuses them changed in any part', () => {
    for (let i = 0; i < cases(25, 2_000); i++) {
      const digest = i === 0 ? new Uint8Array(32).fill(255) : probe.random(32)
      const secret = writeScalar(probe.randomScalar())
      const P = Curve.fromBytes(secp256k1.getPublicKey(secret))
      const bytes = secp256k1.sign(digest, secret, { prehash: false, format: 'recovered' })
      const { r, s, recovery = 4 } = secp256k1.Signature.fromBytes(bytes, 'recovered')
      assert.ok(verify(P, digest, r, s, recovery))
      for (const other of [0, 1, 2, 3, 4, -1]) {
        if (other !== recovery) assert.ok(!verify(P, digest, r, s, other))
      }
      assert.ok(!verify(P, digest, r, q - s, recovery ^ 1), 'high s')
      assert.ok(!verify(P, digest, mod(r + 1n), s, recovery))
      assert.ok(!verify(P, digest, r, s - 1n, recovery))
      assert.ok(!verify(P.negate(), digest, r, s, recovery))
      assert.ok(
        !verify(
          P,
          Uint8Array.from(digest, (byte) => byte ^ 1),
          r,
          s,
          recovery,
        ),
      )
    }
  })

  it('refuses r or s of 0', () => {
    assert.ok(!verify(G, new Uint8Array(32), 0n, 1n, 0))
    assert.ok(!verify(G, new Uint8Array(32), 1n, 0n, 0))
  })

  it('refuses a signature whose point is O', () => {
    const digest = probe.random(32)
    const r = probe.randomScalar()
    // P = −(m/r)·G: m·G + r·P = O whatever s is
    const P = G.multiplyUnsafe(mod(-bigEndian(digest) * invert(r)))
    assert.ok(!verify(P, digest, r, 5n, 0))
  })

  it('tells a point with x ≥ q by its recovery id', () => {
    // R with x = q + k; for any u1, u2 the key (R − u1·G)/u2 makes a signature of that R
    let tried = 0
    for (let k = 1n; k < 40n; k++) {
      const x = q + k
      const encoded = new Uint8Array(33)
      encoded[0] = 2 + Number(k & 1n)
      encoded.set(Buffer.from(x.toString(16).padStart(64, '0'), 'hex'), 1)
      let point: Point
      try {
        point = Curve.fromBytes(encoded)
      } catch {
        continue // no point has this x
      }
      tried++
      const r = x % q
      const s = 1n + (probe.randomScalar() >> 2n)
      const digest = probe.random(32)
      const weight = mod(bigEndian(digest) * invert(s))
      const P = point.subtract(G.multiplyUnsafe(weight)).multiplyUnsafe(mod(s * invert(r)))
      const odd = Number(k & 1n)
      assert.ok(verify(P, digest, r, s, 2 | odd))
      assert.ok(!verify(P, digest, r, s, odd))
    }
    assert.ok(tried > 5)
  })
})
