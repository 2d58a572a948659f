import { deepEqual, equal } from 'node:assert/strict'
import { GuestNet } from '../guest-net.ts'
import { TestClient } from '../test-client.ts'

const SIGN = { attempt: 0, signers: [1, 2, 3], budgetMs: 10_000 }

describe('a guest that does not know yet what it missed (03 §9.4)', function () {
  this.timeout(30_000)

  it('leads nothing and follows nothing, and signs once it does', async () => {
    const behind = new Set<number>()
    const net = await GuestNet.ready('not current', { isCurrent: (index) => !behind.has(index) })
    const client = new TestClient('alice')
    const everyone = { ...SIGN, signers: [1, 2, 3, 4, 5] }
    client.adopt(await net.run(net.guest(1).member.lead(client.create(), everyone)))
    await net.calm()
    behind.add(2)
    const led = await net.run(net.guest(2).member.lead(client.message('0x01'), SIGN))
    equal(led.kind === 'error' && led.id, 'NOT_YET')
    const checked = await net.run(net.guest(2).member.check(client.message('0x02')))
    equal(checked.kind === 'error' && checked.id, 'NOT_YET')
    const followed = await net.run(net.guest(1).member.lead(client.message('0x03'), SIGN))
    deepEqual(
      [followed.kind, followed.kind === 'failed' && [followed.fault, followed.parties]],
      ['failed', ['not-yet', [2]]],
    )
    await net.calm()
    behind.clear()
    equal((await net.run(net.guest(2).member.lead(client.message('0x04'), SIGN))).kind, 'done')
    deepEqual(
      net.guests.flatMap(({ defects }) => defects),
      [],
    )
  })
})
