import { deepEqual, equal, ok } from 'node:assert/strict'
import {
  LiveAttempts,
  leaderOrder,
} from '../../../../enclave-runtime/guest/sessions/live-attempts.ts'
import { seeded } from '../../../support/seeded.ts'

const guests = [1, 2, 3, 4, 5].map((index) => ({ index, id: seeded(`guest ${index}`)(32) }))
const request = seeded('request')(32)
const order = leaderOrder(request, guests)
const at = (place: number): number => order[place] ?? 0

describe('live attempts', () => {
  it('have one place per request, which is free again after release', () => {
    const live = new LiveAttempts(guests)
    const first = live.claim(request, 0, at(0))
    ok(first)
    equal(live.claim(request, 0, at(0)), undefined)
    equal(live.claim(request, 1, at(0)), undefined)
    ok(live.claim(seeded('other')(32), 0, at(0)))
    first.release()
    ok(live.claim(request, 1, at(0)))
  })

  it('give way to a lower attempt, and of equal ones to the leader with the lower score', () => {
    const live = new LiveAttempts(guests)
    ok(live.claim(request, 2, at(4)))
    ok(live.claim(request, 0, at(3)))
    ok(live.claim(request, 0, at(1)))
    equal(live.claim(request, 0, at(2)), undefined)
  })

  it('prefer the leader whose turn it is from attempt 1 on', () => {
    const live = new LiveAttempts(guests)
    ok(live.claim(request, 3, at(0)))
    ok(live.claim(request, 3, at(2)))
    equal(live.claim(request, 3, at(0)), undefined)
  })

  it('that lost their place do not give back that of the winner', () => {
    const live = new LiveAttempts(guests)
    const loser = live.claim(request, 1, at(1))
    const winner = live.claim(request, 0, at(2))
    loser?.release()
    equal(live.has(request), true)
    winner?.release()
    equal(live.has(request), false)
  })

  it('have an order of leaders that is another one for another request', () => {
    deepEqual(order.toSorted(), [1, 2, 3, 4, 5])
    const orders = new Set(
      Array.from({ length: 20 }, (_, i) => leaderOrder(seeded(`${i}`)(32), guests).join()),
    )
    ok(orders.size > 10)
  })
})
