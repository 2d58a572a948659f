import assert from 'node:assert/strict'
import { AttemptFault } from '../../../../protocols/agreement/objects/attempt.ts'
import { joinHash } from '../../../../protocols/agreement/objects/join.ts'
import { type Signed, signObject } from '../../../../protocols/agreement/objects/signed.ts'
import {
  brokenDoubleStart,
  brokenFault,
} from '../../../../protocols/agreement/rules/abort-evidence.ts'
import { baseOfRecord } from '../../../../protocols/agreement/rules/base.ts'
import {
  exampleFirst,
  exampleJoin,
  exampleNext,
  exampleStart,
  guestOf,
  memberOf,
} from '../example-epochs.ts'

const base = baseOfRecord(exampleFirst(5, 3).record)
const join = exampleJoin(base, 20)
const { change, start, record } = exampleNext(
  base,
  { kind: 1, joins: [joinHash(join)], leaves: [{ index: 2, reason: 1 }], t: 3 },
  [join],
)
const other = new Uint8Array(32).fill(0xee)

function fault(fields: Partial<AttemptFault>, signer = 6): Signed<AttemptFault> {
  const { committeeId, next: e } = base
  const object = { committeeId, e, k: 1, code: 1, about: 0, evidenceHash: null, index: 6 } as const
  const members = [...record.members, memberOf(base, 2)]
  const sign = guestOf(memberOf({ members }, signer))
  return signObject(AttemptFault, { ...object, ...fields }, base.networkId, sign)
}

describe('a fault', () => {
  it('ends an attempt when a new member signed it', () => {
    assert.equal(brokenFault(base, change, 1, fault({})), undefined)
    assert.equal(brokenFault(base, change, 1, fault({ index: 1 }, 1)), undefined)
  })

  it('of another attempt, of one who leaves, or signed by another ends nothing', () => {
    for (const [signed, reason] of [
      [fault({ committeeId: other }), /committee/],
      [fault({ k: 2 }), /attempt/],
      [fault({ e: 2 }), /attempt/],
      [fault({ index: 2 }, 2), /new member/],
      [fault({ index: 9 }), /new member/],
      [fault({ index: 1 }), /not signed/],
    ] as const) {
      const broken = brokenFault(base, change, 1, signed)
      assert.equal(broken?.rule, 'fault')
      assert.match(broken?.reason ?? '', reason)
    }
  })
})

describe('two STARTs', () => {
  const second = exampleStart(base, change, { nonce: other })

  it('of one attempt convict the member that signed both', () => {
    assert.equal(brokenDoubleStart(base, 1, { first: start, second }), undefined)
  })

  it('convict nobody who did not sign two of this attempt', () => {
    const elsewhere = exampleStart(base, change, { e: 2, nonce: other })
    const another = exampleStart(base, change, { initiator: 3, nonce: other })
    const stranger = exampleStart(base, change, { initiator: 9 })
    const more = exampleStart(base, change, { initiator: 9, nonce: other })
    for (const [pair, reason] of [
      [{ first: start, second: start }, /twice/],
      [{ first: start, second: { ...start, signature: second.signature } }, /twice/],
      [{ first: start, second: elsewhere }, /this attempt/],
      [{ first: start, second: another }, /one member/],
      [{ first: stranger, second: more }, /one member/],
      [{ first: start, second: { ...second, signature: start.signature } }, /not both signed/],
    ] as const)
      assert.match(brokenDoubleStart(base, 1, pair)?.reason ?? '', reason)
    assert.match(brokenDoubleStart(base, 2, { first: start, second })?.reason ?? '', /this attempt/)
  })
})
