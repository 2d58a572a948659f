import assert from 'node:assert/strict'
import { secp256k1 } from '@noble/curves/secp256k1.js'
import { PublishedCommittee } from '../../../../protocols/agreement/chain/published-committee.ts'
import { rootDigest, stampDigest } from '../../../../protocols/agreement/chain/root-key.ts'
import {
  maySignStamp,
  STAMP_READER_SKEW_MS,
  stampFor,
} from '../../../../protocols/agreement/chain/stamp.ts'
import {
  type Known,
  rootKeyByNetworkId,
  type Shown,
  verifyByRootKey,
} from '../../../../protocols/agreement/chain/verify-committee.ts'
import { networkIdOf } from '../../../../protocols/agreement/genesis.ts'
import type { EpochRecord } from '../../../../protocols/agreement/objects/record.ts'
import { recordHash } from '../../../../protocols/agreement/objects/record.ts'
import { baseOfRecord } from '../../../../protocols/agreement/rules/base.ts'
import { DecodeError } from '../../../../protocols/session/codec.ts'
import {
  activate,
  certify,
  exampleFirst,
  exampleNext,
  ROOT_KEY,
  rootSign,
  stampOf,
  TIME,
} from '../example-epochs.ts'

const first = exampleFirst(5, 3)
const { base } = first
const next = exampleNext(baseOfRecord(first.record))
const twin = exampleNext(baseOfRecord(first.record), { nonce: new Uint8Array(16) })
const after = exampleNext(baseOfRecord(next.record))
const HOUR = 3_600_000
const now = TIME + HOUR

const known: Known = {
  networkId: base.networkId,
  committeeId: base.committeeId,
  rootKey: ROOT_KEY,
  newest: { e: 1, recordHash: recordHash(next.record) },
}
const shown = (record: EpochRecord, issuedAt = now): Shown => ({
  record,
  rootSig: activate(record),
  stamp: stampOf(record, issuedAt),
})
const why = (shown: Shown, by: Partial<Known> = {}, at = now) => {
  const verdict = verifyByRootKey({ ...known, ...by }, shown, at)
  return verdict.verified ? 'verified' : verdict.why
}
const other = new Uint8Array(32).fill(0xee)

describe('a committee, for one who knows rootKey', () => {
  it('is verified by two signatures, and remembered', () => {
    assert.deepEqual(verifyByRootKey({ ...known, newest: null }, shown(next.record), now), {
      verified: true,
      newest: { e: 1, recordHash: recordHash(next.record) },
    })
    assert.equal(why(shown(next.record)), 'verified')
    assert.equal(why(shown(after.record)), 'verified')
  })

  it('is refused when it is older than one seen before, though its stamp is good', () => {
    assert.equal(why(shown(first.record)), 'older')
    assert.equal(why(shown(next.record), { newest: { e: 2, recordHash: other } }), 'older')
    assert.equal(why(shown(first.record), { newest: null }), 'verified') // what a stamp does not prove
  })

  it('is a fork when it is another of the same epoch', () => {
    assert.equal(why(shown(twin.record)), 'fork')
    assert.equal(why(shown(twin.record), { newest: null }), 'verified')
  })

  it('is refused without a stamp that lives', () => {
    assert.equal(why({ ...shown(next.record), stamp: null }), 'no-stamp')
    assert.equal(why(shown(next.record), {}, now + 2 * HOUR), 'stamp-expired')
    assert.equal(why(shown(next.record), {}, now + 2 * HOUR - 1), 'verified')
    assert.equal(why(shown(next.record), {}, now - STAMP_READER_SKEW_MS), 'verified')
    assert.equal(why(shown(next.record), {}, now - STAMP_READER_SKEW_MS - 1), 'stamp-future')
    const long = stampOf(next.record, now, { validUntil: now + 2 * HOUR + 1 })
    assert.equal(why({ ...shown(next.record), stamp: long }), 'stamp-life')
    const none = stampOf(next.record, now, { validUntil: now })
    assert.equal(why({ ...shown(next.record), stamp: none }), 'stamp-life')
  })

  it('is refused with the stamp of another record, epoch or committee', () => {
    for (const fields of [{ recordHash: other }, { e: 2 }, { committeeId: other }])
      assert.equal(
        why({ ...shown(next.record), stamp: stampOf(next.record, now, fields) }),
        'stamp-other-record',
      )
    assert.equal(
      why({ ...shown(next.record), stamp: stampOf(after.record, now) }),
      'stamp-other-record',
    )
  })

  it('is refused under another network, committee or key', () => {
    assert.equal(why(shown(next.record), { networkId: other }), 'other-committee')
    assert.equal(why(shown(next.record), { committeeId: other }), 'other-committee')
    const rootKey = secp256k1.getPublicKey(other, true)
    assert.equal(why(shown(next.record), { rootKey }), 'other-committee')
  })

  it('is refused with signatures of another key, of another domain, of high s, or changed', () => {
    const good = shown(next.record)
    assert.ok(good.stamp !== null)
    const hash = recordHash(next.record)
    const active = rootDigest('epoch-active', hash)
    const digest = stampDigest(good.stamp)
    for (const signature of [
      rootSign(active, other),
      rootSign(rootDigest('epoch-test', hash)), // test signatures of aborted attempts exist
      highS(rootSign(active)),
      ...spoilt(good.rootSig.signature),
    ])
      assert.equal(why({ ...good, rootSig: { recordHash: hash, signature } }), 'not-activated')
    for (const signature of [
      rootSign(digest, other),
      highS(rootSign(digest)),
      ...spoilt(good.stamp.signature),
    ])
      assert.equal(why({ ...good, stamp: { ...good.stamp, signature } }), 'not-stamped')
    assert.equal(why({ ...good, rootSig: activate(after.record) }), 'not-activated')
    assert.equal(why({ ...good, stamp: { ...good.stamp, issuedAt: now + 1 } }), 'not-stamped')
  })

  it('is refused when any field of its record is another', () => {
    const { record } = next
    for (const fields of [{ keyCount: 9 }, { createdAt: 1 }, { members: record.members.slice(1) }])
      assert.notEqual(why({ ...shown(record), record: { ...record, ...fields } }), 'verified')
  })
})

describe('a stamp', () => {
  it('is signed about its time, with its whole life, for the newest record alone', () => {
    const stamp = stampFor(next.record, now)
    assert.equal(maySignStamp(stamp, next.record, now), true)
    assert.equal(maySignStamp(stamp, next.record, now + 60_000), true)
    assert.equal(maySignStamp(stamp, next.record, now + 60_001), false)
    assert.equal(maySignStamp(stamp, next.record, now - 60_001), false)
    assert.equal(maySignStamp(stamp, after.record, now), false)
    assert.equal(maySignStamp({ ...stamp, validUntil: now + HOUR }, next.record, now), false)
  })
})

describe('a committee, for one who knows the network id', () => {
  it('shows its rootKey by the certificate of epoch 0', () => {
    assert.deepEqual(rootKeyByNetworkId(base.networkId, first.genesis, first.cert), {
      known: { ...known, newest: null },
    })
  })

  it('shows nothing with another genesis, without all READY, without a quorum, or by a later epoch', () => {
    const by = (cert = first.cert, networkId = base.networkId) =>
      rootKeyByNetworkId(networkId, first.genesis, cert)
    assert.deepEqual(by(first.cert, other), { broken: 'other-network' })
    for (const [cert, rule] of [
      [{ ...first.cert, ready: first.cert.ready.slice(1) }, 'ready'],
      [certify(base, first.record, 3), 'commit'],
      [next.cert, 'R1'],
      [{ ...first.cert, record: { ...first.record, members: next.record.members.slice(1) } }, 'R1'],
      [{ ...first.cert, record: { ...first.record, rootKey: new Uint8Array(33) } }, 'R2'],
    ] as const) {
      const shown = by(cert)
      assert.ok('broken' in shown && shown.broken !== 'other-network')
      assert.equal(shown.broken.rule, rule, shown.broken.reason)
    }
    const garbage = first.genesis.subarray(1)
    assert.deepEqual(rootKeyByNetworkId(base.networkId, garbage, first.cert), {
      broken: 'other-network',
    })
    assert.throws(() => rootKeyByNetworkId(networkIdOf(garbage), garbage, first.cert), DecodeError)
  })
})

describe('a published committee', () => {
  it('is read as it was written, within 64 KiB', () => {
    const { record, cert } = next
    const published = { cert, rootSig: activate(record), stamp: stampOf(record, now) }
    const bytes = PublishedCommittee.encode(published)
    assert.deepEqual(PublishedCommittee.decode(bytes), published)
    assert.ok(bytes.length < 8 * 1024)
    assert.throws(() => PublishedCommittee.decode(new Uint8Array(65_537)), /more than 65536/)
  })
})

/** The other signature of the same key over the same digest. */
function highS(signature: Uint8Array): Uint8Array {
  const { r, s } = secp256k1.Signature.fromBytes(signature.subarray(0, 64), 'compact')
  const n = secp256k1.Point.Fn.ORDER
  const bytes = new secp256k1.Signature(r, n - s).toBytes('compact')
  return Uint8Array.of(...bytes, (signature[64] ?? 0) ^ 1)
}

function spoilt(signature: Uint8Array): Uint8Array[] {
  const changed = (at: number) => signature.map((byte, i) => (i === at ? byte ^ 1 : byte))
  return [changed(0), changed(40), changed(64), new Uint8Array(65), signature.with(64, 4)]
}
