import assert from 'node:assert/strict'
import { SignedJoin } from '../../../../protocols/agreement/objects/join.ts'
import { JoinBox } from '../../../../src/node/operator/join-box.ts'
import { exampleFirst, exampleJoin, TIME } from '../../../protocols/agreement/example-epochs.ts'

const { base } = exampleFirst(3, 2)
const joinOf = (id: number, fields: Parameters<typeof exampleJoin>[2] = {}): SignedJoin =>
  exampleJoin(base, id, fields)

describe('JoinBox', () => {
  let now = TIME
  let box: JoinBox
  beforeEach(() => {
    now = TIME
    box = new JoinBox(base.networkId, () => now)
  })
  const add = (join: SignedJoin): boolean => box.add(SignedJoin.encode(join))

  it('keeps what guest and operator signed, a later one of a guest in place of the earlier', () => {
    assert.equal(add(joinOf(7)), true)
    assert.equal(add(joinOf(8)), true)
    assert.equal(add(joinOf(7, { label: 'later' })), true)
    assert.deepEqual(
      box.waiting.map((bytes) => SignedJoin.decode(bytes).object.label),
      ['node 8', 'later'],
    )
  })

  it('keeps nothing that is not signed as it must be, is of another network, or has expired', () => {
    const good = joinOf(7)
    const other = joinOf(8)
    for (const bad of [
      { ...good, guestSignature: other.guestSignature },
      { ...good, operatorSignature: other.operatorSignature },
      joinOf(7, { networkId: new Uint8Array(32) }),
      joinOf(7, { expiresAt: TIME }),
      joinOf(7, { expiresAt: TIME + 31 * 24 * 3_600_000 }),
    ])
      assert.equal(add(bad), false)
    assert.equal(box.add(new Uint8Array([1, 2, 3])), false)
    assert.deepEqual(box.waiting, [])
  })

  it('forgets what has expired, and whoever is a member by now', () => {
    add(joinOf(7))
    add(joinOf(8, { expiresAt: TIME + 5 }))
    now += 5
    assert.equal(box.waiting.length, 1)
    box.settle(({ label }) => label === 'node 7')
    assert.deepEqual(box.waiting, [])
  })

  it('lets nobody be pushed out by more', () => {
    const ids = Array.from({ length: 20 }, (_, i) => i + 4)
    const taken = ids.map((id) => add(joinOf(id)))
    assert.equal(taken.filter(Boolean).length, 16)
    assert.equal(add(joinOf(4, { label: 'again' })), true)
  })
})
