import assert from 'node:assert/strict'
import {
  MAX_PAGE_BYTES,
  MAX_PAGE_ROWS,
  type RecordStore,
} from '../../enclave-runtime/host/record-store.ts'

const put = (name: string, ...bytes: number[]) => ({
  puts: [[name, Uint8Array.from(bytes)] as const],
  deletes: [],
})

/** What every record store must do. `open` gives an empty one; the suite closes it. */
export function recordStoreSuite(name: string, open: () => Promise<RecordStore>): void {
  describe(`${name} as a record store`, () => {
    let store: RecordStore
    beforeEach(async () => {
      store = await open()
    })
    afterEach(() => store.close())

    it('has nothing under a name that was never used', async () => {
      assert.equal(await store.get('n/c/1'), undefined)
    })

    it('gives back the last record put under a name', async () => {
      await store.batch(put('n/c/1', 1))
      await store.batch(put('n/c/1', 2))
      assert.deepEqual(await store.get('n/c/1'), Uint8Array.of(2))
    })

    it('gives plain byte arrays, empty ones too', async () => {
      await store.batch(put('n/c/1'))
      assert.deepEqual(await store.get('n/c/1'), new Uint8Array())
      assert.equal((await store.get('n/c/1'))?.constructor, Uint8Array)
    })

    it('keeps its own copy of what it is given and of what it gives', async () => {
      const given = Uint8Array.of(7)
      await store.batch({ puts: [['n/c/1', given]], deletes: [] })
      given[0] = 0
      const got = await store.get('n/c/1')
      assert.deepEqual(got, Uint8Array.of(7))
      got?.fill(0)
      assert.deepEqual(await store.get('n/c/1'), Uint8Array.of(7))
    })

    it('writes and deletes in one batch, and deletes an absent record quietly', async () => {
      await store.batch(put('n/c/1', 1))
      await store.batch({ puts: [['n/c/2', Uint8Array.of(2)]], deletes: ['n/c/1', 'n/c/3'] })
      assert.equal(await store.get('n/c/1'), undefined)
      assert.deepEqual(await store.get('n/c/2'), Uint8Array.of(2))
    })

    it('scans the rows of a prefix in order of names, after a name', async () => {
      for (const each of ['n/c/b', 'n/c/a', 'n/b/x', 'n/d/x', 'n/c/c'])
        await store.batch(put(each, 1))
      const names = (page: Awaited<ReturnType<RecordStore['scan']>>) => page.rows.map(([n]) => n)
      assert.deepEqual(names(await store.scan('n/c/', '')), ['n/c/a', 'n/c/b', 'n/c/c'])
      assert.deepEqual(names(await store.scan('n/c/', 'n/c/a')), ['n/c/b', 'n/c/c'])
      assert.deepEqual(names(await store.scan('n/c/', 'n/c/c')), [])
      assert.equal((await store.scan('', '')).rows.length, 5)
    })

    it('gives at most a page of rows, and says that there are more', async () => {
      const puts = Array.from(
        { length: MAX_PAGE_ROWS + 1 },
        (_, i) => [`n/c/${String(i).padStart(4, '0')}`, Uint8Array.of(1)] as const,
      )
      await store.batch({ puts, deletes: [] })
      const first = await store.scan('n/c/', '')
      assert.equal(first.rows.length, MAX_PAGE_ROWS)
      assert.equal(first.more, true)
      const second = await store.scan('n/c/', first.rows.at(-1)?.[0] ?? '')
      assert.equal(second.rows.length, 1)
      assert.equal(second.more, false)
    })

    it('keeps a snapshot as it was, whatever is written later', async () => {
      for (const each of ['n/c/b', 'e/00000001/s/aaaa']) await store.batch(put(each, 1))
      const snapshot = store.snapshot()
      await store.batch({ puts: [['n/c/a', Uint8Array.of(2)]], deletes: ['n/c/b'] })
      assert.deepEqual((await snapshot.scan('')).rows, [
        ['e/00000001/s/aaaa', Uint8Array.of(1)],
        ['n/c/b', Uint8Array.of(1)],
      ])
      assert.deepEqual(await snapshot.scan('n/c/b'), { rows: [], more: false })
      await snapshot.close()
      assert.equal((await store.scan('', '')).rows.length, 2)
    })

    it('gives at most a page of bytes, and never an empty page before the end', async () => {
      const half = new Uint8Array(MAX_PAGE_BYTES / 2)
      for (const each of ['n/c/1', 'n/c/2', 'n/c/3'])
        await store.batch({ puts: [[each, half]], deletes: [] })
      const first = await store.scan('n/c/', '')
      assert.equal(first.rows.length, 2)
      assert.equal(first.more, true)
      assert.equal((await store.scan('n/c/', 'n/c/2')).rows.length, 1)
    })
  })
}
