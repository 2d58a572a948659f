import { deepEqual, equal } from 'node:assert/strict'
import { NameCredit } from '../../../../enclave-runtime/guest/correlations/name-credit.ts'
import { SessionCorrelations } from '../../../../enclave-runtime/guest/correlations/session-correlations.ts'
import type { Correlation } from '../../../../protocols/correlations/correlation.ts'
import type { Fault } from '../../../../protocols/session/faults.ts'
import { TestClock } from '../test-clock.ts'

const LATE: Fault = { kind: 'timeout', round: 'sign/2-open', missing: [3] }

describe('NameCredit', () => {
  it('charges the leader and whoever was late or wrong, and nobody else', () => {
    const clock = new TestClock(0)
    const credit = new NameCredit(() => clock.monotonicMs())
    for (let i = 0; i < 32; i++) credit.charge(2, 1, LATE)
    deepEqual(
      [1, 2, 3].map((party) => credit.allows(party)),
      [false, true, false],
    )
    equal(credit.aborted, 64)
  })

  it('gives back a name a second, and sixty-four at most', () => {
    const clock = new TestClock(0)
    const credit = new NameCredit(() => clock.monotonicMs())
    credit.charge(65, 1, undefined)
    equal(credit.allows(1), false)
    clock.pass(2_000)
    equal(credit.allows(1), true)
    clock.pass(3_600_000)
    credit.charge(64, 1, { kind: 'malformed', round: 'sign/1-name', from: 1, reason: '' })
    equal(credit.allows(1), false) // once, although it is leader and culprit
    clock.pass(1_000)
    equal(credit.allows(1), true)
  })

  it('charges what a session took, once', () => {
    const charged: [number, Fault | undefined][] = []
    const one = { id: new Uint8Array(16) } as Correlation
    const session = new SessionCorrelations(
      { name: () => one, named: (peer) => (peer === 2 ? one : undefined) },
      (names, fault) => charged.push([names, fault]),
    )
    session.failed(LATE) // it took nothing
    session.name(3)
    session.named(2, one.id)
    session.named(4, one.id) // unknown
    session.failed(LATE)
    session.failed(LATE)
    deepEqual(charged, [[2, LATE]])
  })
})
