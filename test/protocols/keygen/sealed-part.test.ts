import assert from 'node:assert/strict'
import { x25519 } from '@noble/curves/ed25519.js'
import { openPart, PART_OVERHEAD, sealPart } from '../../../protocols/keygen/sealed-part.ts'
import { seeded } from '../../support/seeded.ts'

const secret = seeded('prekey')(32)
const prekey = x25519.getPublicKey(secret)
const info = new TextEncoder().encode('holdfast/mailbox/1')
const shares = new Uint8Array(64).fill(5)

describe('the sealed part of an absent receiver', () => {
  it('is 48 bytes longer than its shares, and another each time', () => {
    const random = seeded('parts')
    const [first, second] = [0, 1].map(() => sealPart(random, prekey, info, shares))
    assert.equal(first?.length, 64 + PART_OVERHEAD)
    assert.equal(PART_OVERHEAD, 48)
    assert.notDeepEqual(first, second)
    assert.deepEqual(openPart(secret, info, first as Uint8Array), shares)
  })

  it('opens with nothing else: another key, info, any byte or length changed', () => {
    const sealed = sealPart(seeded('other'), prekey, info, shares)
    for (const opened of [
      openPart(seeded('key')(32), info, sealed),
      openPart(secret, info.slice(1), sealed),
      openPart(secret, info, new Uint8Array(sealed.length)),
      openPart(secret, info, new Uint8Array([...sealed, 0])),
      ...[0, 31, 32, 47, 48].map((length) => openPart(secret, info, sealed.slice(0, length))),
      ...Array.from(sealed, (byte, at) => openPart(secret, info, sealed.with(at, byte ^ 1))),
    ])
      assert.equal(opened, undefined)
  })

  it('is never sealed to a key of low order', () => {
    assert.throws(() => sealPart(seeded('low'), new Uint8Array(32), info, shares), /bug/)
  })
})
