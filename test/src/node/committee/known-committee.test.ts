import assert from 'node:assert/strict'
import { PublishedCommittee } from '../../../../protocols/agreement/chain/published-committee.ts'
import { PublishedNetwork } from '../../../../protocols/agreement/chain/published-network.ts'
import { committeeIdOf } from '../../../../protocols/agreement/genesis.ts'
import { baseOfRecord } from '../../../../protocols/agreement/rules/base.ts'
import { encodeCanonical } from '../../../../protocols/session/canonical-cbor.ts'
import { DecodeError } from '../../../../protocols/session/codec.ts'
import {
  CommitteeRecords,
  committeeKey,
  netKey,
} from '../../../../src/node/committee/committee-records.ts'
import { type Kept, KnownCommittee } from '../../../../src/node/committee/known-committee.ts'
import { keyBytes, RecordRefused } from '../../../../src/node/discovery/record-memory.ts'
import {
  activate,
  certify,
  exampleFirst,
  rootSign,
  stampOf,
  TIME,
} from '../../../protocols/agreement/example-epochs.ts'
import {
  committeeId,
  first,
  listOf,
  networkId,
  publishedOf,
  second,
  third,
  twin,
} from '../support/published.ts'

const HOUR = 3_600_000
const OTHER = new Uint8Array(32).fill(0xee)

describe('the newest committee that a host knows', function () {
  this.timeout(20_000)
  let now = TIME + HOUR
  let saved: Kept[] = []
  let known: KnownCommittee
  let refused: string[] = []
  let stale = 0
  let behind = 0
  let records: CommitteeRecords

  const create = (): KnownCommittee =>
    new KnownCommittee({
      networkId,
      committeeId,
      now: () => now,
      save: async (kept) => void saved.push(kept),
      onNewer: () => {},
    })
  beforeEach(async () => {
    now = TIME + HOUR
    saved = []
    refused = []
    stale = 0
    behind = 0
    known = create()
    await known.adopt(publishedOf(second, now))
    saved = []
    records = new CommitteeRecords(
      known,
      { networkId, committeeId },
      {
        refused: (namespace, reason) => refused.push(`${namespace} ${reason}`),
        stale: () => stale++,
        behind: () => behind++,
      },
    )
  })
  const why = (judged: object): unknown => ('reason' in judged ? judged.reason : 'taken')
  const epochOf = () => known.newest?.committee.cert.record.e

  it('follows what its own guest says, upwards alone', async () => {
    assert.equal(await known.adopt(publishedOf(second, now)), 'older')
    assert.equal(await known.adopt(publishedOf(first, now)), 'older')
    assert.equal(await known.adopt(publishedOf(twin, now + 1)), 'fork')
    assert.equal(await known.adopt(publishedOf(second, now + 1)), 'newer')
    assert.equal(await known.adopt(publishedOf(third, now)), 'newer')
    assert.equal(epochOf(), 2)
    assert.equal(saved.length, 2)
    const { genesis, cert, record } = exampleFirst(4, 3)
    assert.ok(genesis.length > 0)
    await assert.rejects(known.adopt(publishedOf({ cert, record }, now)), DecodeError)
  })

  it('believes nobody else before its own guest said something', () => {
    const fresh = create()
    assert.equal(why(fresh.judge(publishedOf(second, now))), 'unknown')
    assert.equal(why(fresh.judgeList(listOf(second, now))), 'unknown')
    assert.equal(fresh.list, undefined)
  })

  it('takes newer ones of others, the same again, and nothing less', async () => {
    assert.equal(why(await known.take(publishedOf(second, now))), 'taken')
    assert.equal(saved.length, 0)
    now += HOUR
    assert.equal(why(await known.take(publishedOf(second, now))), 'taken')
    assert.equal(why(await known.take(publishedOf(second, now - 1))), 'stale')
    assert.equal(why(await known.take(publishedOf(third, now - HOUR))), 'taken')
    assert.equal(epochOf(), 2)
    assert.equal(why(await known.take(publishedOf(second, now + 1))), 'stale')
    assert.deepEqual(
      saved.map(({ published }) => published?.length !== undefined),
      [true, true],
    )
  })

  it('takes no less after a restart', async () => {
    await known.take(publishedOf(third, now))
    await known.takeList(listOf(third, now + 5))
    const last = saved.at(-1)
    assert.ok(last)
    const again = create()
    again.restore(last)
    assert.equal(again.newest?.committee.cert.record.e, 2)
    assert.equal(why(again.judge(publishedOf(second, now))), 'stale')
    assert.equal(why(again.judgeList(listOf(third, now + 4))), 'stale')
    assert.equal(await again.adopt(publishedOf(second, now + 9)), 'older')
  })

  /** Each field that can be wrong, alone, and the word for it. */
  const next = third
  const { record } = next
  const byOther = (digest: Uint8Array) => rootSign(digest, OTHER)
  const certOf = (change: object) => ({ ...next.cert, ...change })
  const bad: readonly [field: string, bytes: () => Uint8Array, reason: string][] = [
    ['bytes', () => publishedOf(next, now).subarray(1), 'invalid'],
    ['a byte more', () => Uint8Array.of(...publishedOf(next, now), 0), 'invalid'],
    ['type', () => encodeCanonical(['publishes', 1, 1, 1, 1]), 'invalid'],
    [
      'network',
      () => {
        const other = exampleFirst(4, 3)
        return publishedOf(other, now)
      },
      'invalid',
    ],
    [
      'root key',
      () => {
        const changed = {
          ...record,
          rootKey: record.rootKey.with(0, record.rootKey[0] === 2 ? 3 : 2),
        }
        return publishedOf({ cert: certOf({ record: changed }), record: changed }, now)
      },
      'other-committee',
    ],
    ['epoch', () => publishedOf(first, now), 'stale'],
    ['record of the same epoch', () => publishedOf(twin, now), 'fork'],
    [
      'record that is signed',
      () => publishedOf(next, now, { rootSig: activate(second.record) }),
      'not-activated',
    ],
    [
      'root signature',
      () =>
        publishedOf(next, now, {
          rootSig: { ...activate(record), signature: byOther(new Uint8Array(32).fill(1)) },
        }),
      'not-activated',
    ],
    [
      'stamp of another',
      () => publishedOf(next, now, { stamp: stampOf(second.record, now) }),
      'stamp-other-record',
    ],
    ['stamp that ended', () => publishedOf(next, now - 2 * HOUR), 'stamp-expired'],
    ['stamp to come', () => publishedOf(next, now + 90_001), 'stamp-future'],
    [
      'life of the stamp',
      () => publishedOf(next, now, { stamped: { validUntil: now + 2 * HOUR + 1 } }),
      'stamp-life',
    ],
    [
      'signature of the stamp',
      () =>
        publishedOf(next, now, {
          stamp: { ...stampOf(record, now), signature: byOther(new Uint8Array(32).fill(2)) },
        }),
      'not-stamped',
    ],
    [
      'READY of one',
      () => publishedOf({ cert: certOf({ ready: next.cert.ready.slice(1) }), record }, now),
      'certificate',
    ],
    [
      'a prekey',
      () => {
        const [one, ...others] = next.cert.ready
        assert.ok(one)
        const ready = [{ ...one, prekey: one.prekey.with(3, (one.prekey[3] ?? 0) ^ 1) }, ...others]
        return publishedOf({ cert: certOf({ ready }), record }, now)
      },
      'certificate',
    ],
    [
      'a quorum',
      () => publishedOf({ cert: certify(baseOfRecord(second.record), record, 3), record }, now),
      'certificate',
    ],
    ['round', () => publishedOf({ cert: certOf({ round: 2 }), record }, now), 'certificate'],
  ]
  for (const [field, bytes, reason] of bad)
    it(`takes no published committee with another ${field}: ${reason}`, async () => {
      const key = committeeKey(committeeId)
      await assert.rejects(records.accept({ key, bytes: bytes() }), (error: unknown) => {
        assert.ok(error instanceof RecordRefused)
        assert.equal(error.reason, reason)
        return true
      })
      assert.deepEqual([refused, epochOf(), saved.length], [[`hf-committee ${reason}`], 1, 0])
      assert.equal(stale, reason === 'stale' ? 1 : 0)
    })

  it('takes a committee two epochs ahead by what it shows itself', async () => {
    const fresh = create()
    await fresh.adopt(publishedOf(first, now))
    assert.equal(why(await fresh.take(publishedOf(third, now))), 'taken')
    const without = { ...third.cert, ready: third.cert.ready.slice(1) }
    const again = create()
    await again.adopt(publishedOf(first, now))
    assert.equal(why(again.judge(publishedOf({ ...third, cert: without }, now))), 'certificate')
  })

  const badLists: readonly [field: string, bytes: () => Uint8Array, reason: string][] = [
    ['bytes', () => listOf(third, now).subarray(1), 'invalid'],
    ['number of committees', () => PublishedNetwork.encode([]), 'invalid'],
    [
      'committee',
      () => listOf(third, now, { committeeId: committeeIdOf(networkId, 1) }),
      'other-committee',
    ],
    [
      'root key',
      () => listOf(third, now, { rootKey: record.rootKey.with(5, 1) }),
      'other-committee',
    ],
    ['epoch', () => listOf(third, now, { e: 3 }), 'stamp-other-record'],
    ['record', () => listOf(third, now, { recordHash: OTHER }), 'stamp-other-record'],
    ['record of the same epoch', () => listOf(twin, now), 'fork'],
    ['older epoch', () => listOf(first, now), 'stale'],
    [
      'stamp of another',
      () => listOf(third, now, { stamp: stampOf(second.record, now) }),
      'stamp-other-record',
    ],
    ['stamp that ended', () => listOf(third, now - 2 * HOUR), 'stamp-expired'],
    ['stamp to come', () => listOf(third, now + 90_001), 'stamp-future'],
    [
      'life of the stamp',
      () =>
        listOf(second, now, { stamp: stampOf(second.record, now, { validUntil: now + 3 * HOUR }) }),
      'stamp-life',
    ],
    [
      'signature of the stamp',
      () =>
        listOf(third, now, {
          stamp: { ...stampOf(record, now), signature: byOther(new Uint8Array(32).fill(2)) },
        }),
      'not-stamped',
    ],
  ]
  for (const [field, bytes, reason] of badLists)
    it(`takes no list with another ${field}: ${reason}`, async () => {
      const record = { key: netKey(networkId), bytes: bytes() }
      await assert.rejects(records.accept(record), { reason })
      assert.deepEqual([refused, saved.length], [[`hf-net ${reason}`], 0])
    })

  it('says that it is behind when a list has a newer epoch, and refuses an older list from then on', async () => {
    const key = netKey(networkId)
    await records.accept({ key, bytes: listOf(second, now) })
    assert.equal(behind, 0)
    await records.accept({ key, bytes: listOf(third, now - 5) })
    assert.equal(behind, 1)
    await assert.rejects(records.accept({ key, bytes: listOf(second, now) }), { reason: 'stale' })
    await records.accept({ key, bytes: listOf(third, now) })
    await assert.rejects(records.accept({ key, bytes: listOf(third, now - 1) }), {
      reason: 'stale',
    })
    assert.equal(stale, 2)
  })

  it('keeps no record of other networks, none that is too large, and none under another name', async () => {
    const bytes = publishedOf(third, now)
    for (const key of [netKey(OTHER), committeeKey(OTHER), '/hf-net/x', '/hf-key/00'])
      await assert.rejects(records.accept({ key, bytes }), { reason: 'key' })
    const large = new Uint8Array(64 * 1024 + 1)
    await assert.rejects(records.accept({ key: committeeKey(committeeId), bytes: large }), {
      reason: 'size',
    })
    await assert.rejects(
      records.accept({ key: committeeKey(committeeId), bytes: listOf(third, now) }),
      {
        reason: 'invalid',
      },
    )
  })

  it('publishes both records while the stamp lives, and selects the highest of what others have', async () => {
    const [committee, list] = records.own()
    assert.equal(committee?.key, committeeKey(committeeId))
    assert.deepEqual(
      PublishedCommittee.decode(committee?.bytes ?? OTHER).cert.record,
      second.record,
    )
    assert.deepEqual(list?.bytes, listOf(second, now))
    assert.deepEqual(records.best(netKey(networkId)), { record: list })
    const key = keyBytes(committeeKey(committeeId))
    const values = [second, third, first].map((epoch) => publishedOf(epoch, now))
    assert.equal(records.select(key, [OTHER, ...values]), 2)
    assert.equal(records.select(key, [publishedOf(second, now), publishedOf(second, now + 1)]), 1)
    const lists = [listOf(second, now), listOf(third, now - 9), listOf(third, now)]
    assert.equal(records.select(keyBytes(netKey(networkId)), lists), 2)
    now += 3 * HOUR
    assert.deepEqual(records.own(), [])
    assert.equal(records.best(netKey(networkId)), undefined)
  })
})
