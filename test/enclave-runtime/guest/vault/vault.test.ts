import assert from 'node:assert/strict'
import { createPublicKey, verify } from 'node:crypto'
import { ed25519 } from '@noble/curves/ed25519.js'
import { FIRST_EPOCH } from '../../../../enclave-runtime/guest/vault/epoch-name.ts'
import { seeded } from '../../../support/seeded.ts'
import { NETWORK, newName, TestNode } from './vault-fixture.ts'

const bytes = (...values: number[]) => Uint8Array.from(values)
const share = (fill: number) => new Uint8Array(32).fill(fill)

describe('Vault: identity', () => {
  it('is made once and stays the same over starts and the adoption of the network', async () => {
    const node = new TestNode('alice')
    const first = await node.open(null)
    const again = await node.open(null)
    const adopted = await node.open(NETWORK)
    const later = await node.open(NETWORK)
    for (const vault of [again, adopted, later]) {
      assert.deepEqual(vault.guestSig, first.guestSig)
      assert.deepEqual(vault.guestEnc, first.guestEnc)
    }
    assert.notDeepEqual(first.guestSig, first.guestEnc)
    assert.notDeepEqual((await new TestNode('bob').open(null)).guestSig, first.guestSig)
  })

  it('signs as node:crypto and noble verify', async () => {
    const { vault } = await TestNode.ready('alice')
    const message = bytes(1, 2, 3)
    const signature = vault.sign(message)
    assert.ok(ed25519.verify(signature, message, vault.guestSig, { zip215: false }))
    const der = Buffer.concat([Buffer.from('302a300506032b6570032100', 'hex'), vault.guestSig])
    const key = createPublicKey({ key: der, format: 'der', type: 'spki' })
    assert.ok(verify(null, message, key, signature))
  })

  it('counts starts and heads', async () => {
    const node = new TestNode('alice')
    const first = await node.open(null)
    const boots = first.bootCounter
    const second = await node.open(null)
    assert.equal(second.bootCounter, boots + 1)
    assert.ok(second.seq > first.seq)
    const seq = second.seq
    await second.write({ critical: new Map([['vote/1', bytes(1)]]) })
    assert.equal(second.seq, seq + 1)
  })

  it('is not made where a network expects one', async () => {
    const node = new TestNode('alice')
    await assert.rejects(node.open(NETWORK), { code: 'NO_IDENTITY' })
    assert.equal((await node.rows()).size, 0)
  })

  it('leaves no seed and no node key behind where it is made, nor where that fails', async () => {
    for (const fails of [false, true]) {
      const node = new TestNode('alice')
      const batch = node.store.batch.bind(node.store)
      if (fails) node.store.batch = () => Promise.reject(new Error('disk full'))
      const drawn: Uint8Array[] = []
      const random = seeded('secrets')
      const opened = node.open(null, {
        random: (length) => {
          const bytes = random(length)
          drawn.push(bytes)
          return bytes
        },
      })
      if (fails) await assert.rejects(opened, { code: 'STORE_FAILED' })
      else await opened
      node.store.batch = batch
      const [nodeKey, sigSeed, encSeed] = drawn
      for (const secret of [nodeKey, sigSeed, encSeed]) assert.deepEqual(secret, new Uint8Array(32))
    }
  })

  it('cannot be read as a record', async () => {
    const { vault } = await TestNode.ready('alice')
    assert.throws(() => vault.critical('identity'), /bug/)
    await assert.rejects(vault.bulk('identity'), /bug/)
  })
})

describe('Vault: records', () => {
  it('gives back critical records, bulk records and shares after a restart', async () => {
    const { node, vault } = await TestNode.ready('alice')
    await vault.write({
      critical: new Map([
        ['ban/2', bytes(2)],
        ['ban/1', bytes(1)],
      ]),
      bulk: new Map([['account/1', bytes(3)]]),
      epoch: FIRST_EPOCH,
      shares: new Map([['share/k1', node.kernel.hold(share(5))]]),
    })
    const later = await node.open(NETWORK)
    assert.deepEqual(later.critical('ban/1'), bytes(1))
    assert.deepEqual(later.criticalNames('ban/'), ['ban/1', 'ban/2'])
    assert.deepEqual(await later.bulk('account/1'), bytes(3))
    assert.deepEqual(node.kernel.bytesOf(await later.loadShare(FIRST_EPOCH, 'share/k1')), share(5))
  })

  it('forgets deleted records', async () => {
    const { node, vault } = await TestNode.ready('alice')
    const before = await node.rows()
    await vault.write({
      critical: new Map([['ban/1', bytes(1)]]),
      bulk: new Map([['account/1', bytes(3)]]),
      epoch: FIRST_EPOCH,
      shares: new Map([['share/k1', node.kernel.hold(share(5))]]),
    })
    await vault.write({
      critical: new Map([
        ['ban/1', null],
        ['never/there', null],
      ]),
      bulk: new Map([['account/1', null]]),
      epoch: FIRST_EPOCH,
      shares: new Map([['share/k1', null]]),
    })
    assert.deepEqual([...(await node.rows()).keys()], [...before.keys()])
    const later = await node.open(NETWORK)
    assert.deepEqual(later.criticalNames('ban/'), [])
    assert.equal(await later.bulk('account/1'), undefined)
    await assert.rejects(later.loadShare(FIRST_EPOCH, 'share/k1'), { code: 'RECORD_CORRUPT' })
  })

  it('holds many critical records', async () => {
    const { node, vault } = await TestNode.ready('alice')
    const names = Array.from({ length: 200 }, (_, i) => `ban/${String(i).padStart(3, '0')}`)
    await vault.write({ critical: new Map(names.map((name) => [name, bytes(1)])) })
    for (const name of names.slice(0, 20)) await vault.write({ critical: new Map([[name, null]]) })
    assert.deepEqual((await node.open(NETWORK)).criticalNames('ban/'), names.slice(20))
  })

  it('wipes what the kernel gave out, and shows the host no name and no byte of it', async () => {
    const { node, vault } = await TestNode.ready('alice')
    await vault.write({
      epoch: FIRST_EPOCH,
      shares: new Map([['share/k1', node.kernel.hold(share(0xee))]]),
    })
    assert.deepEqual(node.kernel.given, [new Uint8Array(32)])
    for (const [name, record] of await node.rows()) {
      assert.match(name, /^(n\/m\/meta|n\/r\/root|(n|e\/00000000)\/[chbks]\/[0-9a-f]{32})$/)
      assert.ok(!Buffer.from(record).includes(Buffer.alloc(16, 0xee)))
      assert.ok(!Buffer.from(record).includes('share'))
    }
  })

  it('keeps beside a share what is public of its key', async () => {
    const { node, vault } = await TestNode.ready('parts')
    const before = await node.rows()
    await vault.write({
      epoch: FIRST_EPOCH,
      shares: new Map([['share/k1', node.kernel.hold(share(5))]]),
      parts: new Map([['share/k1', Uint8Array.of(1, 2, 3)]]),
    })
    assert.deepEqual([...((await vault.sharePart(FIRST_EPOCH, 'share/k1')) ?? [])], [1, 2, 3])
    assert.deepEqual(node.kernel.bytesOf(await vault.loadShare(FIRST_EPOCH, 'share/k1')), share(5))
    assert.equal(await vault.sharePart(FIRST_EPOCH, 'share/k2'), undefined)
    const name = newName(before, await node.rows(), 'e/')
    assert.equal((await node.rows()).get(name)?.length, 58 + 33 + 3)
  })

  it('writes a share once', async () => {
    const { node, vault } = await TestNode.ready('alice')
    await vault.write({
      epoch: FIRST_EPOCH,
      shares: new Map([['share/k1', node.kernel.hold(share(1))]]),
    })
    await assert.rejects(
      vault.write({
        epoch: FIRST_EPOCH,
        shares: new Map([['share/k1', node.kernel.hold(share(2))]]),
      }),
      /written twice/,
    )
    assert.deepEqual(node.kernel.bytesOf(await vault.loadShare(FIRST_EPOCH, 'share/k1')), share(1))
  })

  it('asks the store once for a share that is used often', async () => {
    const { node, vault } = await TestNode.ready('kept')
    await vault.write({
      epoch: FIRST_EPOCH,
      shares: new Map([['share/k1', node.kernel.hold(share(1))]]),
    })
    const asked: string[] = []
    const { get } = node.store
    node.store.get = (name) => {
      asked.push(name)
      return get.call(node.store, name)
    }
    for (let i = 0; i < 3; i++)
      assert.deepEqual(
        node.kernel.bytesOf(await vault.loadShare(FIRST_EPOCH, 'share/k1')),
        share(1),
      )
    assert.equal(asked.length, 1)
  })

  it('forgets a share that it read when its record is deleted, and reads the next one of that name', async () => {
    const { node, vault } = await TestNode.ready('kept')
    await vault.write({
      epoch: FIRST_EPOCH,
      shares: new Map([['share/k1', node.kernel.hold(share(1))]]),
    })
    await vault.loadShare(FIRST_EPOCH, 'share/k1')
    await vault.write({ epoch: FIRST_EPOCH, shares: new Map([['share/k1', null]]) })
    await assert.rejects(vault.loadShare(FIRST_EPOCH, 'share/k1'), { code: 'RECORD_CORRUPT' })
    await vault.write({
      epoch: FIRST_EPOCH,
      shares: new Map([['share/k1', node.kernel.hold(share(2))]]),
    })
    assert.deepEqual(node.kernel.bytesOf(await vault.loadShare(FIRST_EPOCH, 'share/k1')), share(2))
  })

  it('keeps no share that was deleted while the store was asked for it', async () => {
    const { node, vault } = await TestNode.ready('kept')
    await vault.write({
      epoch: FIRST_EPOCH,
      shares: new Map([['share/k1', node.kernel.hold(share(1))]]),
    })
    const { get } = node.store
    const held = Promise.withResolvers<void>()
    node.store.get = async (name) => {
      const record = await get.call(node.store, name)
      await held.promise
      return record
    }
    const reading = vault.loadShare(FIRST_EPOCH, 'share/k1')
    await vault.write({ epoch: FIRST_EPOCH, shares: new Map([['share/k1', null]]) })
    held.resolve()
    await reading
    await assert.rejects(vault.loadShare(FIRST_EPOCH, 'share/k1'), { code: 'RECORD_CORRUPT' })
  })

  it('keeps the order of writes that are asked for at once', async () => {
    const { node, vault } = await TestNode.ready('alice')
    await Promise.all(
      [1, 2, 3, 4].map((i) => vault.write({ critical: new Map([['vote/1', bytes(i)]]) })),
    )
    assert.deepEqual(vault.critical('vote/1'), bytes(4))
    assert.deepEqual((await node.open(NETWORK)).critical('vote/1'), bytes(4))
  })

  it('takes no more after a failed write, and shows nothing of it', async () => {
    const { node, vault } = await TestNode.ready('alice')
    const { batch } = node.store
    node.store.batch = () => Promise.reject(new Error('disk full'))
    const change = { critical: new Map([['ban/1', bytes(1)]]) }
    await assert.rejects(vault.write(change), { code: 'STORE_FAILED' })
    assert.equal(vault.critical('ban/1'), undefined)
    node.store.batch = batch
    await assert.rejects(vault.write(change), { code: 'STORE_FAILED' })
    assert.equal((await node.open(NETWORK)).critical('ban/1'), undefined)
  })

  it('refuses records of the vault itself, and shares before there is a network', async () => {
    const node = new TestNode('alice')
    const vault = await node.open(null)
    for (const name of ['identity', 'head', 'names/0', 'epoch/00000000', '', 'a b', 'ä'])
      assert.throws(() => vault.write({ critical: new Map([[name, bytes(1)]]) }), /bug/)
    await assert.rejects(
      vault.write({
        epoch: FIRST_EPOCH,
        shares: new Map([['share/k1', node.kernel.hold(share(1))]]),
      }),
      { code: 'EPOCH_ERASED' },
    )
  })
})

describe('Vault: the first start in a network', () => {
  it('asks whether the genesis file names this guest, and otherwise changes nothing', async () => {
    const node = new TestNode('alice')
    const { guestSig, guestEnc } = await node.open(null)
    const before = await node.rows()
    const asked: Uint8Array[][] = []
    const named = (sig: Uint8Array, enc: Uint8Array) => {
      asked.push([sig, enc])
      return false
    }
    await assert.rejects(node.open(NETWORK, { named }), { code: 'WRONG_NETWORK' })
    assert.deepEqual(asked, [[guestSig, guestEnc]])
    assert.deepEqual(await node.rows(), before)
  })

  it('is one batch: a crash before it leaves the old, a crash after it the new', async () => {
    const node = new TestNode('alice')
    const { guestSig } = await node.open(null)
    const before = await node.rows()
    const { batch } = node.store
    // the n-th write of the start is the last before the crash
    for (let crash = 0; crash < 4; crash++) {
      await node.restore(before)
      let writes = 0
      node.store.batch = (each) =>
        writes++ < crash ? batch.call(node.store, each) : Promise.reject(new Error('crash'))
      if (crash < 3) await assert.rejects(node.open(NETWORK), { code: 'STORE_FAILED' })
      else await node.open(NETWORK)
      node.store.batch = batch
      assert.deepEqual((await node.open(NETWORK)).guestSig, guestSig)
    }
  })

  it('keeps what was critical before', async () => {
    const node = new TestNode('alice')
    const early = await node.open(null)
    await early.write({ critical: new Map([['boot/label', bytes(4)]]) })
    assert.deepEqual((await node.open(NETWORK)).critical('boot/label'), bytes(4))
  })

  it('seals every record anew, so that none of the old opens in the network', async () => {
    const node = new TestNode('alice')
    await node.open(null)
    const before = await node.rows()
    await node.open(NETWORK)
    const after = await node.rows()
    for (const [name, old] of before) {
      assert.notDeepEqual(after.get(name), old)
      await node.restore(new Map([...after, [name, old]]))
      await assert.rejects(node.open(NETWORK), { name: 'VaultError' })
    }
    await node.restore(after)
    await node.open(NETWORK)
  })
})

describe('Vault: a store that lies', () => {
  const swapped = (rows: Map<string, Uint8Array>, a: string, b: string) => {
    const [first, second] = [rows.get(a), rows.get(b)]
    assert.ok(first && second)
    return new Map([...rows, [a, second], [b, first]])
  }

  it('finds swapped shares of two keys', async () => {
    const { node, vault } = await TestNode.ready('alice')
    const before = await node.rows()
    await vault.write({
      epoch: FIRST_EPOCH,
      shares: new Map([['share/k1', node.kernel.hold(share(1))]]),
    })
    const between = await node.rows()
    await vault.write({
      epoch: FIRST_EPOCH,
      shares: new Map([['share/k2', node.kernel.hold(share(2))]]),
    })
    const rows = await node.rows()
    const names = [newName(before, between, 'e/'), newName(between, rows, 'e/')] as const
    await node.restore(swapped(rows, ...names))
    const later = await node.open(NETWORK)
    await assert.rejects(later.loadShare(FIRST_EPOCH, 'share/k1'), { code: 'RECORD_CORRUPT' })
    await assert.rejects(later.loadShare(FIRST_EPOCH, 'share/k2'), { code: 'RECORD_CORRUPT' })
    await node.restore(rows) // nothing was erased
    assert.deepEqual(
      node.kernel.bytesOf(await (await node.open(NETWORK)).loadShare(FIRST_EPOCH, 'share/k1')),
      share(1),
    )
  })

  it('finds swapped shares of two nodes', async () => {
    const [alice, bob] = [await TestNode.ready('alice'), await TestNode.ready('bob')]
    const named: string[] = []
    for (const { node, vault } of [alice, bob]) {
      const before = await node.rows()
      await vault.write({
        epoch: FIRST_EPOCH,
        shares: new Map([['share/k1', node.kernel.hold(share(1))]]),
      })
      named.push(newName(before, await node.rows(), 'e/'))
    }
    const theirs = (await bob.node.rows()).get(named[1] ?? '')
    assert.ok(theirs)
    await alice.node.put(named[0] ?? '', theirs)
    const later = await alice.node.open(NETWORK)
    await assert.rejects(later.loadShare(FIRST_EPOCH, 'share/k1'), { code: 'RECORD_CORRUPT' })
  })

  it('finds swapped critical records, and swapped bulk records', async () => {
    const { node, vault } = await TestNode.ready('alice')
    const states = [await node.rows()]
    for (const name of ['account/1', 'account/2']) {
      await vault.write({ bulk: new Map([[name, bytes(1)]]) })
      states.push(await node.rows())
    }
    const [a = new Map(), b = new Map(), c = new Map()] = states
    await node.restore(swapped(c, newName(a, b, 'n/b/'), newName(b, c, 'n/b/')))
    await assert.rejects((await node.open(NETWORK)).bulk('account/1'), { code: 'RECORD_CORRUPT' })
    const critical = [...c.keys()].filter((name) => name.startsWith('n/c/'))
    await node.restore(swapped(c, critical[0] ?? '', critical[1] ?? ''))
    await assert.rejects(node.open(NETWORK), { code: 'RECORD_CORRUPT' })
  })

  it('finds a flipped bit in every record of every class', async () => {
    const { node, vault } = await TestNode.ready('alice')
    await vault.write({
      critical: new Map([['ban/1', bytes(1)]]),
      bulk: new Map([['account/1', bytes(3)]]),
      epoch: FIRST_EPOCH,
      shares: new Map([['share/k1', node.kernel.hold(share(5))]]),
    })
    const rows = await node.rows()
    const codes = new Map<string, Set<string>>()
    for (const [name, record] of rows)
      for (const at of [0, 1, 9, 10, 41, 42, record.length - 1]) {
        if (at >= record.length) continue
        const broken = record.slice()
        broken[at] = (broken[at] ?? 0) ^ 1
        await node.restore(new Map([...rows, [name, broken]]))
        const open = async () => {
          const later = await node.open(NETWORK)
          await later.bulk('account/1')
          await later.loadShare(FIRST_EPOCH, 'share/k1')
        }
        const error = await open().then(
          () => undefined,
          (thrown: unknown) => thrown,
        )
        assert.ok(error instanceof Error && 'code' in error, `${name} byte ${at} was taken`)
        const place = name.startsWith('e/') ? name.slice(0, 12) : name.slice(0, 4)
        codes.set(place, (codes.get(place) ?? new Set()).add(String(error.code)))
      }
    assert.deepEqual(
      [...codes].map(([place, set]) => [place, [...set]]),
      [
        ['e/00000000/k', ['ROLLBACK']],
        ['e/00000000/s', ['RECORD_CORRUPT']],
        ['n/b/', ['RECORD_CORRUPT']],
        ['n/c/', ['RECORD_CORRUPT']],
        ['n/h/', ['RECORD_CORRUPT']],
        ['n/m/', ['RECORD_CORRUPT', 'WRONG_NETWORK']],
        ['n/r/', ['WRONG_DEVICE']],
      ],
    )
  })

  it('finds one critical record restored to what it was', async () => {
    const { node, vault } = await TestNode.ready('alice')
    const before = await node.rows()
    await vault.write({ critical: new Map([['ban/1', bytes(1)]]) })
    const old = await node.rows()
    const name = [...old.keys()].filter((each) => !before.has(each) && each.startsWith('n/c/'))
    await vault.write({ critical: new Map([['ban/1', bytes(2)]]) })
    const now = await node.rows()
    const changed = name.filter(
      (each) => !Buffer.from(now.get(each) ?? []).equals(old.get(each) ?? bytes()),
    )
    assert.equal(changed.length, 1)
    await node.restore(new Map([...now, [changed[0] ?? '', old.get(changed[0] ?? '') ?? bytes()]]))
    await assert.rejects(node.open(NETWORK), { code: 'ROLLBACK' })
  })

  it('finds a missing and an extra critical record', async () => {
    const { node, vault } = await TestNode.ready('alice')
    await vault.write({ critical: new Map([['ban/1', bytes(1)]]) })
    const full = await node.rows()
    await vault.write({ critical: new Map([['ban/1', null]]) })
    const less = await node.rows()
    const removed = [...full.keys()].filter((name) => !less.has(name))
    assert.ok(removed.length > 0)
    for (const name of removed) {
      await node.restore(new Map([...less, [name, full.get(name) ?? bytes()]]))
      await assert.rejects(node.open(NETWORK), { name: 'VaultError' })
    }
    for (const name of less.keys()) {
      if (name.startsWith('n/b/')) continue
      await node.restore(new Map([...less].filter(([each]) => each !== name)))
      await assert.rejects(node.open(NETWORK), { name: 'VaultError' }, `${name} was not missed`)
    }
    await node.restore(less)
    await node.open(NETWORK)
  })

  it('finds an older directory under the newest head, and a newer one under an older head', async () => {
    const { node, vault } = await TestNode.ready('alice')
    await vault.write({ critical: new Map([['ban/1', bytes(1)]]) })
    const old = await node.rows()
    await vault.write({ critical: new Map([['ban/1', bytes(2)]]) })
    const now = await node.rows()
    const head = [...now.keys()].find((name) => name.startsWith('n/h/')) ?? ''
    for (const [rows, other] of [
      [old, now],
      [now, old],
    ] as const) {
      await node.restore(new Map([...rows, [head, other.get(head) ?? bytes()]]))
      await assert.rejects(node.open(NETWORK), { code: 'ROLLBACK' })
    }
    await node.restore(now)
    assert.deepEqual((await node.open(NETWORK)).critical('ban/1'), bytes(2))
  })

  it('says that a database is another network’s, and that one is another node’s', async () => {
    const { node } = await TestNode.ready('alice')
    const rows = await node.rows()
    await assert.rejects(node.open(new Uint8Array(32).fill(2)), { code: 'WRONG_NETWORK' })
    await assert.rejects(node.open(null), { code: 'WRONG_NETWORK' })
    const root = node.root
    node.root = new Uint8Array(32).fill(3)
    await assert.rejects(node.open(NETWORK), { code: 'WRONG_DEVICE' })
    node.root = root
    assert.deepEqual(await node.rows(), rows)
    await node.open(NETWORK)
  })

  it('finds that the epoch’s secret is gone, or another device’s', async () => {
    const { node } = await TestNode.ready('alice')
    const kept = node.epochs.bytes.slice()
    node.epochs.bytes.fill(0)
    await assert.rejects(node.open(NETWORK), { code: 'EPOCH_ERASED' })
    node.epochs.bytes.set((await TestNode.ready('bob')).node.epochs.bytes)
    await assert.rejects(node.open(NETWORK), { code: 'WRONG_DEVICE' })
    node.epochs.bytes.set(kept)
    await node.open(NETWORK)
  })

  it('makes no new epoch key when the store hides the old one', async () => {
    const { node } = await TestNode.ready('alice')
    const rows = await node.rows()
    const kept = node.epochs.bytes.slice()
    await node.restore(new Map([...rows].filter(([name]) => !name.startsWith('e/'))))
    await assert.rejects(node.open(NETWORK), { code: 'RECORD_CORRUPT' })
    assert.deepEqual(node.epochs.bytes, kept)
  })

  it('does not read without end', async () => {
    const { node } = await TestNode.ready('alice')
    node.store.scan = async () => ({ rows: [], more: true })
    await assert.rejects(node.open(NETWORK), { code: 'RECORD_CORRUPT' })
    node.store.scan = async () => ({ rows: [['n/c/1', bytes(1)]], more: true })
    await assert.rejects(node.open(NETWORK), { code: 'RECORD_CORRUPT' })
  })
})
