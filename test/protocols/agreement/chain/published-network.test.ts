import assert from 'node:assert/strict'
import {
  type ListedCommittee,
  PublishedNetwork,
} from '../../../../protocols/agreement/chain/published-network.ts'
import { recordHash } from '../../../../protocols/agreement/objects/record.ts'
import { encodeCanonical } from '../../../../protocols/session/canonical-cbor.ts'
import { DecodeError } from '../../../../protocols/session/codec.ts'
import { exampleFirst, stampOf, TIME } from '../example-epochs.ts'

const { record } = exampleFirst(4, 3)
const listed: ListedCommittee = {
  committeeId: record.committeeId,
  rootKey: record.rootKey,
  e: 0,
  recordHash: recordHash(record),
  stamp: stampOf(record, TIME),
}

describe('the list of committees of a network', () => {
  it('has one encoding', () => {
    for (const list of [[], [listed], [listed, { ...listed, e: 7 }]]) {
      const bytes = PublishedNetwork.encode(list)
      assert.deepEqual(PublishedNetwork.decode(bytes), list)
    }
  })

  it('is refused or another one with any byte changed, cut or added', () => {
    const bytes = PublishedNetwork.encode([listed])
    const others = [
      ...Array.from(bytes, (byte, at) => bytes.with(at, byte ^ 1)),
      bytes.subarray(1),
      bytes.subarray(0, -1),
      Uint8Array.of(...bytes, 0),
    ]
    for (const other of others)
      try {
        assert.deepEqual(PublishedNetwork.encode(PublishedNetwork.decode(other)), other)
      } catch (error) {
        if (!(error instanceof DecodeError)) throw error
      }
  })

  it('is refused with another type, version, field or number of fields, or too many committees', () => {
    const fields = [listed.committeeId, listed.rootKey, 0, listed.recordHash, null]
    for (const other of [
      ['nets', 1, []],
      ['net', 2, []],
      ['net', 1],
      ['net', 1, [], 1],
      ['net', 1, [fields]],
      ['net', 1, [fields.slice(1)]],
      ['net', 1, Array(65).fill(fields)],
    ])
      assert.throws(() => PublishedNetwork.decode(encodeCanonical(other)), DecodeError)
  })
})
