import { deepEqual, equal, ok } from 'node:assert/strict'
import { likelySigners } from '../../../../enclave-runtime/guest/presignatures/likely-signers.ts'
import { seeded } from '../../../support/seeded.ts'

const guests = [1, 2, 3, 4, 5].map((index) => ({ index, id: new Uint8Array(32).fill(index) }))
const [, me = { index: 2, id: new Uint8Array(32) }] = guests
const committee = { me, guests, threshold: 3 }
const anyone = (): boolean => true

describe('the signers that a new key will likely have', () => {
  it('are this guest and others, every set of them about as often', () => {
    const random = seeded('signers')
    const sets = new Map<string, number>()
    for (let k = 0; k < 600; k++) {
      const signers = likelySigners(committee, random, anyone, anyone) ?? []
      ok(signers.includes(2))
      sets.set(signers.join(), (sets.get(signers.join()) ?? 0) + 1)
    }
    equal(sets.size, 6)
    for (const [set, times] of sets) ok(times > 60, `${set}: ${times}`)
    ok([...sets.keys()].every((set) => set === [...set.split(',')].sort().join()))
  })

  it('are none that cannot sign, and no two that are banned from each other', () => {
    const random = seeded('able')
    const able = (peer: number): boolean => peer !== 4
    const banned = (signers: readonly number[]): boolean =>
      !(signers.includes(1) && signers.includes(3))
    for (let k = 0; k < 50; k++) {
      const signers = likelySigners(committee, random, able, banned)
      ok(signers !== undefined && !signers.includes(4) && signers.includes(5))
    }
    deepEqual(
      likelySigners(committee, random, (peer) => peer === 3, anyone),
      undefined,
    )
  })
})
