import assert from 'node:assert/strict'
import { blake3 } from '@noble/hashes/blake3.js'
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js'
import { baseOfRecord } from '../../../../protocols/agreement/rules/base.ts'
import { initiatorOrder, initiatorRank } from '../../../../protocols/agreement/rules/initiators.ts'
import { encodeCanonical } from '../../../../protocols/session/canonical-cbor.ts'
import { exampleFirst } from '../example-epochs.ts'

const { base: genesis, record } = exampleFirst(5, 3)
const base = baseOfRecord(record)

describe('initiators', () => {
  it('come in order of H(init; [baseHash, guestSig]), another order on another base', () => {
    const context = utf8ToBytes('holdfast/v1 init')
    const scores = base.members
      .map(({ index, guestSig }) => ({
        index,
        score: bytesToHex(blake3(encodeCanonical([base.hash, guestSig]), { context })),
      }))
      .toSorted((a, b) => (a.score < b.score ? -1 : 1))
    assert.deepEqual(
      initiatorOrder(base),
      scores.map(({ index }) => index),
    )
    assert.notDeepEqual(initiatorOrder(base), initiatorOrder(genesis))
  })

  it('rotate with the attempt, and everybody has a place', () => {
    const order = initiatorOrder(base)
    for (let k = 1; k <= 12; k++) {
      const ranks = order.map((index) => initiatorRank(base, k, index))
      assert.equal(ranks[(k - 1) % 5], 0)
      assert.deepEqual(ranks.toSorted(), [0, 1, 2, 3, 4])
      assert.equal(initiatorRank(base, k, order[k % 5] ?? 0), 1)
    }
    assert.equal(initiatorRank(base, 1, 6), undefined)
  })
})
