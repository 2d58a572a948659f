import { deepEqual, equal } from 'node:assert/strict'
import { blake3 } from '@noble/hashes/blake3.js'
import { concatBytes } from '@noble/hashes/utils.js'
import { pairDirection, rvoleSid } from '../../../protocols/ot/session-ids.ts'
import { seeded } from '../../support/seeded.ts'

const random = seeded('ids')
const [parent, setup] = [random(32), random(32)]
const context = (tag: string) => ({ context: new TextEncoder().encode(`holdfast dkls v1 ${tag}/`) })
const u32 = (value: number): Uint8Array => Uint8Array.of(value, 0, 0, 0)

describe('ids of OT sessions', () => {
  it('hash exactly the stated fields', () => {
    deepEqual(
      pairDirection(parent, 1),
      blake3(concatBytes(u32(32), parent, u32(1), Uint8Array.of(1)), context('pair-dir')),
    )
    deepEqual(
      rvoleSid(parent, setup, 0x0102, 1),
      blake3(
        concatBytes(
          u32(32),
          parent,
          u32(32),
          setup,
          u32(2),
          Uint8Array.of(2, 1),
          u32(1),
          Uint8Array.of(1),
        ),
        context('rvole-sid'),
      ),
    )
  })

  it('differ as soon as one field differs', () => {
    const ids = [
      pairDirection(parent, 0),
      pairDirection(parent, 1),
      pairDirection(setup, 0),
      rvoleSid(parent, setup, 0, 0),
      rvoleSid(parent, setup, 0, 1),
      rvoleSid(parent, setup, 1, 0),
      rvoleSid(parent, setup, 256, 0),
      rvoleSid(setup, parent, 0, 0),
      rvoleSid(parent, parent, 0, 0),
    ]
    equal(new Set(ids.map((id) => id.join())).size, ids.length)
  })
})
