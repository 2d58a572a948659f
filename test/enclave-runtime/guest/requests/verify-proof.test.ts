import { equal, ok } from 'node:assert/strict'
import { p256 } from '@noble/curves/nist.js'
import { numberToBytesBE } from '@noble/curves/utils.js'
import { sha256 } from '@noble/hashes/sha2.js'
import { verifyProof } from '../../../../enclave-runtime/guest/requests/verify-proof.ts'
import {
  type PublicKey,
  proofMessage,
  verifyKeyProof,
} from '../../../../protocols/request/proofs.ts'
import { encodeSpki } from '../../../../protocols/request/spki.ts'
import { seeded } from '../../../support/seeded.ts'

const random = seeded('verify proof')
const order = p256.Point.Fn.ORDER
const field = p256.Point.Fp.ORDER
const EDGES = [0n, 1n, 2n, order - 1n, order, order + 1n, field, 2n ** 256n - 1n]

describe('verifyProof()', () => {
  const secret = p256.utils.randomSecretKey(random(48))
  const point = p256.getPublicKey(secret, false)
  const key: PublicKey = { kid: 'k', alg: 'ES256', spki: encodeSpki('ES256', point) }
  const signed = (digest: Uint8Array): Uint8Array =>
    p256.sign(sha256(proofMessage(digest)), secret, { prehash: false, format: 'compact' })

  /** Both verifiers say the same; what they say. */
  const both = (of: PublicKey, digest: Uint8Array, signature: Uint8Array): boolean => {
    const fast = verifyProof(of, digest, signature)
    equal(fast, verifyKeyProof(of, digest, signature))
    return fast
  }

  it('accepts what the key signed, with either s, and nothing that was altered', () => {
    for (let i = 0; i < 16; i++) {
      const digest = random(32)
      const signature = signed(digest)
      ok(both(key, digest, signature))
      const s = BigInt(`0x${Buffer.from(signature.subarray(32)).toString('hex')}`)
      const other = Uint8Array.from([
        ...signature.subarray(0, 32),
        ...numberToBytesBE(order - s, 32),
      ])
      ok(both(key, digest, other))
      const bent = signature.slice()
      bent[i * 4] = (bent[i * 4] ?? 0) ^ 1
      ok(!both(key, digest, bent))
      ok(!both(key, random(32), signature))
      ok(!both(key, digest, signature.subarray(1)))
    }
  })

  it('keeps the keys of many credentials apart, and refuses what is no key every time', () => {
    const digest = random(32)
    const signature = signed(digest)
    for (let i = 0; i < 1_100; i++) {
      // More than are kept: the first is forgotten, and read again.
      const other = p256.Point.BASE.multiply(BigInt(i + 2)).toBytes(false)
      ok(!verifyProof({ ...key, spki: encodeSpki('ES256', other) }, digest, signature))
    }
    const off = key.spki.slice()
    off[90] = (off[90] ?? 0) ^ 1
    for (let i = 0; i < 3; i++) {
      ok(both(key, digest, signature))
      ok(!both({ ...key, spki: off }, digest, signature))
    }
  })

  it('refuses every pair of edges as r and s', () => {
    const digest = random(32)
    const good = signed(digest)
    for (const r of EDGES)
      for (const s of EDGES)
        ok(
          !both(
            key,
            digest,
            Uint8Array.from([...numberToBytesBE(r, 32), ...numberToBytesBE(s, 32)]),
          ),
        )
    for (const edge of EDGES) {
      const bytes = numberToBytesBE(edge, 32)
      ok(!both(key, digest, Uint8Array.from([...bytes, ...good.subarray(32)])))
      ok(!both(key, digest, Uint8Array.from([...good.subarray(0, 32), ...bytes])))
    }
  })

  it('refuses keys that are none: off the curve, of another curve or form', () => {
    const digest = random(32)
    const signature = signed(digest)
    const bent = key.spki.slice()
    bent[bent.length - 1] = (bent.at(-1) ?? 0) ^ 1
    const zero = key.spki.slice().fill(0, 27)
    const longer = Uint8Array.from([...key.spki, 0])
    for (const spki of [bent, zero, longer, new Uint8Array(), key.spki.subarray(1)])
      ok(!both({ ...key, spki }, digest, signature))
    for (const alg of ['ES256K', 'EdDSA'] as const) ok(!both({ ...key, alg }, digest, signature))
  })
})
