import assert from 'node:assert/strict'
import { blake3 } from '@noble/hashes/blake3.js'
import type { Guest } from '../../../protocols/session/guest.ts'
import { FORMS } from '../../../protocols/session/instance.ts'
import {
  commitmentTo,
  onlineSidOf,
  presignatureIdOf,
  sid1Of,
} from '../../../protocols/sign/hashes.ts'

const b32 = (fill: number) => new Uint8Array(32).fill(fill)
const point = new Uint8Array(33).fill(2)
const guests: Guest[] = [1, 2, 7].map((index) => ({ index, id: b32(0xa0 + index) }))
const commitOf = ({ index }: Guest) => ({
  nonce: b32(index),
  commitment: b32(0x10 + index),
  prefixes: new Uint8Array(16).fill(0x20 + index),
  correlationIds: new Uint8Array(16 * (index % 3)).fill(0x30 + index),
})

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

describe('the hashes of a signature are those of the specification', () => {
  it('com: instanceId, guest, R, blind', () => {
    assert.deepEqual(
      commitmentTo(b32(1), b32(2), point, b32(3)),
      byHand('sign-com', 32, b32(1), b32(2), point, b32(3)),
    )
  })

  it('sid1: instanceId, form, and id, nonce, com, prefixes and corrIds of each, in order of x', () => {
    const fields = guests.flatMap((guest) => {
      const { nonce, commitment, prefixes, correlationIds } = commitOf(guest)
      return [guest.id, nonce, commitment, prefixes, correlationIds]
    })
    const expected = byHand('sign-sid', 32, b32(1), [2], ...fields)
    assert.deepEqual(sid1Of(b32(1), FORMS.correlated, guests, commitOf), expected)
    assert.deepEqual(sid1Of(b32(1), FORMS.correlated, [...guests].reverse(), commitOf), expected)
  })

  it('presigId: sid1, R, 16 bytes; onlineSid: presigId, keyId, P, digest, requestDigest', () => {
    const id = presignatureIdOf(b32(1), point)
    assert.deepEqual(id, byHand('presig-id', 16, b32(1), point))
    assert.deepEqual(
      onlineSidOf(id, b32(2), point, b32(3), b32(4)),
      byHand('online-sid', 32, id, b32(2), point, b32(3), b32(4)),
    )
  })
})
