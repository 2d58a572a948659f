import { deepEqual, equal, notDeepEqual, notEqual } from 'node:assert/strict'
import {
  keysBegin,
  keysStep,
  OT_KEY_BYTES,
  OTS,
  PHI_BYTES,
  receiveBegin,
  receiveStep,
  sender,
} from '../../../../protocols/kernel/reference/base-ot.ts'
import { readPoint } from '../../../../protocols/kernel/reference/curve.ts'
import { bit } from '../../../../protocols/kernel/reference/fields.ts'
import { build, evaluate, PPRF_BYTES } from '../../../../protocols/kernel/reference/pprf.ts'
import type { Secrets } from '../../../../protocols/kernel/reference/secrets.ts'
import { seeded } from '../../../support/seeded.ts'
import { nibble, without } from './dealt-leaves.ts'

const sid = seeded('sid')(32)

describe('base OT and PPRF', () => {
  let receiver: Secrets['receiving']
  let bob: Secrets['sender']
  let phi: Uint8Array
  let keys: Uint8Array
  let leaves: Uint32Array
  let pprf: Uint8Array

  before(function () {
    this.timeout(30_000) // two halves of a setup with bigints
    bob = sender(seeded('bob'))
    const A = readPoint(bob.A)
    if (A === undefined) throw new Error('A must be a point')
    const random = seeded('alice')
    receiver = receiveBegin(random, sid, A)
    while (receiver.done < OTS) receiveStep(random, receiver)
    phi = receiver.phi
    keys = keysOf(bob, phi) ?? new Uint8Array()
    ;({ pprf, leaves } = build(sid, keys))
  })

  it('gives Alice the key of her choice in every OT, and only that', () => {
    for (let i = 0; i < 256; i++) {
      const c = bit(receiver.choices, i)
      const mine = receiver.keys.subarray(i * OT_KEY_BYTES, (i + 1) * OT_KEY_BYTES)
      const theirs = (b: number): Uint8Array =>
        keys.subarray((2 * i + b) * OT_KEY_BYTES, (2 * i + b + 1) * OT_KEY_BYTES)
      deepEqual(mine, theirs(c))
      notDeepEqual(mine, theirs(1 - c))
    }
  })

  it('gives Alice every leaf but the one at Δ', () => {
    const alice = evaluate(receiver, sid, pprf)
    deepEqual(alice?.leaves, without(leaves, alice?.delta ?? new Uint8Array(32)))
    equal(new Set(Array.from({ length: 1024 }, (_, i) => leaves[8 * i])).size, 1024)
  })

  it('hides the path opposite to the choices, most significant bit first', () => {
    const alice = evaluate(receiver, sid, pprf)
    for (let b = 0; b < 64; b++) {
      const path = [0, 1, 2, 3].map((e) => 1 - bit(receiver.choices, 4 * b + e))
      equal(
        nibble(alice?.delta ?? new Uint8Array(), b),
        path.reduce((y, step) => 2 * y + step, 0),
      )
    }
  })

  it('has messages of the stated sizes', () => {
    deepEqual([phi.length, PHI_BYTES, pprf.length, PPRF_BYTES], [16_896, 16_896, 20_480, 20_480])
  })

  it('refuses a proof or check value with one bit changed, in any block', () => {
    for (let block = 0; block < 64; block += 9) {
      for (const offset of [192, 255, 256, 319]) {
        const changed = pprf.slice()
        changed[block * 320 + offset] = (changed[block * 320 + offset] ?? 0) ^ 1
        equal(evaluate(receiver, sid, changed), undefined)
      }
    }
  })

  it('refuses a changed correction whenever it reaches a leaf that Alice computes from it', () => {
    let refused = 0
    for (let level = 1; level <= 3; level++) {
      for (const side of [0, 1]) {
        const changed = pprf.slice()
        const at = 64 * (level - 1) + 32 * side
        changed[at] = (changed[at] ?? 0) ^ 1
        const used = bit(receiver.choices, level) === side
        const answer = evaluate(receiver, sid, changed)
        equal(answer === undefined, used)
        refused += used ? 1 : 0
      }
    }
    equal(refused, 3)
  })

  it('makes other leaves under another sid', () => {
    notDeepEqual(build(seeded('other sid')(32), keys).leaves, leaves)
    equal(evaluate(receiver, seeded('other sid')(32), pprf), undefined)
  })

  it('refuses φ off the curve, or equal to O', () => {
    for (const head of [0, 4, 5]) {
      const changed = phi.slice()
      changed[33 * 511] = head
      equal(keysOf(bob, changed), undefined)
    }
    notEqual(phi[0], 0)
  })
})

/** All keys of Bob, or nothing when a step refuses φ. */
function keysOf(bob: Secrets['sender'], phi: Uint8Array): Uint8Array | undefined {
  const building = keysBegin(bob, sid, phi)
  while (building.done < OTS) if (!keysStep(building)) return undefined
  return building.keys
}
