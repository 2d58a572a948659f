import assert from 'node:assert/strict'
import type { Effect } from '../../../../protocols/agreement/epoch/effects.ts'
import type { Event } from '../../../../protocols/agreement/epoch/events.ts'
import { EpochMember } from '../../../../protocols/agreement/epoch/machine.ts'
import { Start } from '../../../../protocols/agreement/objects/start.ts'
import { allIn, at, propose, stage, until } from '../../../committee/sim/stage.ts'

const turns: { readonly member: EpochMember; readonly effects: readonly Effect[] }[] = []

/** The machine, with what it asks for written down. */
class Watched extends EpochMember {
  override handle(event: Event, now: number): readonly Effect[] {
    const effects = super.handle(event, now)
    turns.push({ member: this, effects })
    return effects
  }
}

/** The family of records that the first message of a kind rests on (03 §4.1). */
const RESTS_ON = {
  proposal: 'prop',
  answer: 'ans',
  start: 'att',
  frozen: 'frozen',
  ready: 'ready',
  vote: 'qb',
  close: 'closed',
  active: 'active',
}

describe('EpochMember', () => {
  beforeEach(() => {
    turns.length = 0
  })

  for (const [type, family] of Object.entries(RESTS_ON))
    it(`writes ${family} before it first sends ${type}`, () => {
      const world = stage(5, 3, { EpochMember: Watched })
      propose(world, at(world, 1), { leaves: [at(world, 5)] })
      assert.ok(
        until(
          world,
          allIn(
            [1, 2, 3, 4].map((place) => at(world, place)),
            1,
          ),
        ),
      )
      world.run(10_000)
      const written = new Set<EpochMember>()
      let sent = 0
      for (const { member, effects } of turns)
        for (const effect of effects) {
          if (
            effect.do === 'write' &&
            effect.sync &&
            effect.batch.some(({ key }) => key.startsWith(`${family}/`))
          )
            written.add(member)
          if (effect.do !== 'send' || effect.message.type !== type) continue
          sent++
          assert.ok(written.has(member), `${type} went out first`)
        }
      assert.ok(sent > 0, `${type} was sent`)
    })

  it('does nothing for a START of attempt 2 without the ABORT certificate of attempt 1', () => {
    const world = stage(4, 3, { EpochMember })
    propose(world, at(world, 1))
    assert.ok(until(world, () => at(world, 1).member?.state.attempts.has(1) === true))
    const started = at(world, 1).member?.state.attempts.get(1)?.started
    assert.ok(started)
    const liar = at(world, started.start.object.initiator)
    const wanted = { ...started.start.object, k: 2, abortCertHash: new Uint8Array(32) }
    const start = world.notary.sign(liar.guestSig, Start, wanted)
    const [other] = world.nodes.filter((node) => node !== liar)
    other?.give({
      type: 'message',
      from: liar.address,
      boot: liar.boot,
      message: { type: 'start', ...started, start },
    })
    assert.equal(other?.member?.state.attempts.has(2), false)
    assert.equal(other?.disk.get('att/1/2'), undefined)
  })

  it('does nothing for a START that it hears of too late, but open it for ABORT', () => {
    const world = stage(4, 3, { EpochMember: Watched })
    propose(world, at(world, 1))
    const opened = () =>
      world.nodes.find(({ member }) => member?.state.attempts.has(1) === true)?.member
    assert.ok(until(world, () => opened() !== undefined))
    const started = opened()?.state.attempts.get(1)?.started
    assert.ok(started)
    const initiator = at(world, started.start.object.initiator)
    const late = at(world, (started.start.object.initiator % 4) + 1)
    world.network.partition(
      new Map(world.nodes.map((node) => [node.address, node === late ? 1 : 0])),
    )
    for (const node of world.nodes) if (node !== late) node.crash('before anybody decides')
    world.run(400_000)
    assert.equal(late.member?.state.attempts.has(1), false)
    turns.length = 0
    late.give({
      type: 'message',
      from: initiator.address,
      boot: initiator.boot,
      message: { type: 'start', ...started },
    })
    assert.equal(late.member?.state.attempts.get(1)?.isOverdue, true)
    world.run(30_000)
    const tasks = turns.filter(
      ({ member, effects }) =>
        member === late.member && effects.some((effect) => effect.do === 'reshare'),
    )
    assert.deepEqual(tasks, [])
  })

  it('promises nothing before it knows what the others have seen of it', () => {
    const world = stage(4, 3, { EpochMember })
    const late = at(world, 4)
    late.crash('a restart')
    world.network.partition(
      new Map(world.nodes.map((node) => [node.address, node === late ? 1 : 0])),
    )
    late.start()
    world.run(20_000)
    assert.equal(late.member?.state.standing, 'asking')
    propose(world, late)
    assert.equal(late.member?.state.proposals.size, 0)
    world.network.partition(null)
    assert.ok(until(world, () => late.member?.state.standing === 'member', 10_000))
  })

  it('takes a clock that jumped before a restart for no clone', () => {
    const world = stage(4, 3, { EpochMember })
    const node = at(world, 2)
    node.skew = 600_000
    world.run(20_000)
    node.crash('a restart')
    node.skew = 0
    node.start()
    world.run(30_000)
    assert.equal(at(world, 1).member?.state.refused.size, 0)
  })
})
