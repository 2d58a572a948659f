import assert from 'node:assert/strict'
import type { EpochName } from '../../../../enclave-runtime/guest/epochs/epoch-work.ts'
import { epochNumber, FIRST_EPOCH } from '../../../../enclave-runtime/guest/vault/epoch-name.ts'
import type { Vault } from '../../../../enclave-runtime/guest/vault/vault.ts'
import { NETWORK, TestNode } from './vault-fixture.ts'

const NEXT: EpochName = { e: 1, k: 1 }
const AGAIN: EpochName = { e: 1, k: 2 }
const share = (fill: number) => new Uint8Array(32).fill(fill)
const nameOf = (i: number) => `share/${String(i).padStart(3, '0')}`

/** A node with one share and one secret in each of these epochs. */
async function nodeWith(...epochs: readonly EpochName[]) {
  const { node, vault } = await TestNode.ready('epochs')
  for (const [at, epoch] of epochs.entries()) {
    await vault.makeEpoch(epoch)
    await vault.write({
      epoch,
      shares: new Map([['share/k1', node.kernel.hold(share(at + 1))]]),
      secrets: new Map([['prekey', share(at + 0x51)]]),
    })
  }
  return { node, vault }
}

/** The first byte of the share and of the secret there. */
async function held(node: TestNode, vault: Vault, epoch: EpochName): Promise<number[]> {
  const opened = node.kernel.bytesOf(await vault.loadShare(epoch, 'share/k1'))
  const secret = await vault.secret(epoch, 'prekey')
  return [opened?.[0] ?? 0, secret?.[0] ?? 0]
}

/** A device that dies at the n-th write, of the store or of the epoch file; counts them when it does not. */
class Crash {
  writes = 0
  readonly #node: TestNode
  readonly #batch: TestNode['store']['batch']
  readonly #write: TestNode['epochs']['write']

  constructor(node: TestNode, { at, after = false }: { at: number; after?: boolean }) {
    this.#node = node
    const { store, epochs } = node
    this.#batch = store.batch
    this.#write = epochs.write
    const died = () => new Error('the device died')
    const isOver = () => this.writes > at || (this.writes === at && after)
    store.batch = async (each) => {
      if (++this.writes > at) throw died()
      await this.#batch.call(store, each)
      if (isOver()) throw died()
    }
    epochs.write = (place, bytes) => {
      if (++this.writes > at) throw died()
      this.#write.call(epochs, place, bytes)
      if (isOver()) throw died()
    }
  }

  end(): void {
    this.#node.store.batch = this.#batch
    this.#node.epochs.write = this.#write
  }
}

describe('Vault: epochs', () => {
  it('holds shares and secrets of several epochs under one name, over restarts', async () => {
    const { node, vault } = await nodeWith(FIRST_EPOCH, NEXT, AGAIN)
    for (const each of [vault, await node.open(NETWORK)]) {
      assert.deepEqual(each.epochs, [FIRST_EPOCH, NEXT, AGAIN])
      assert.deepEqual(await held(node, each, FIRST_EPOCH), [1, 0x51])
      assert.deepEqual(await held(node, each, NEXT), [2, 0x52])
      assert.deepEqual(await held(node, each, AGAIN), [3, 0x53])
      assert.equal(await each.secret(NEXT, 'other'), undefined)
    }
  })

  it('shows rooms of an epoch its shares alone', async () => {
    const { node, vault } = await nodeWith(FIRST_EPOCH, NEXT)
    const records = vault.inEpoch(NEXT)
    assert.deepEqual(node.kernel.bytesOf(await records.loadShare('share/k1')), share(2))
    await records.write({ shares: new Map([['share/k2', node.kernel.hold(share(9))]]) })
    assert.equal(await vault.sharePart(FIRST_EPOCH, 'share/k2'), undefined)
    assert.deepEqual(node.kernel.bytesOf(await vault.loadShare(NEXT, 'share/k2')), share(9))
  })

  it('makes an epoch once', async () => {
    const { node, vault } = await nodeWith(NEXT)
    await Promise.all([vault.makeEpoch(NEXT), vault.makeEpoch(NEXT)])
    assert.deepEqual(await held(node, vault, NEXT), [1, 0x51])
  })

  it('names every epoch below 2^16, and nothing else', () => {
    assert.equal(epochNumber({ e: 0xffff, k: 0xffff }), 0xffffffffn)
    for (const name of [
      { e: 0x10000, k: 0 },
      { e: 0, k: 0x10000 },
      { e: -1, k: 0 },
      { e: 0.5, k: 0 },
    ])
      assert.throws(() => epochNumber(name), /bug/)
  })

  it('takes and gives nothing in an epoch that was never made', async () => {
    const { node, vault } = await nodeWith(FIRST_EPOCH)
    await assert.rejects(vault.loadShare(NEXT, 'share/k1'), { code: 'EPOCH_ERASED' })
    await assert.rejects(vault.secret(NEXT, 'prekey'), { code: 'EPOCH_ERASED' })
    const shares = new Map([['share/k1', node.kernel.hold(share(1))]])
    await assert.rejects(vault.write({ epoch: NEXT, shares }), { code: 'EPOCH_ERASED' })
    await assert.rejects(vault.write({ shares }), /bug: shares and secrets of no epoch/)
    await vault.write({ critical: new Map([['vote/1', share(1)]]) }) // the vault goes on
  })

  it('tells a share from a secret, and finds both altered and swapped between epochs', async () => {
    const { node, vault } = await nodeWith(NEXT, AGAIN)
    await assert.rejects(vault.loadShare(NEXT, 'prekey'), { code: 'RECORD_CORRUPT' })
    await assert.rejects(vault.secret(NEXT, 'share/k1'), { code: 'RECORD_CORRUPT' })
    const rows = await node.rows()
    const other = (name: string) => name.replace('e/00010001/', 'e/00010002/')
    for (const [name, record] of rows)
      if (name.startsWith('e/00010001/s/')) {
        const theirs = rows.get(other(name))
        assert.ok(theirs)
        await node.put(name, theirs)
        await node.put(other(name), record)
      }
    const later = await node.open(NETWORK)
    for (const epoch of [NEXT, AGAIN]) {
      await assert.rejects(later.loadShare(epoch, 'share/k1'), { code: 'RECORD_CORRUPT' })
      await assert.rejects(later.secret(epoch, 'prekey'), { code: 'RECORD_CORRUPT' })
    }
  })

  it('writes a secret once, and wipes what it sealed', async () => {
    const { vault } = await nodeWith(NEXT)
    const secrets = new Map([['prekey', share(7)]])
    await assert.rejects(vault.write({ epoch: NEXT, secrets }), /written twice/)
    assert.equal((await vault.secret(NEXT, 'prekey'))?.[0], 0x51)
  })
})

describe('Vault: many shares', () => {
  const shares = (node: TestNode, count: number, fill: number) =>
    Array.from({ length: count }, (_, i) => ({
      name: nameOf(i),
      share: node.kernel.hold(share(fill)),
      part: new Uint8Array(600).fill(i),
    }))

  it('writes a chunk of 256 with their parts in batches that the store takes', async () => {
    const { node, vault } = await nodeWith(NEXT)
    const sizes: number[] = []
    const { batch } = node.store
    node.store.batch = (each) => {
      sizes.push(each.puts.length)
      return batch.call(node.store, each)
    }
    await vault.writeShares(NEXT, shares(node, 256, 5), 0)
    assert.deepEqual(sizes, [128, 128])
    const later = await node.open(NETWORK)
    for (const i of [0, 127, 128, 255]) {
      assert.deepEqual(node.kernel.bytesOf(await later.loadShare(NEXT, nameOf(i))), share(5))
      assert.equal((await later.sharePart(NEXT, nameOf(i)))?.[0], i)
    }
  })

  it('replaces a share by one of a higher write number alone', async () => {
    const { node, vault } = await nodeWith(NEXT)
    await vault.writeShares(NEXT, shares(node, 3, 5), 0)
    await assert.rejects(vault.writeShares(NEXT, shares(node, 3, 6), 0), /written twice/)
    await vault.writeShares(NEXT, shares(node, 2, 6), 2)
    await assert.rejects(vault.writeShares(NEXT, shares(node, 3, 7), 1), /written twice/)
    const fills = await Promise.all(
      [0, 1, 2].map(async (i) => node.kernel.bytesOf(await vault.loadShare(NEXT, nameOf(i)))?.[0]),
    )
    assert.deepEqual(fills, [6, 6, 5])
  })
})

describe('Vault: the end of an epoch', () => {
  it('leaves nothing of it on the disk and in the device, and the others as they are', async () => {
    for (const [gone, stays] of [
      [FIRST_EPOCH, NEXT], // as S12 does it
      [NEXT, FIRST_EPOCH], // as ABORT does it
    ] as const) {
      const { node, vault } = await nodeWith(FIRST_EPOCH, NEXT)
      const used = () => node.epochs.bytes.filter((byte) => byte !== 0).length
      const slots = used()
      await vault.destroyEpoch(gone)
      await vault.destroyEpoch(gone)
      assert.ok(used() < slots)
      const prefix = `e/${epochNumber(gone).toString(16).padStart(8, '0')}/`
      assert.deepEqual(
        [...(await node.rows()).keys()].filter((name) => name.startsWith(prefix)),
        [],
      )
      for (const each of [vault, await node.open(NETWORK)]) {
        assert.deepEqual(each.epochs, [stays])
        await assert.rejects(each.loadShare(gone, 'share/k1'), { code: 'EPOCH_ERASED' })
        assert.equal((await held(node, each, stays)).length, 2)
      }
    }
  })

  it('does not touch an attempt between two epochs that live', async () => {
    const { node, vault } = await nodeWith(FIRST_EPOCH, NEXT, AGAIN)
    await vault.destroyEpoch(NEXT)
    const later = await node.open(NETWORK)
    assert.deepEqual(later.epochs, [FIRST_EPOCH, AGAIN])
    assert.deepEqual(await held(node, later, AGAIN), [3, 0x53])
  })

  it('deletes every record of an epoch with more than a page of them', async () => {
    const { node, vault } = await nodeWith(NEXT)
    const many = Array.from({ length: 700 }, (_, i) => ({
      name: nameOf(i),
      share: node.kernel.hold(share(1)),
      part: new Uint8Array(),
    }))
    await vault.writeShares(NEXT, many, 0)
    const { size } = await node.rows()
    await vault.destroyEpoch(NEXT)
    let left = 0
    for (let after = '', more = true; more; ) {
      const page = await node.store.scan('e/00010001/', after)
      left += page.rows.length
      more = page.more
      after = page.rows.at(-1)?.[0] ?? ''
    }
    assert.ok(size > 0)
    assert.equal(left, 0)
  })

  it('ends what is written under it, and the vault goes on', async () => {
    const { node, vault } = await nodeWith(FIRST_EPOCH, NEXT)
    const writing = vault.write({
      epoch: NEXT,
      shares: new Map([['share/k2', node.kernel.hold(share(1))]]),
    })
    const destroyed = vault.destroyEpoch(NEXT)
    await assert.rejects(writing, { code: 'EPOCH_ERASED' })
    await destroyed
    await vault.write({ critical: new Map([['vote/1', share(1)]]) })
  })

  it('opens nothing with the directory of before beside the key files of after', async () => {
    const { node, vault } = await nodeWith(FIRST_EPOCH, NEXT)
    const before = await node.rows()
    const keysBefore = node.epochs.bytes.slice()
    await vault.destroyEpoch(FIRST_EPOCH)
    await node.restore(before)
    await assert.rejects(node.open(NETWORK), { code: 'EPOCH_ERASED' })
    node.epochs.bytes.set(keysBefore) // positive control: with the old key file all of it opens
    assert.deepEqual(await held(node, await node.open(NETWORK), FIRST_EPOCH), [1, 0x51])
  })

  it('opens nothing with its old records among the new ones', async () => {
    const { node, vault } = await nodeWith(FIRST_EPOCH, NEXT)
    const before = await node.rows()
    await vault.destroyEpoch(FIRST_EPOCH)
    for (const [name, record] of before)
      if (name.startsWith('e/00000000/')) await node.put(name, record)
    const later = await node.open(NETWORK)
    assert.deepEqual(later.epochs, [NEXT])
    await assert.rejects(later.loadShare(FIRST_EPOCH, 'share/k1'), { code: 'EPOCH_ERASED' })
    // Made again under the same name it is another epoch, and does not open them either.
    await later.makeEpoch(FIRST_EPOCH)
    await assert.rejects(later.loadShare(FIRST_EPOCH, 'share/k1'), { code: 'RECORD_CORRUPT' })
  })

  it('leaves none of its secrets anywhere', async () => {
    const { node, vault } = await nodeWith(FIRST_EPOCH, NEXT)
    const slot = node.epochs.bytes.slice(8, 40)
    assert.ok(slot.some((byte) => byte !== 0))
    await vault.destroyEpoch(FIRST_EPOCH)
    assert.ok(!Buffer.from(node.epochs.bytes).includes(Buffer.from(slot)))
  })
})

describe('Vault: a crash while an epoch is made or destroyed', () => {
  for (const after of [false, true]) {
    const when = after ? 'after' : 'before'

    it(`makes it anew or keeps it, when it died ${when} any write`, async () => {
      for (let at = after ? 1 : 0; ; at++) {
        const { node, vault } = await nodeWith(FIRST_EPOCH)
        const crash = new Crash(node, { at, after })
        const made = await vault.makeEpoch(NEXT).then(
          () => true,
          () => false,
        )
        crash.end()
        if (made) {
          assert.equal(crash.writes, 2) // the slot, then the batch that names it
          return
        }
        const later = await node.open(NETWORK)
        await later.makeEpoch(NEXT)
        const shares = new Map([['share/k1', node.kernel.hold(share(8))]])
        await later.write({ epoch: NEXT, shares, secrets: new Map([['prekey', share(9)]]) })
        assert.deepEqual(await held(node, await node.open(NETWORK), NEXT), [8, 9])
        assert.deepEqual(await held(node, later, FIRST_EPOCH), [1, 0x51])
        const slots = Array.from({ length: 64 }, (_, i) =>
          node.epochs.bytes.subarray(64 * i, 64 * i + 64),
        )
        assert.equal(slots.filter((slot) => slot.some((byte) => byte !== 0)).length, 2)
      }
    })

    it(`goes on destroying it at the next start, when it died ${when} any write`, async () => {
      for (let at = after ? 1 : 0; ; at++) {
        const { node, vault } = await nodeWith(FIRST_EPOCH, NEXT)
        const old = await node.rows()
        const crash = new Crash(node, { at, after })
        const done = await vault.destroyEpoch(FIRST_EPOCH).then(
          () => true,
          () => false,
        )
        crash.end()
        if (done) {
          assert.equal(crash.writes, 4) // the mark, the slot, the records, the end of the mark
          return
        }
        await assert.rejects(vault.loadShare(FIRST_EPOCH, 'share/k1'), { code: 'EPOCH_ERASED' })
        if (at > 1) {
          const now = await node.rows()
          await node.restore(old)
          await assert.rejects(node.open(NETWORK), { code: 'EPOCH_ERASED' })
          await node.restore(now)
        }
        const later = await node.open(NETWORK)
        if (at > 0) assert.deepEqual(later.epochs, [NEXT])
        await later.destroyEpoch(FIRST_EPOCH) // whoever asked for it asks again after a crash
        assert.deepEqual((await node.open(NETWORK)).epochs, [NEXT])
        assert.deepEqual(await held(node, later, NEXT), [2, 0x52])
        assert.ok(![...(await node.rows()).keys()].some((name) => name.startsWith('e/00000000/')))
      }
    })
  }
})
