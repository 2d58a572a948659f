import { deepEqual, equal, ok } from 'node:assert/strict'
import type { LeadReply } from '../../../../enclave-runtime/port/messages.ts'
import type { PartyIndex } from '../../../../protocols/session/faults.ts'
import { type Carried, GuestNet, NOTHING_AHEAD } from '../guest-net.ts'
import { TestClient } from '../test-client.ts'

const EVERYONE = [1, 2, 3]
const KEYGEN = { attempt: 0, signers: EVERYONE, budgetMs: 120_000 }
const SETTINGS = { ...NOTHING_AHEAD, correlations: { low: 2, high: 3 } }

const level = (net: GuestNet, of: PartyIndex, peer: PartyIndex): number =>
  net
    .guest(of)
    .member.status()
    .correlations.pools.find(({ party }) => party === peer)?.ready ?? 0

/** Both levels of each pair. */
const levels = (net: GuestNet): number[] =>
  EVERYONE.flatMap((a) => EVERYONE.filter((b) => b !== a).map((b) => level(net, a, b)))

const full = (net: GuestNet): boolean => levels(net).every((count) => count >= 3)

const formOf = (reply: LeadReply): string | undefined => {
  equal(reply.kind, 'done', JSON.stringify(reply))
  return reply.kind === 'done' ? reply.form : undefined
}

describe('correlations of a committee', function () {
  this.timeout(120_000)
  let net: GuestNet
  const client = new TestClient('correlations')

  const lead = (request: Uint8Array, signers: readonly PartyIndex[] = [1, 2], attempt = 0) =>
    net.run(net.guest(signers[0] ?? 1).member.lead(request, { attempt, signers, budgetMs: 10_000 }))

  before(async () => {
    net = await GuestNet.ready('correlations', { n: 3, t: 2, settings: SETTINGS })
    client.adopt(await net.run(net.guest(1).member.lead(client.create(), KEYGEN)))
    await net.until(() => full(net))
  })
  afterEach(async () => {
    net.tamper = (carried) => [carried]
    await net.calm()
    for (const { defects } of net.guests) deepEqual(defects, [])
  })

  it('fill up to their mark on their own, at both sides of each pair alike', () => {
    deepEqual(levels(net), [3, 3, 3, 3, 3, 3])
  })

  it('serve a signature, of one at each side, and are refilled', async () => {
    equal(formOf(await lead(client.message('0x01'))), 'correlated')
    await net.calm()
    deepEqual([level(net, 1, 2), level(net, 2, 1)], [2, 2])
    equal(formOf(await lead(client.message('0x02'))), 'correlated')
    await net.until(() => full(net))
    deepEqual(levels(net), [3, 3, 3, 3, 3, 3])
  })

  it('serve two leaders at once with different ones', async () => {
    const [one, two] = [client.message('0x03'), client.message('0x04')]
    const plan = { attempt: 0, budgetMs: 10_000, signers: [1, 2] }
    const replies = await net.run(
      Promise.all([net.guest(1).member.lead(one, plan), net.guest(2).member.lead(two, plan)]),
    )
    deepEqual(replies.map(formOf), ['correlated', 'correlated'])
    await net.until(() => full(net))
  })
})

export type { Carried }
