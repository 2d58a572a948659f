import assert from 'node:assert/strict'
import { blake3 } from '@noble/hashes/blake3.js'
import {
  commitmentTo,
  pairSidOf,
  setupIdOf,
  transcriptOf,
} from '../../../protocols/pair-setup/hashes.ts'
import { Commit, Open, Transfer } from '../../../protocols/pair-setup/messages.ts'

const b32 = (fill: number) => new Uint8Array(32).fill(fill)
const lo = b32(0x11)
const hi = b32(0x22)

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

const filled = <T>(codec: { size: number; decode(bytes: Uint8Array): T }, fill: number): T =>
  codec.decode(new Uint8Array(codec.size).fill(fill))
const bytes = (size: number, fill: number) => new Uint8Array(size).fill(fill)

describe('the hashes of a pair setup are those of the specification', () => {
  const p1 = { lo: filled(Commit, 1), hi: filled(Commit, 2) }

  it('pair-com: guest, z, blind', () => {
    assert.deepEqual(commitmentTo(lo, b32(1), b32(2)), byHand('pair-com', lo, b32(1), b32(2)))
  })

  it('pair-sid: network, epoch, attempt, guests, nonces, A_0 of hi, A_1 of lo', () => {
    assert.deepEqual(
      pairSidOf(b32(8), b32(9), 0x01020304, { lo, hi }, p1),
      byHand(
        'pair-sid',
        b32(8),
        b32(9),
        [4, 3, 2, 1],
        lo,
        hi,
        b32(1),
        b32(2),
        bytes(33, 2),
        bytes(33, 1),
      ),
    )
  })

  it('pair-tr: six fields, the whole bodies of P1, P2 and P3, lo first', () => {
    const p2 = { lo: filled(Transfer, 3), hi: filled(Transfer, 4) }
    const p3 = { lo: filled(Open, 5), hi: filled(Open, 6) }
    const sizes = [97, 97, 16_928, 16_928, 20_576, 20_576]
    assert.deepEqual(
      transcriptOf(p1, p2, p3),
      byHand('pair-tr', ...sizes.map((size, at) => bytes(size, at + 1))),
    )
  })

  it('setupId: pairSid, pair-tr', () => {
    assert.deepEqual(setupIdOf(b32(1), b32(2)), byHand('pair-id', b32(1), b32(2)))
  })

  it('another attempt, epoch, network or order of the guests is another pairSid', () => {
    const sids = [
      pairSidOf(b32(8), b32(9), 0, { lo, hi }, p1),
      pairSidOf(b32(8), b32(9), 1, { lo, hi }, p1),
      pairSidOf(b32(8), b32(7), 0, { lo, hi }, p1),
      pairSidOf(b32(7), b32(9), 0, { lo, hi }, p1),
      pairSidOf(b32(8), b32(9), 0, { lo: hi, hi: lo }, p1),
    ].map((sid) => Buffer.from(sid).toString('hex'))
    assert.equal(new Set(sids).size, sids.length)
  })
})
