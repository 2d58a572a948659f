import assert from 'node:assert/strict'
import { hexOf } from '../../../../protocols/agreement/epoch/hex-of.ts'
import { initiatorRank } from '../../../../protocols/agreement/rules/initiators.ts'
import { EpochNet, type NetNode } from './epoch-net.ts'

/** More writes than one change of a committee has. */
const MAX_WRITES = 60
/** Before a guest that died is started again, ms. */
const DOWN_MS = 700

/** Who starts the next epoch, or the one who comes last. */
function placed(net: EpochNet, isFirst: boolean): NetNode {
  const { base, record } = net.at(1).state.base
  const wanted = isFirst ? 0 : record.members.length - 1
  const member = record.members.find(({ index }) => initiatorRank(base, 1, index) === wanted)
  const node = net.nodes.find(({ name }) => member !== undefined && name === hexOf(member.guestSig))
  if (node === undefined) throw new Error('bug: nobody has this place')
  return node
}

/** Refreshes again and again; in each the victim dies at a later write. Gives back how many there were. */
async function killAtEveryWrite(isFirst: boolean, when: 'before' | 'after'): Promise<number> {
  const net = await EpochNet.found(4, 3)
  assert.ok(await net.until(net.allIn(0)))
  for (let at = 1; at <= MAX_WRITES; at++) {
    const e = net.at(1).e
    const victim = placed(net, isFirst)
    const others = net.nodes.filter((node) => node !== victim)
    const from = victim.store.writes
    victim.store.dies = (write) => (write === from + at ? when : null)
    void net.propose(victim === net.at(1) ? net.at(2) : net.at(1))
    const isOver = () => victim.epochs === undefined || net.allIn(e + 1)()
    assert.ok(await net.until(isOver, 300_000), `write ${at}: neither died nor finished`)
    victim.store.dies = () => null
    const hasDied = victim.epochs === undefined
    if (hasDied) {
      await net.until(() => false, DOWN_MS)
      await victim.start()
    }
    // A proposal that only the victim had is not made again by itself.
    const isOpen = () =>
      net.nodes.some(({ state }) => state.proposals.size > 0 || state.attempts.size > 0)
    await net.until(() => net.allIn(e + 1)() || (net.allIn(e)() && !isOpen()), 600_000)
    if (net.allIn(e)()) void net.propose(others[0] as NetNode)
    const where = () => net.nodes.map((node) => `${node.id}: ${node.e} ${node.ends}`).join(', ')
    assert.ok(await net.until(net.allIn(e + 1), 600_000), `write ${at}: ${where()}`)
    assert.equal(new Set(net.nodes.map(({ state }) => hexOf(state.base.hash))).size, 1)
    for (const node of net.nodes) {
      assert.deepEqual(node.defects, [])
      assert.deepEqual(node.ends, [])
      assert.ok(node.work?.holdsShares(node.state.base.record))
    }
    const isErased = () => net.nodes.every(({ shares }) => shares.size === 1)
    assert.ok(await net.until(isErased, 120_000), `write ${at}: shares of an epoch before stay`)
    if (!hasDied) return at - 1
  }
  throw new Error('bug: more writes than a change of a committee has')
}

describe('a guest that dies at any write of an epoch change', function () {
  this.timeout(600_000)

  for (const isFirst of [true, false])
    for (const when of ['before', 'after'] as const)
      it(`${isFirst ? 'and starts it' : 'and follows'}, ${when} the write is there: everybody ends in the next epoch`, async () => {
        const writes = await killAtEveryWrite(isFirst, when)
        assert.ok(writes >= 10, `${writes} writes`)
      })
})
