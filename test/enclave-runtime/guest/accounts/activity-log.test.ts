import { deepEqual, equal } from 'node:assert/strict'
import {
  type Activity,
  ActivityLog,
} from '../../../../enclave-runtime/guest/accounts/activity-log.ts'
import { seeded } from '../../../support/seeded.ts'
import { NETWORK, TestNode } from '../vault/vault-fixture.ts'

const DAY_S = 86_400
const meaning = (n: number): Uint8Array => seeded(`meaning ${n}`)(32)

const activity = (n: number, exp: number): Activity => ({
  accountId: seeded('account')(16),
  nonce: seeded(`nonce ${n}`)(16),
  digest: seeded(`digest ${n}`)(32),
  meaning: meaning(n),
  intentDigest: seeded(`intent ${n}`)(32),
  keyId: seeded('key')(32),
  attempt: 0,
  signers: [1, 2, 3],
  exp,
})

const bulk = async (node: TestNode): Promise<number> =>
  [...(await node.rows()).keys()].filter((name) => name.startsWith('n/b/')).length

describe('the activity log', () => {
  it('keeps each record for a day beyond its expiry, over restarts, and then lets it go in steps', async () => {
    const { node, vault } = await TestNode.ready('activities')
    const first = new ActivityLog(vault)
    for (let i = 0; i < 100; i++) await first.record(activity(i, 1000 + i)) // a full page and a part
    equal(await bulk(node), 102)
    vault.close()

    const again = await node.open(NETWORK)
    const log = new ActivityLog(again)
    await log.record(activity(100, 5000)) // the next page
    const { accountId, nonce } = activity(3, 0)
    equal(await log.isReused(accountId, nonce, meaning(4)), true)
    equal(await log.isReused(accountId, nonce, meaning(3)), false)

    await log.prune(1063 + DAY_S - 1)
    equal(await bulk(node), 104)
    await log.prune(1063 + DAY_S)
    equal(await bulk(node), 104 - 65) // one page, one step
    await log.prune(9000 + DAY_S)
    equal(await bulk(node), 2)
    await log.prune(9000 + DAY_S) // the open page stays
    equal(await bulk(node), 2)

    again.close()
    const later = new ActivityLog(await node.open(NETWORK))
    equal(await later.isReused(accountId, nonce, meaning(4)), false)
    await later.prune(9000 + DAY_S) // after a restart that page is closed
    equal(await bulk(node), 0)
    await later.prune(9000 + DAY_S)
  })

  it('keeps a record that was written again with a later expiry', async () => {
    const { node, vault } = await TestNode.ready('again')
    const log = new ActivityLog(vault)
    await log.record(activity(0, 1000))
    for (let i = 1; i < 64; i++) await log.record(activity(i, 1000))
    await log.record(activity(0, 2000))
    await log.prune(1000 + DAY_S)
    const left = new ActivityLog(vault)
    const { accountId, nonce } = activity(0, 0)
    equal(await left.isReused(accountId, nonce, meaning(1)), true)
    equal(await left.isReused(accountId, activity(1, 0).nonce, meaning(0)), false)
    equal(await bulk(node), 2)
  })

  it('goes on without a page that the host lost', async () => {
    const { node, vault } = await TestNode.ready('lost page')
    const log = new ActivityLog(vault)
    for (let i = 0; i < 64; i++) await log.record(activity(i, 1000))
    const before = new Set((await node.rows()).keys())
    await log.record(activity(64, 1000))
    const rows = [...(await node.rows()).keys()]
    const fresh = rows.filter((name) => name.startsWith('n/b/') && !before.has(name))
    equal(fresh.length, 2) // the record and its page
    await node.store.batch({
      puts: [],
      deletes: rows.filter((name) => name.startsWith('n/b/') && before.has(name)),
    })
    await log.prune(1000 + DAY_S)
    await log.prune(1000 + DAY_S)
    const left = [...(await node.rows()).keys()].filter((name) => name.startsWith('n/b/'))
    deepEqual(left.sort(), fresh.sort())
  })

  it('leaves what the host altered, and clears the rest', async () => {
    const { node, vault } = await TestNode.ready('altered')
    const log = new ActivityLog(vault)
    const before = new Set((await node.rows()).keys())
    await log.record(activity(0, 1000))
    const rows = await node.rows()
    const altered = [...rows].filter(([name]) => name.startsWith('n/b/') && !before.has(name))
    for (let i = 1; i < 65; i++) await log.record(activity(i, 1000))
    for (const [name, record] of altered)
      if (record.length > 200)
        await node.put(name, record.with(record.length - 1, 1 ^ (record.at(-1) ?? 0)))
    await log.prune(1000 + DAY_S)
    equal(await bulk(node), 1 + 2)
  })

  it('lists records that are written at once', async () => {
    const { node, vault } = await TestNode.ready('at once')
    const log = new ActivityLog(vault)
    await Promise.all(Array.from({ length: 150 }, (_, i) => log.record(activity(i, 1000))))
    equal(await bulk(node), 153)
    for (let i = 0; i < 2; i++) await log.prune(1000 + DAY_S)
    equal(await bulk(node), 150 - 128 + 1)
  })

  it('asks the store once about a nonce that nobody used, and never forgets who took it', async () => {
    const { vault } = await TestNode.ready('unused')
    let asked = 0
    const counting = {
      critical: (name: string) => vault.critical(name),
      bulk: (name: string) => {
        asked += 1
        return vault.bulk(name)
      },
      write: (changes: Parameters<typeof vault.write>[0]) => vault.write(changes),
    }
    const log = new ActivityLog(counting as unknown as typeof vault)
    const { accountId, nonce } = activity(1, 1000)
    for (let i = 0; i < 3; i++) equal(await log.isReused(accountId, nonce, meaning(1)), false)
    equal(asked, 1)
    equal(log.claim(accountId, nonce, meaning(1)), true)
    equal(await log.isReused(accountId, nonce, meaning(2)), true)
    equal(await log.isReused(accountId, nonce, meaning(1)), false)

    const other = activity(2, 1000)
    equal(await log.isReused(other.accountId, other.nonce, meaning(2)), false)
    await log.record(other) // without a claim, as after one that was forgotten
    equal(await log.isReused(other.accountId, other.nonce, meaning(9)), true)

    const third = activity(3, 1000)
    const looking = log.isReused(third.accountId, third.nonce, meaning(3))
    equal(log.claim(third.accountId, third.nonce, meaning(4)), true) // while the store is asked
    equal(await looking, true)
  })
})
