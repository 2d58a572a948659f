import { deepEqual, equal } from 'node:assert/strict'
import { NameCredit } from '../../../../enclave-runtime/guest/correlations/name-credit.ts'
import { SessionCorrelations } from '../../../../enclave-runtime/guest/correlations/session-correlations.ts'
import type { Ended } from '../../../../enclave-runtime/guest/signing/correlations-for-signing.ts'
import type { Correlation } from '../../../../protocols/correlations/correlation.ts'
import type { Fault } from '../../../../protocols/session/faults.ts'
import { TestClock } from '../test-clock.ts'

const LATE: Fault = { kind: 'timeout', round: 'sign/2-open', missing: [3] }

describe('NameCredit', () => {
  it('charges the leader and whoever was late or wrong, and nobody else', () => {
    const clock = new TestClock(0)
    const credit = new NameCredit(() => clock.monotonicMs())
    for (let i = 0; i < 32; i++) credit.charge(2, { leader: 1, fault: LATE })
    deepEqual(
      [1, 2, 3].map((party) => credit.allows(party)),
      [true, true, false], // the leader's part is a quarter
    )
    for (let i = 0; i < 96; i++) credit.charge(2, { leader: 1, fault: LATE })
    equal(credit.allows(1), false)
    equal(credit.aborted, 256)
  })

  it('charges who ended the session by its own word, and the leader a part', () => {
    const clock = new TestClock(0)
    const fault: Fault = { kind: 'cancelled', round: 'sign/2-open' }
    const spent = (leader: number, session: NonNullable<Ended['session']>) => {
      const credit = new NameCredit(() => clock.monotonicMs())
      const after = [0, 0, 0, 0]
      for (let names = 1; names <= 256; names++) {
        credit.charge(1, { leader, fault, session })
        for (const party of [1, 2, 3, 4]) if (!credit.allows(party)) after[party - 1] ||= names
      }
      return after
    }
    const session = { me: 2, fault, waitsFor: undefined }
    deepEqual(spent(1, { ...session, endedBy: 3 }), [256, 0, 64, 0])
    deepEqual(spent(1, { ...session, endedBy: 1 }), [128, 0, 0, 0]) // it may pass on another's abort
    deepEqual(spent(1, { ...session, endedBy: 3, waitsFor: 4 }), [256, 0, 128, 128])
    deepEqual(spent(1, { ...session, endedBy: 3, waitsFor: 2 }), [256, 0, 64, 0])
    deepEqual(spent(1, { ...session, endedBy: 3, fault: LATE }), [64, 0, 0, 0]) // not what failed here
  })

  it('gives back a name a second, and sixty-four at most', () => {
    const clock = new TestClock(0)
    const credit = new NameCredit(() => clock.monotonicMs())
    credit.charge(65, { leader: 1 })
    equal(credit.allows(1), false)
    clock.pass(2_000)
    equal(credit.allows(1), true)
    clock.pass(3_600_000)
    const fault = { kind: 'malformed', round: 'sign/1-name', from: 1, reason: '' } as const
    credit.charge(64, { leader: 1, fault })
    equal(credit.allows(1), false) // once, although it is leader and culprit
    clock.pass(1_000)
    equal(credit.allows(1), true)
  })

  it('charges what a session took, once', () => {
    const charged: [number, Omit<Ended, 'leader'>][] = []
    const one = { id: new Uint8Array(16) } as Correlation
    const session = new SessionCorrelations(
      { name: () => one, named: (peer) => (peer === 2 ? one : undefined), over: () => undefined },
      (names, ended) => charged.push([names, ended]),
    )
    session.failed({ fault: LATE }) // it took nothing
    session.name(3)
    session.named(2, one.id, true)
    session.named(4, one.id, true) // unknown
    session.failed({ fault: LATE })
    session.failed({ fault: LATE })
    deepEqual(charged, [[2, { fault: LATE }]])
  })
})
