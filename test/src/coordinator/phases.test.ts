import { deepEqual, equal } from 'node:assert/strict'
import { decodePlainRequest } from '../../../protocols/request/plain-request.ts'
import { PHASES, PhaseClock } from '../../../src/coordinator/phases.ts'
import { FakeNetwork, requestOf } from './fake-network.ts'

describe('PhaseClock', () => {
  const clockAt = (): { now: number; clock: PhaseClock } => {
    const at = { now: 100, clock: undefined as unknown as PhaseClock }
    at.clock = new PhaseClock(() => at.now)
    return at
  }

  it('has every phase of the specification, in its order', () => {
    const spec =
      'gateway open verify policy reserve forward r1 r1b r2 r3 record combine reply'.split(' ')
    deepEqual(PHASES, spec)
  })

  it('gives every moment to exactly one phase', () => {
    const at = clockAt()
    at.now += 2
    at.clock.asGuestSays({ open: 500, verify: 1_000 })
    at.clock.enter('reserve')
    at.now += 3
    at.clock.enter('reply')
    at.now += 10
    at.clock.asGuestSays({ r1: 6_000, combine: 1_000 })
    at.now += 1
    const times = Object.fromEntries(at.clock.times())
    deepEqual(times, {
      gateway: 0.5,
      open: 0.5,
      verify: 1,
      reserve: 3,
      r1: 6,
      combine: 1,
      reply: 4,
    })
    equal(
      Object.values(times).reduce((sum, ms) => sum + ms, 0),
      16,
    )
  })

  it('believes no guest that claims more time than there was', () => {
    const at = clockAt()
    at.now += 5
    at.clock.asGuestSays({ verify: 4_000, r1: 60_000_000 })
    deepEqual(Object.fromEntries(at.clock.times()), { gateway: 0, verify: 4, r1: 1 })
  })
})

describe('a coordinator that is given a PhaseClock', () => {
  it('gets the phases of check and lead from the guest, and names its own', async () => {
    const network = new FakeNetwork()
    let now = 0
    network.check = (_, request) => {
      now += 4
      const { digest } = decodePlainRequest(request)
      const phases = { open: 1_000, verify: 2_000 }
      return { kind: 'sign', reqId: digest, accountId: null, phases }
    }
    network.script = ({ signers }) => {
      now += 20
      return { kind: 'done', result: '0xsigned', signers, phases: { r1: 15_000, combine: 2_000 } }
    }
    const phases = new PhaseClock(() => now)
    await network.ask(requestOf(), 1, { phases })
    now += 1
    deepEqual(Object.fromEntries(phases.times()), {
      gateway: 1,
      open: 1,
      verify: 2,
      reserve: 0,
      r1: 15,
      combine: 2,
      reply: 4,
    })
  })
})
