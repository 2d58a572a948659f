import assert from 'node:assert/strict'
import { blake3 } from '@noble/hashes/blake3.js'
import {
  batchSidOf,
  correlationIdOf,
  transcriptOf,
} from '../../../protocols/correlations/hashes.ts'

const filled = (length: number, fill: number) => new Uint8Array(length).fill(fill)

/** RO(tag, length; fields…) written out by hand. */
function byHand(tag: string, dkLen: number, ...fields: (Uint8Array | number[])[]): Uint8Array {
  const framed = fields.flatMap((field) => {
    const length = Buffer.alloc(4)
    length.writeUInt32LE(field.length)
    return [length, Buffer.from(field)]
  })
  const context = new TextEncoder().encode(`holdfast dkls v1 ${tag}/`)
  return blake3(Buffer.concat(framed), { context, dkLen })
}

const parties = {
  networkId: filled(32, 1),
  epochId: filled(32, 2),
  guestLo: filled(32, 3),
  guestHi: filled(32, 4),
}
const c1 = {
  setupId: filled(32, 5),
  bootId: filled(16, 6),
  batchNo: Uint8Array.of(7, 0, 0, 0),
  count: Uint8Array.of(2, 0),
  nonce: filled(32, 8),
}
const c2 = { bootId: filled(16, 9), nonce: filled(32, 10) }

describe('the hashes of a batch are those of the specification', () => {
  it('batchSid: network, epoch, setup, guests, who began, boots lo first, batchNo, N, nonces of initiator and responder', () => {
    const { networkId, epochId, guestLo, guestHi } = parties
    for (const initiatorIsHi of [false, true]) {
      const boots = initiatorIsHi ? [c2.bootId, c1.bootId] : [c1.bootId, c2.bootId]
      assert.deepEqual(
        batchSidOf({ ...parties, initiatorIsHi }, c1, c2),
        byHand(
          'corr-sid',
          32,
          networkId,
          epochId,
          c1.setupId,
          guestLo,
          guestHi,
          [initiatorIsHi ? 1 : 0],
          ...boots,
          c1.batchNo,
          c1.count,
          c1.nonce,
          c2.nonce,
        ),
      )
    }
  })

  it('corr-tr: m1s of C2, m1s of C3, m2s of C3, m2s of C4, each a field of its own', () => {
    const list = (length: number, first: number) =>
      new Uint8Array([...filled(length, first), ...filled(length, first + 1)])
    const transcript = transcriptOf(
      2,
      { m1s: list(9_232, 1) },
      { m1s: list(9_232, 3), m2s: list(49_248, 5) },
      { m2s: list(49_248, 7) },
    )
    const fields = [1, 2, 3, 4, 5, 6, 7, 8].map((fill) => filled(fill < 5 ? 9_232 : 49_248, fill))
    assert.deepEqual(transcript, byHand('corr-tr', 32, ...fields))
  })

  it('corrId: batchSid, corr-tr, u16 k, 16 bytes', () => {
    assert.deepEqual(
      correlationIdOf(filled(32, 1), filled(32, 2), 258),
      byHand('corr-id', 16, filled(32, 1), filled(32, 2), [2, 1]),
    )
  })
})
