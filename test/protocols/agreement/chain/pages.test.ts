import assert from 'node:assert/strict'
import {
  listRoot,
  MAX_PAGE_ITEM_BYTES,
  Page,
  PagedList,
  pagesOf,
} from '../../../../protocols/agreement/chain/pages.ts'
import { keyCertHash } from '../../../../protocols/agreement/objects/freeze.ts'
import { DecodeError } from '../../../../protocols/session/codec.ts'
import { seeded } from '../../../support/seeded.ts'

const random = seeded('pages')
const items = Array.from({ length: 100 }, (_, i) => random(1000 + 37 * i))
const root = listRoot(items.map(keyCertHash))
const pages = [...pagesOf(root, items)]
const list = (count = items.length) => new PagedList(count, root, keyCertHash)

describe('a list in pages', () => {
  it('goes in pages of at most 64 KiB and comes back whole', () => {
    assert.ok(pages.length >= 4)
    const all = list()
    const got = pages.flatMap((page) => {
      const bytes = Page.encode(page)
      assert.ok(bytes.length <= 65_536)
      return all.add(Page.decode(bytes))
    })
    all.end()
    assert.deepEqual(got, items)
    assert.equal(all.next, items.length)
  })

  it('takes no page of another list, out of order, or beyond its count', () => {
    const [one, two] = pages
    assert.ok(one !== undefined && two !== undefined)
    assert.throws(() => list().add({ ...one, root: new Uint8Array(32) }), /another list/)
    assert.throws(() => list().add(two), /is next/)
    const twice = list()
    twice.add(one)
    assert.throws(() => twice.add(one), /is next/)
    assert.throws(() => list(one.items.length - 1).add(one), /more items/)
  })

  it('is not believed before all of it is there and gives its root', () => {
    const half = list()
    for (const page of pages.slice(0, -1)) half.add(page)
    assert.throws(() => half.end(), /missing/)
    const forged = list()
    for (const page of pages) {
      const [first, ...rest] = page.items
      forged.add({ ...page, items: [(first ?? root).map((byte) => byte ^ 1), ...rest] })
    }
    assert.throws(() => forged.end(), /root/)
  })

  it('of nothing has a root and no pages', () => {
    const none = listRoot([])
    assert.deepEqual([...pagesOf(none, [])], [])
    new PagedList(0, none, keyCertHash).end()
    assert.throws(() => Page.encode({ root: none, first: 0, items: [] }), /empty/)
  })

  it('holds items up to one that fills a page', () => {
    const full = random(MAX_PAGE_ITEM_BYTES)
    const [page, ...more] = [...pagesOf(root, [full])]
    assert.ok(page !== undefined && more.length === 0)
    assert.ok(Page.encode(page).length <= 65_536)
    assert.throws(() => [...pagesOf(root, [random(MAX_PAGE_ITEM_BYTES + 1)])], DecodeError)
  })

  it('of many small items keeps to its bounds', () => {
    const small = Array.from({ length: 40_000 }, () => new Uint8Array(1))
    for (const page of pagesOf(root, small)) assert.ok(Page.encode(page).length <= 65_536)
  })
})
