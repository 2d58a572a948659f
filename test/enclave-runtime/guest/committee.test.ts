import { deepEqual, equal, ok } from 'node:assert/strict'
import {
  committeeOfRecord,
  guestOf,
  otherGuests,
} from '../../../enclave-runtime/guest/committee.ts'
import { EpochRecord } from '../../../protocols/agreement/objects/record.ts'
import { EXAMPLES } from '../../protocols/agreement/objects/examples.ts'

describe('the committee of a record', () => {
  const bytes = EXAMPLES.find(({ name }) => name === 'record')?.bytes
  ok(bytes)
  const record = EpochRecord.decode(bytes)
  const [first, , , last] = record.members
  ok(first && last)

  it('is what the record says, seen by one of its members', () => {
    const committee = committeeOfRecord(record, last.guestSig, { development: false })
    ok(committee)
    const { networkId, epoch, epochId, committeeId, me, threshold, quorum } = committee
    deepEqual(
      [networkId, epochId, committeeId],
      [record.networkId, record.epochId, record.committeeId],
    )
    deepEqual(epoch, { e: 4, k: 2 })
    deepEqual([me.index, threshold, quorum, committee.development], [6, 3, 3, false])
    deepEqual(
      otherGuests(committee).map(({ index }) => index),
      [1, 2, 3],
    )
    deepEqual(guestOf(committee, 1)?.id, first.guestSig)
    equal(committee.setupsPerHour, record.params.setupsPerHour)
  })

  it('is none to a guest that it does not name', () => {
    equal(committeeOfRecord(record, record.rootKey.slice(1), { development: false }), undefined)
  })
})
