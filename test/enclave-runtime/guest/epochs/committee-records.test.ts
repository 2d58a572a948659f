import assert from 'node:assert/strict'
import { bytesToHex } from '@noble/hashes/utils.js'
import { CommitteeRecords } from '../../../../enclave-runtime/guest/epochs/committee-records.ts'
import { KeyListStore } from '../../../../enclave-runtime/guest/epochs/key-list-store.ts'
import { VaultError } from '../../../../enclave-runtime/guest/vault/vault-error.ts'
import type { KeyListName } from '../../../../protocols/agreement/epoch/key-lists.ts'
import { keySetRootOf } from '../../../../protocols/agreement/epoch/key-lists.ts'
import {
  type Change,
  type Family,
  put,
  remove,
} from '../../../../protocols/agreement/epoch/records.ts'
import { exampleKeys, RECORDS } from '../../../protocols/agreement/epoch/examples.ts'
import { NETWORK, TestNode } from '../vault/vault-fixture.ts'

const KEYS = 10_000

/** A path for a record of each family. */
const pathOf = (family: Family): readonly (number | string)[] => {
  if (['pointer', 'seq', 'seen', 'quarantine'].includes(family)) return []
  if (['prop', 'ans'].includes(family)) return ['aa']
  if (['att', 'tail', 'ready', 'fault', 'abort', 'qb', 'frozen'].includes(family)) return [5, 2]
  return [4]
}

describe('records of epochs in the vault', () => {
  it('are the same after a restart, each of them', async () => {
    const { node, vault } = await TestNode.ready('records of epochs')
    const records = await CommitteeRecords.load(vault)
    const families = (Object.keys(RECORDS) as Family[]).filter(
      (family) => !['key', 'seq'].includes(family),
    )
    const batch = families.map((family) => put(family, pathOf(family), RECORDS[family][0] as never))
    for (const change of batch) await records.write([change])
    const [key] = RECORDS.key
    assert.ok(key)
    await records.write([put('key', [4, bytesToHex(key.keyId)], key)])
    vault.close()
    const again = await CommitteeRecords.load(await node.open(NETWORK))
    assert.deepEqual(
      [...again.values].sort(([a], [b]) => (a < b ? -1 : 1)),
      [...records.values].sort(([a], [b]) => (a < b ? -1 : 1)),
    )
    assert.equal(again.values.size, batch.length + 1)
  })

  it('go when they are removed, and those of attempts with the pointer that decides', async () => {
    const { node, vault } = await TestNode.ready('records that go')
    const records = await CommitteeRecords.load(vault)
    for (const family of ['att', 'qb', 'ready', 'frozen', 'tail', 'prop'] as const)
      await records.write([put(family, pathOf(family), RECORDS[family][0] as never)])
    await records.write([remove('prop', ['aa'])])
    assert.ok(!records.values.has('prop/aa'))
    await records.write([put('pointer', [], { e: 4, k: 1 })])
    assert.ok(records.values.has('att/5/2'))
    await records.write([put('pointer', [], { e: 6, k: 1 })])
    assert.deepEqual([...records.values.keys()], ['pointer'])
    vault.close()
    const again = await CommitteeRecords.load(await node.open(NETWORK))
    assert.deepEqual([...again.values.keys()], ['pointer'])
  })

  it('count in the one counter of the vault, which is raised where others have seen more of it', async () => {
    const { node, vault } = await TestNode.ready('the counter')
    const records = await CommitteeRecords.load(vault)
    const before = vault.seq
    await records.write([put('erasing', [3], true)])
    assert.equal(vault.seq, before + 1)
    await records.write([put('seen', [], [[1, new Uint8Array(16), 812]])])
    assert.equal(vault.seq, before + 1, 'what was seen of others is no promise')
    await records.write([put('quarantine', [], { e: 5, k: 3 }), put('seq', [], 5_000)])
    assert.equal(vault.seq, 5_000)
    vault.close()
    assert.equal((await node.open(NETWORK)).seq, 5_001)
  })

  it('hold ten thousand keys of a list, in pages, found again by their root', async function () {
    this.timeout(60_000)
    const { node, vault } = await TestNode.ready('many keys')
    const keys = exampleKeys(KEYS, false)
    const name: KeyListName = { of: 'keys', count: KEYS, root: keySetRootOf(keys) }
    const lists = new KeyListStore(vault)
    await lists.keep({ name, keys })
    vault.close()
    const again = new KeyListStore(await node.open(NETWORK))
    assert.ok(again.has(name))
    assert.deepEqual(await again.read(name), keys)
    assert.ok((await again.page(name, 0))?.length)
    assert.equal(await again.page(name, 1), undefined)
    await again.keepOnly([])
    assert.ok(!again.has(name))
    assert.equal(await again.page(name, 0), undefined)
  })

  it('refuse a list whose pages are not those of its root', async () => {
    const { node, vault } = await TestNode.ready('other pages')
    const keys = exampleKeys(900, false)
    const name: KeyListName = { of: 'keys', count: keys.length, root: keySetRootOf(keys) }
    const before = await node.rows()
    await new KeyListStore(vault).keep({ name, keys })
    const pages = [...(await node.rows()).keys()].filter(
      (row) => row.startsWith('n/b/') && !before.has(row),
    )
    assert.ok(pages.length > 1)
    await node.store.batch({ puts: [], deletes: pages.slice(1) })
    await assert.rejects(new KeyListStore(vault).read(name), VaultError)
  })

  it('hold keys made in the base as a chain, in one critical record, until the next epoch is decided', async () => {
    const { node, vault } = await TestNode.ready('made keys')
    const records = await CommitteeRecords.load(vault)
    const keys = exampleKeys(40, true)
    await records.write([
      put('cert', [4], RECORDS.cert[0] ?? assert.fail()),
      put('pointer', [], { e: 4, k: 2 }),
    ])
    const critical = vault.criticalNames('committee/').length
    for (const key of keys) await records.write([put('key', [4, bytesToHex(key.keyId)], key)])
    assert.equal(vault.criticalNames('committee/').length, critical + 1)
    const image = await node.rows()
    vault.close()
    const opened = await node.open(NETWORK)
    const again = await CommitteeRecords.load(opened)
    const held = [...again.values].filter(([name]) => name.startsWith('key/4/'))
    assert.deepEqual(new Set(held.map(([, key]) => key)), new Set(keys))
    await again.write([put('pointer', [], { e: 5, k: 1 })])
    assert.ok(![...again.values.keys()].some((name) => name.startsWith('key/')))
    assert.deepEqual(opened.criticalNames('committee/made/'), [])
    opened.close()
    // A host that leaves one of them out is found out.
    await node.restore(image)
    const rows = [...image.keys()].filter((row) => row.startsWith('n/b/'))
    await node.store.batch({ puts: [], deletes: rows.slice(-1) })
    await assert.rejects(CommitteeRecords.load(await node.open(NETWORK)), VaultError)
  })

  it('are written together or not at all', async () => {
    const { vault } = await TestNode.ready('one batch')
    const records = await CommitteeRecords.load(vault)
    vault.close()
    const batch: Change[] = [put('erasing', [3], true), put('pointer', [], { e: 3, k: 1 })]
    await assert.rejects(records.write(batch), VaultError)
    assert.equal(records.values.size, 0)
  })
})
