import assert from 'node:assert/strict'
import { secp256k1_hasher } from '@noble/curves/secp256k1.js'
import { type Point, writePoint } from '../../../../protocols/kernel/reference/curve.ts'
import { hashToCurve } from '../../../../protocols/kernel/reference/hash.ts'
import { type CurveProbe, cases, curveProbe, FE_BYTES, POINT_BYTES, p } from './curve-probe.ts'

const MESSAGE = 68
const [MESSAGES, OUTS, U, MAPPED] = [0, 16384, 32768, 33024]
const PAIR = 2 * FE_BYTES
const KNOWN = '034397da29eb69f93742ca2e3e0f1b74990832cb71dca1491cca7e033ebc4152db' // 02 §1.4

/** With m = 1 it takes one number and returns a point, whatever its type says. */
const mapToCurve = secp256k1_hasher.mapToCurve as unknown as (u: bigint) => Point

describe('hash-to-curve', function () {
  this.timeout(0)
  let probe: CurveProbe

  before(async function () {
    probe = await curveProbe(this)
  })

  function assertHashes(messages: Uint8Array): void {
    const n = messages.length / MESSAGE
    probe.bytes(MESSAGES, messages.length).set(messages)
    probe.call('hashToCurveMany', probe.at(OUTS), probe.at(MESSAGES), n)
    for (let i = 0; i < n; i++) {
      const expected = hashToCurve(messages.subarray(i * MESSAGE, (i + 1) * MESSAGE))
      assert.ok(probe.point(OUTS + i * POINT_BYTES).equals(expected))
    }
  }

  it('gives the known answer', () => {
    assertHashes(new Uint8Array(MESSAGE))
    assert.equal(Buffer.from(writePoint(probe.point(OUTS))).toString('hex'), KNOWN)
  })

  it('equals the reference, for odd and even numbers of messages', () => {
    for (const n of [1, 2, 3, 16, 31, 32, 33]) assertHashes(probe.random(n * MESSAGE))
    for (let i = 0; i < cases(40, 20_000); i += 20) assertHashes(probe.random(20 * MESSAGE))
  })

  it('maps the exceptional and smallest elements of the field as RFC 9380 says', () => {
    const edges = [0n, 1n, 2n, 3n, p - 1n, p - 2n, (p - 1n) / 2n, (p + 1n) / 2n, 1n << 255n]
    for (const [i, first] of edges.entries()) {
      const second = edges[(i + 4) % edges.length] as bigint
      probe.putElement(U, first, 2)
      probe.putElement(U + 4, second, 2)
      probe.call('mapToCurve', probe.at(MAPPED), probe.at(U))
      for (const [lane, u] of [first, second].entries()) {
        const [X, Y, Z] = [0, 1, 2].map((k) => probe.element(MAPPED + 4 * lane + k * PAIR, 2) % p)
        const expected = mapToCurve(u).toAffine()
        assert.equal(((X as bigint) - expected.x * (Z as bigint)) % p, 0n)
        assert.equal(((Y as bigint) - expected.y * (Z as bigint)) % p, 0n)
        assert.notEqual(Z, 0n)
      }
    }
  })
})
