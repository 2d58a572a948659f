import assert from 'node:assert/strict'
import { blake3 } from '@noble/hashes/blake3.js'
import type { Guest } from '../../../protocols/session/guest.ts'
import { KINDS } from '../../../protocols/session/instance.ts'
import {
  chainCodeOf,
  commitmentTo,
  dealSidOf,
  keyIdOf,
  publicFieldsOf,
  publicHashOf,
  transcriptOf,
} from '../../../protocols/sharing/hashes.ts'
import { keyRecordHash } from '../../../protocols/sharing/key-record.ts'
import type { Commit, Deal } from '../../../protocols/sharing/messages.ts'

const b32 = (fill: number) => new Uint8Array(32).fill(fill)
const points = (fill: number, count: number) => new Uint8Array(33 * count).fill(fill)
const alice: Guest = { index: 1, id: b32(0xa1) }
const bob: Guest = { index: 2, id: b32(0xb2) }
const carol: Guest = { index: 5, id: b32(0xc3) }
const everyone = [alice, bob, carol]

const commitOf = ({ index }: Guest): Commit => ({
  nonce: b32(index),
  commitment: b32(0x10 + index),
})
const dealOf = ({ index }: Guest): Deal => ({
  sid: b32(0x77),
  blind: b32(0x20 + index),
  chainCode: b32(0x30 + index),
  F: points(0x40 + index, 2),
  proofs: new Uint8Array(130).fill(0x50 + index),
  shares: b32(0x60 + index),
})

/** RO(tag, 32; fields…) written out by hand. */
function byHand(tag: string, ...fields: (Uint8Array | number[])[]): Uint8Array {
  const framed = fields.flatMap((field) => {
    const length = Buffer.alloc(4)
    length.writeUInt32LE(field.length)
    return [length, Buffer.from(field)]
  })
  const context = new TextEncoder().encode(`holdfast dkls v1 ${tag}/`)
  return blake3(Buffer.concat(framed), { context })
}
const join = (...parts: Uint8Array[]) => new Uint8Array(Buffer.concat(parts))

describe('the hashes of a dealing are those of the specification', () => {
  const sid = b32(0x77)

  it('com: instanceId, dealer, blind, cc, F', () => {
    const { blind, chainCode, F } = dealOf(bob)
    const expected = byHand('deal-com', b32(1), bob.id, blind, chainCode, F)
    assert.deepEqual(commitmentTo(b32(1), bob.id, dealOf(bob)), expected)
  })

  it('sid: kind, instanceId, and id, nonce, com of each party in order of x', () => {
    const fields = everyone.flatMap((guest) => [
      guest.id,
      commitOf(guest).nonce,
      commitOf(guest).commitment,
    ])
    const expected = byHand('deal-sid', [4], b32(1), ...fields)
    assert.deepEqual(dealSidOf(KINDS.keygen, b32(1), everyone, commitOf), expected)
    const shuffled = [carol, alice, bob]
    assert.deepEqual(dealSidOf(KINDS.keygen, b32(1), shuffled, commitOf), expected)
  })

  it('cc: sid, index, and guest and cc of each dealer', () => {
    const fields = everyone.flatMap((guest) => [guest.id, dealOf(guest).chainCode])
    assert.deepEqual(
      chainCodeOf(sid, 0x0102, everyone, dealOf),
      byHand('chain', sid, [2, 1], ...fields),
    )
  })

  it('keyId: network, sid, index, curve, P', () => {
    assert.deepEqual(
      keyIdOf(b32(9), sid, 3, 1, points(2, 1)),
      byHand('key-id', b32(9), sid, [3, 0], [1], points(2, 1)),
    )
  })

  it('pub: sid, ids of D, ids of N, each K1, each K2 without its shares', () => {
    const ids = join(alice.id, bob.id, carol.id)
    const k1 = everyone.map((guest) => join(commitOf(guest).nonce, commitOf(guest).commitment))
    const k2 = everyone.map((guest) => {
      const { blind, chainCode, F, proofs } = dealOf(guest)
      return join(sid, blind, chainCode, F, proofs)
    })
    assert.deepEqual(
      publicHashOf(sid, publicFieldsOf(everyone, everyone, commitOf, dealOf)),
      byHand('deal-pub', sid, ids, ids, ...k1, ...k2),
    )
  })

  it('pub does not know the shares, and tells dealers from receivers', () => {
    const hash = (dealers: Guest[], receivers: Guest[], change: Partial<Deal> = {}) =>
      Buffer.from(
        publicHashOf(
          sid,
          publicFieldsOf(dealers, receivers, commitOf, (guest) => ({
            ...dealOf(guest),
            ...change,
          })),
        ),
      ).toString('hex')
    const honest = hash(everyone, everyone)
    assert.equal(hash(everyone, everyone, { shares: b32(0) }), honest)
    const others = [
      hash([alice, bob], everyone),
      hash(everyone, [alice, bob]),
      hash(everyone, everyone, { blind: b32(0) }),
      hash(everyone, everyone, { chainCode: b32(0) }),
      hash(everyone, everyone, { F: points(0, 2) }),
      hash(everyone, everyone, { proofs: new Uint8Array(130) }),
    ]
    assert.equal(new Set([honest, ...others]).size, others.length + 1)
  })

  it('rec: keyId, curve, t, P, cc, F, X_D or nothing; T: pub and all rec in one field', () => {
    const key = {
      keyId: b32(1),
      curve: 1,
      t: 2,
      publicKey: points(2, 1),
      chainCode: b32(3),
      commitment: points(2, 2),
    }
    const fields = [b32(1), [1], [2, 0], points(2, 1), b32(3), points(2, 2)]
    assert.deepEqual(keyRecordHash(key), byHand('key-rec', ...fields, []))
    assert.deepEqual(keyRecordHash(key, points(3, 1)), byHand('key-rec', ...fields, points(3, 1)))
    const records = [b32(4), b32(5)]
    assert.deepEqual(transcriptOf(b32(6), records), byHand('deal-tr', b32(6), join(b32(4), b32(5))))
  })
})
