import assert from 'node:assert/strict'
import { hexOf } from '../../protocols/agreement/epoch/hex-of.ts'
import { EpochMember } from '../../protocols/agreement/epoch/machine.ts'
import type { Node } from './sim/node.ts'
import { allIn, at, isIn, propose, stage, until } from './sim/stage.ts'
import type { World } from './sim/world.ts'

const machine = { EpochMember }
const five = (): World => stage(5, 3, machine)
const noticed = (world: World, about: string): boolean =>
  world.observer.notices.some(({ notice }) => notice.about === about)
const initiatorOf = (world: World): Node | undefined => {
  for (const { member } of world.nodes)
    for (const attempt of member?.state.attempts.values() ?? []) {
      const { initiator } = attempt.started.start.object
      const entry = world.genesis.record.members.find(({ index }) => index === initiator)
      if (entry !== undefined) return world.nodeOf(hexOf(entry.guestSig))
    }
  return undefined
}

describe('the failure table (03 §10), row', () => {
  it('1: the initiator dies after START: ABORT at the deadline, the next one goes on, nothing is lost', () => {
    const world = five()
    propose(world, at(world, 1))
    assert.ok(until(world, () => initiatorOf(world) !== undefined))
    const initiator = initiatorOf(world) as Node
    initiator.crash('row 1')
    assert.ok(until(world, () => noticed(world, 'aborted')))
    initiator.start()
    assert.ok(until(world, allIn(world.nodes, 1)))
  })

  it('2: two proposals are accepted: one START for each k, one epoch', () => {
    const world = five()
    propose(world, at(world, 1))
    propose(world, at(world, 2), { leaves: [at(world, 5)] })
    assert.ok(until(world, allIn(world.nodes, 1)))
    world.run(60_000)
    assert.equal(world.observer.epochs.size, 2)
  })

  it('3: an initiator signs two STARTs: evidence, ABORT at once, and the next attempt succeeds', () => {
    const world = five()
    for (const node of world.nodes) node.vices.add('two-starts')
    world.run(1_000)
    propose(world, at(world, 1))
    assert.ok(until(world, () => noticed(world, 'evidence'), 60_000))
    for (const node of world.nodes) node.vices.clear()
    assert.ok(until(world, allIn(world.nodes, 1)))
    assert.ok(world.clock.now < 110_000, 'nobody waited for the deadline')
  })

  it('4: a crash before the pending share is durable: no READY, a fault, ABORT before the deadline', () => {
    const world = five()
    const victim = at(world, 3)
    world.dies = (node, point) => node === victim && point === 'before pend/1/1/0 is synced'
    propose(world, at(world, 1))
    assert.ok(until(world, () => !victim.isUp))
    world.dies = null
    victim.start()
    assert.ok(until(world, () => noticed(world, 'aborted'), 60_000))
    assert.ok(until(world, allIn(world.nodes, 1)))
    assert.equal(world.observer.epochs.get(1)?.record.k, 2)
  })

  it('5: a crash after the pending shares and before READY: rechecked, READY, the same attempt goes on', () => {
    const world = five()
    const victim = at(world, 3)
    world.dies = (node, point) => node === victim && point === 'before ready/1/1 is synced'
    propose(world, at(world, 1))
    assert.ok(until(world, () => !victim.isUp))
    world.dies = null
    victim.start()
    assert.ok(until(world, allIn(world.nodes, 1)))
    assert.equal(world.observer.epochs.get(1)?.record.k, 1)
  })

  it('6: a crash after READY: in doubt with both share sets, until the decision is fetched', () => {
    const world = five()
    const victim = at(world, 3)
    world.dies = (node, point) => node === victim && point === 'after ready/1/1'
    propose(world, at(world, 1))
    assert.ok(until(world, () => !victim.isUp))
    world.dies = null
    const keys = [...victim.disk.durableRecords.keys()]
    assert.ok(['pend/0/1/0', 'pend/1/1/0'].every((key) => keys.includes(key)))
    victim.start()
    assert.ok(until(world, allIn(world.nodes, 1)))
  })

  for (const point of [
    'before cert/1+pointer is synced',
    'after cert/1+pointer',
    'after closed/0',
    'after handoff/0',
    'after active/1',
  ])
    it(`7: a crash ${point}: the restart goes on from the certificate`, () => {
      const world = five()
      const victim = at(world, 3)
      world.dies = (node, where) => node === victim && where === point
      propose(world, at(world, 1))
      assert.ok(until(world, () => !victim.isUp))
      world.dies = null
      victim.start()
      assert.ok(until(world, () => victim.disk.get('erased/0') !== undefined))
      assert.ok(allIn(world.nodes, 1)())
    })

  it('7: a newcomer crashes once it has activated, and comes back when the old epoch is erased: it is told the CLOSE that it lacks, and serves', () => {
    const world = five()
    const joiner = world.addNode()
    const before = [...world.nodes].filter((node) => node !== joiner)
    world.dies = (node, point) => node === joiner && point.startsWith('after cert/1')
    propose(world, at(world, 1), { joins: [joiner], t: 4 })
    assert.ok(until(world, () => !joiner.isUp && before.every((node) => node.isUp)))
    assert.ok(until(world, () => before.every(({ disk }) => disk.get('erased/0') !== undefined)))
    world.dies = null
    joiner.start()
    const epoch = world.observer.epochs.get(1)
    assert.ok(epoch)
    assert.ok(until(world, () => world.signing.serves(joiner, epoch), 60_000))
  })

  it('8: a crash during the erasure: it goes on, and epoch 0 is never served again', () => {
    const world = five()
    const victim = at(world, 3)
    world.dies = (node, point) => node === victim && point === 'after erasing/0'
    propose(world, at(world, 1))
    assert.ok(until(world, () => !victim.isUp))
    world.dies = null
    victim.start()
    assert.ok(
      until(world, () => victim.disk.durable('pend/0/1/0') === undefined && victim.isUp, 30_000),
    )
    world.run(5_000)
    assert.equal(world.signing.serves(victim, world.genesis), false)
  })

  it('9: a partition of the old members: no side decides alone what the other undoes', () => {
    const world = five()
    propose(world, at(world, 1))
    until(world, () => initiatorOf(world) !== undefined)
    world.network.partition(new Map(world.nodes.map(({ address }, i) => [address, i < 2 ? 0 : 1])))
    world.run(200_000)
    assert.equal(world.observer.epochs.size, 1)
    assert.ok(world.signing.servers(world.genesis, at(world, 3)).length >= 3)
    world.network.partition(null)
    assert.ok(until(world, allIn(world.nodes, 1)))
  })

  it('10: COMMIT is not heard by one member: it serves e until it is told', () => {
    const world = five()
    const deaf = at(world, 4)
    world.lets = (_from, to, message) =>
      to !== deaf || (message.type !== 'vote' && message.type !== 'epoch')
    propose(world, at(world, 1))
    const rest = world.nodes.filter((node) => node !== deaf)
    assert.ok(until(world, allIn(rest, 1)))
    assert.ok(world.signing.serves(deaf, world.genesis))
    world.lets = () => true
    assert.ok(until(world, () => isIn(1)(deaf), 10_000))
  })

  it('11: a disk is lost after READY: shareless, the others go on', () => {
    const world = five()
    const victim = at(world, 3)
    propose(world, at(world, 1))
    until(world, () => victim.disk.durable('ready/1/1') !== undefined)
    victim.isRolledBack = true
    victim.disk.write([{ key: 'pend/1/1/0', value: undefined }], true)
    assert.ok(until(world, () => noticed(world, 'shareless')))
    assert.ok(until(world, () => at(world, 1).disk.get('erased/0') !== undefined))
    assert.equal(victim.member?.state.endings.get(0)?.active, null)
  })

  it('12: a dealer deals badly: named, and the chunk is made without it', () => {
    const world = five()
    at(world, 1).vices.add('bad-deals')
    propose(world, at(world, 2))
    assert.ok(until(world, allIn(world.nodes, 1)))
    assert.ok(world.trace.lines.some((line) => line.includes('dealt badly')))
  })

  it('14: a newcomer brings a wrong share: S7 names it, ABORT, and e goes on', () => {
    const world = five()
    const joiner = world.addNode()
    joiner.vices.add('wrong-share')
    propose(world, at(world, 1), { joins: [joiner], t: 4 })
    assert.ok(until(world, () => noticed(world, 'aborted')))
    assert.ok(
      world.observer.notices.some(
        ({ notice }) => notice.about === 'aborted' && notice.blamed.includes(6),
      ),
    )
    assert.equal(world.observer.epochs.size, 1)
  })

  it('16: a leaver does nothing: it is not needed, and its receipt is missing', () => {
    const world = five()
    const leaver = at(world, 5)
    leaver.vices.add('silent')
    propose(world, at(world, 1), { leaves: [leaver] })
    const rest = world.nodes.filter((node) => node !== leaver)
    assert.ok(until(world, allIn(rest, 1)))
    assert.ok(until(world, () => rest.every(({ disk }) => disk.get('erased/0') !== undefined)))
    assert.equal(at(world, 1).member?.state.endings.get(0)?.receipts.has(5), false)
  })

  it('17: q are lost and t are not: no epoch, and signing goes on', () => {
    const world = five()
    for (const place of [4, 5]) at(world, place).crash('row 17')
    propose(world, at(world, 1))
    world.run(200_000)
    assert.equal(world.observer.epochs.size, 1)
    world.signing.begin(at(world, 1))
    assert.ok(until(world, () => world.observer.counts.signatures === 1, 5_000))
  })

  it('18: fewer than t are up: nothing starts', () => {
    const world = five()
    for (const place of [3, 4, 5]) at(world, place).crash('row 18')
    world.signing.begin(at(world, 1))
    assert.equal(world.observer.counts.refused, 1)
  })

  it('19: an older disk is put back: exit 72, quarantine, and a vote again after a refresh', () => {
    const world = five()
    const victim = at(world, 3)
    const image = victim.disk.image()
    propose(world, at(world, 1))
    assert.ok(until(world, allIn(world.nodes, 1)))
    world.run(70_000)
    world.rollBack(victim, image)
    victim.start()
    assert.ok(until(world, () => world.observer.counts.exits === 1, 60_000))
    assert.ok(until(world, () => victim.member?.state.quarantine != null, 60_000))
    assert.ok(until(world, () => isIn(1)(victim), 60_000))
    propose(world, at(world, 1))
    assert.ok(until(world, allIn(world.nodes, 2)))
    assert.equal(victim.member?.state.quarantine, null)
  })

  it('20: a guest is cloned: both are refused, until one is started afresh', () => {
    const world = five()
    const second = world.clone(at(world, 3))
    assert.ok(until(world, () => noticed(world, 'clone'), 60_000))
    world.run(10_000)
    const refused = at(world, 1).member?.state.refused.get(3)
    assert.ok(refused?.has(at(world, 3).boot) && refused.has(second.boot))
    second.isDestroyed = true
    second.crash('row 20')
    at(world, 3).crash('row 20')
    at(world, 3).start()
    propose(world, at(world, 1))
    assert.ok(until(world, allIn(world.nodes, 1)))
  })

  it('22: clocks jump: only ABORT can follow', () => {
    const world = five()
    propose(world, at(world, 1))
    until(world, () => initiatorOf(world) !== undefined)
    for (const node of world.nodes) node.skew = 1_200_000
    assert.ok(until(world, allIn(world.nodes, 1)))
  })

  it('23: another protocol or another reason not to: preflight refuses, no attempt is spent', () => {
    const world = five()
    at(world, 4).crash('row 23')
    propose(world, at(world, 1))
    assert.ok(until(world, () => noticed(world, 'preflight')))
    assert.equal(initiatorOf(world), undefined)
    at(world, 4).start()
    assert.ok(until(world, allIn(world.nodes, 1)))
    assert.equal(world.observer.epochs.get(1)?.record.k, 1)
  })

  it('24: a sync fails at a vote: the process ends and the vote is not sent', () => {
    const world = five()
    const victim = at(world, 2)
    let votes = 0
    world.dies = (node, point) => node === victim && point.startsWith('before qb/')
    world.lets = (from, _to, message) => {
      if (from === victim && message.type === 'vote') votes++
      return true
    }
    propose(world, at(world, 1))
    assert.ok(until(world, () => !victim.isUp))
    assert.equal(votes, 0)
  })

  for (const n of [3, 4, 5, 7])
    it(`26: all ${n} nodes are down and up again: served without anybody waiting for anybody`, () => {
      const world = stage(n, Math.floor(n / 2) + 1, machine)
      for (const node of world.nodes) node.crash('row 26')
      for (const node of world.nodes) node.start()
      assert.ok(until(world, () => world.observer.someEpochServes(), 60_000))
      world.run(5_000)
      propose(world, at(world, 1))
      assert.ok(until(world, allIn(world.nodes, 1)))
    })
})
