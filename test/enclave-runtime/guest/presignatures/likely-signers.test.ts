import { equal, ok } from 'node:assert/strict'
import { LikelySigners } from '../../../../enclave-runtime/guest/presignatures/likely-signers.ts'
import { seeded } from '../../../support/seeded.ts'

const guests = [1, 2, 3, 4, 5].map((index) => ({ index, id: new Uint8Array(32).fill(index) }))
const [, me = { index: 2, id: new Uint8Array(32) }] = guests
const committee = { me, guests, threshold: 3 }
const anyone = (): boolean => true

describe('the signers that new keys will likely have', () => {
  it('are this guest and others, the same for some keys in a row, every set of them about as often', () => {
    const likely = new LikelySigners({
      ...{ committee, random: seeded('signers'), isAble: anyone, mayAll: anyone },
    })
    const sets = new Map<string, number>()
    let changes = 0
    let before = ''
    for (let k = 0; k < 600 * 32; k++) {
      const signers = likely.next() ?? []
      const set = signers.join()
      ok(signers.includes(2))
      if (set !== before) changes += 1
      before = set
      sets.set(set, (sets.get(set) ?? 0) + 1)
    }
    ok(changes <= 600)
    equal(sets.size, 6)
    for (const [set, times] of sets) ok(times > 60 * 32, `${set}: ${times}`)
    ok([...sets.keys()].every((set) => set === [...set.split(',')].sort().join()))
  })

  it('are none that cannot sign, also when they could a key before, and no two banned from each other', () => {
    const able = new Set([1, 3, 4, 5])
    const likely = new LikelySigners({
      ...{ committee, random: seeded('able') },
      isAble: (peer) => able.has(peer),
      mayAll: (signers) => !(signers.includes(1) && signers.includes(3)),
    })
    for (const gone of [4, 5, 1, 3]) {
      for (let k = 0; k < 3; k++) {
        const signers = likely.next()
        if (signers === undefined) continue
        ok(signers.every((party) => party === 2 || able.has(party)))
        ok(!(signers.includes(1) && signers.includes(3)))
      }
      able.delete(gone)
    }
    equal(likely.next(), undefined)
    able.add(4)
    able.add(5)
    equal(likely.next()?.join(), '2,4,5')
  })
})
