import { equal, ok } from 'node:assert/strict'
import { GuestNet, type NetGuest } from '../guest-net.ts'
import { creation, isSettled, PLAN, readyOf } from './ready-net.ts'

/** Bytes of a guest's records, names included, by class. */
async function sizes({ node }: NetGuest): Promise<ReadonlyMap<string, number>> {
  const sum = new Map<string, number>()
  for (const [name, record] of await node.rows()) {
    const parts = name.split('/')
    const recordClass = parts[parts.length - 2] ?? name
    sum.set(recordClass, (sum.get(recordClass) ?? 0) + name.length + record.length)
  }
  return sum
}

describe('a key at rest, with its share of its batch', function () {
  this.timeout(60_000)

  for (const [n, t, perKey, perBatch] of [
    [3, 2, 252, 856],
    [5, 3, 285, 992],
  ] as const)
    it(`of ${t}-of-${n} has ${perKey} B, and ${Math.ceil(perBatch / 16)} B of a batch of 16: under 400 B`, async () => {
      const net = await GuestNet.create(`sizes ${n}`, { n, t, readyKeys: { 1: 16 } })
      const guest = net.guest(2)
      const before = await sizes(guest)
      net.connect()
      await net.until(() => readyOf(net, 1) === 16 && isSettled(net))
      const after = await sizes(guest)
      const grown = (name: string) => (after.get(name) ?? 0) - (before.get(name) ?? 0)
      equal(grown('s'), 16 * perKey)
      equal(grown('b'), perBatch)
      // While it is ready, its id in a critical record, and what lists that record.
      ok(grown('c') < 16 * 34 + 400, `${grown('c')}`)
      ok((grown('s') + grown('b') + grown('c')) / 16 < 400)

      // Given to an account: the account's own record, with what is public of its key, and its mark.
      const { client, request } = creation(net, `sizes ${n}`)
      const signers = Array.from({ length: n }, (_, i) => i + 1)
      client.adopt(await net.run(net.guest(1).member.lead(request, { ...PLAN, signers })))
      await net.calm()
      const used = await sizes(guest)
      equal(used.get('s'), after.get('s'))
      const account = (used.get('b') ?? 0) - (after.get('b') ?? 0)
      ok(account < 450 + 33 * t + 70 * n, `${account}`)
    })

  it('is read when it is asked for: a start reads no share, no batch and no account', async () => {
    const net = await GuestNet.create('start', { n: 3, t: 2, readyKeys: { 1: 2 } })
    net.connect()
    await net.until(() => readyOf(net, 1) === 2 && isSettled(net))
    const { client, request } = creation(net, 'start')
    client.adopt(await net.run(net.guest(1).member.lead(request, { ...PLAN, signers: [1, 2, 3] })))
    await net.until(() => isSettled(net))
    const { node } = net.guest(1)
    const read: string[] = []
    const get = node.store.get.bind(node.store)
    node.store.get = (name) => {
      read.push(name)
      return get(name)
    }
    await net.restart(1)
    equal(read.filter((name) => /\/[bs]\//.test(name)).length, 0)
    const reply = await net.guest(1).member.check(request)
    equal(reply.kind, 'done')
    equal(read.filter((name) => /\/[bs]\//.test(name)).length, 2) // account, batch
  })
})
