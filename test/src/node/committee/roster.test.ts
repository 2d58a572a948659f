import assert from 'node:assert/strict'
import { Roster } from '../../../../src/node/committee/roster.ts'
import { type TestMember, testMembers, viewOf } from '../support/test-network.ts'

describe('Roster', () => {
  let alice: TestMember
  let bob: TestMember
  let carol: TestMember
  let dave: TestMember

  before(async () => {
    ;[alice, bob, carol, dave] = (await testMembers(4, 'roster')) as [
      TestMember,
      TestMember,
      TestMember,
      TestMember,
    ]
  })
  const linked = (roster: Roster) => [...roster.linked].map(([, index]) => index)

  it('links a member with all others that have an index', () => {
    const roster = new Roster(viewOf([alice, bob, carol]), alice.guestSig)
    assert.deepEqual(linked(roster).sort(), [2, 3])
    assert.equal(roster.me?.index, 1)
    assert.deepEqual(roster.peersOf(2), [bob.peerId])
    assert.equal(roster.ofGuest(carol.guestSig)?.label, 'node 3')
    assert.equal(roster.isKnown(dave.peerId), false)
  })

  it('links a newcomer from when its attempt begins until it is known no more', () => {
    const roster = new Roster(viewOf([alice, bob, carol]), alice.guestSig)
    let told = 0
    const stop = roster.onChange(() => told++)
    roster.follow(viewOf([alice, bob, carol], { others: [{ ...dave, index: 0 }] }))
    assert.deepEqual(linked(roster).sort(), [2, 3])
    assert.equal(roster.isKnown(dave.peerId), true)
    roster.follow(viewOf([alice, bob, carol], { others: [dave] }))
    assert.deepEqual(linked(roster).sort(), [2, 3, 4])
    assert.deepEqual(roster.members.length, 3)
    stop()
    roster.follow(viewOf([alice, bob, carol]))
    assert.deepEqual(linked(roster).sort(), [2, 3])
    assert.equal(told, 2)
  })

  it('links a leaver until its epoch is erased', () => {
    const roster = new Roster(viewOf([alice, bob, carol]), alice.guestSig)
    roster.follow(viewOf([alice, bob], { others: [carol], epoch: { e: 1, k: 1 } }))
    assert.deepEqual(linked(roster).sort(), [2, 3])
    assert.deepEqual(roster.epoch, { e: 1, k: 1 })
    roster.follow(viewOf([alice, bob], { epoch: { e: 1, k: 1 } }))
    assert.deepEqual(linked(roster), [2])
  })

  it('links nobody for a joiner without an index, who knows all of them nevertheless', () => {
    const joining = { others: [{ ...dave, index: 0 }], standing: 'joining' } as const
    const roster = new Roster(viewOf([alice, bob, carol]), dave.guestSig)
    assert.deepEqual([linked(roster), roster.me], [[], undefined])
    roster.follow(viewOf([alice, bob, carol], joining))
    assert.deepEqual([linked(roster), roster.me?.index], [[], 0])
    assert.ok(roster.isKnown(alice.peerId))
    roster.follow(viewOf([alice, bob, carol], { others: [dave] }))
    assert.deepEqual(linked(roster).sort(), [1, 2, 3])
  })

  it('knows both places of a member whose entry is being changed, that of the serving epoch first', () => {
    const moved = { ...bob, peerId: dave.peerId }
    const roster = new Roster(viewOf([alice, bob, carol], { others: [moved] }), alice.guestSig)
    assert.deepEqual(roster.peersOf(2), [bob.peerId, dave.peerId])
    assert.equal(roster.linked.get(dave.peerId), 2)
    assert.equal(roster.ofGuest(bob.guestSig)?.peerId, bob.peerId)
  })
})
