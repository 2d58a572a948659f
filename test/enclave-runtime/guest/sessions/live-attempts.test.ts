import { deepEqual, equal, ok } from 'node:assert/strict'
import {
  LiveAttempts,
  leaderOrder,
} from '../../../../enclave-runtime/guest/sessions/live-attempts.ts'
import type { Fault } from '../../../../protocols/session/faults.ts'
import { seeded } from '../../../support/seeded.ts'

const guests = [1, 2, 3, 4, 5].map((index) => ({ index, id: seeded(`guest ${index}`)(32) }))
const request = seeded('request')(32)
const order = leaderOrder(request, guests)
const at = (place: number): number => order[place] ?? 0

function attempts(me: number = at(0), clock: { now: number } = { now: 0 }): LiveAttempts {
  return new LiveAttempts({ guests, me, monotonicMs: () => clock.now })
}

/** A session as far as its place is concerned. */
class Place {
  fault: Fault | undefined
  round = 'session/open'

  end(fault: Fault): void {
    this.fault ??= fault
  }
}

describe('live attempts', () => {
  it('have one place per request, which is free again after release', () => {
    const live = attempts()
    const first = live.claim(request, 0, at(0))
    ok(first)
    equal(live.claim(request, 0, at(0)), undefined)
    equal(live.claim(request, 1, at(0)), undefined)
    ok(live.claim(seeded('other')(32), 0, at(0)))
    first.release()
    ok(live.claim(request, 1, at(0)))
  })

  it('give way to a lower attempt, and of equal ones to the leader with the lower score', () => {
    const live = attempts()
    ok(live.claim(request, 2, at(4)))
    ok(live.claim(request, 0, at(3)))
    ok(live.claim(request, 0, at(1)))
    equal(live.claim(request, 0, at(2)), undefined)
  })

  it('prefer the leader whose turn it is from attempt 1 on', () => {
    const live = attempts()
    ok(live.claim(request, 3, at(0)))
    ok(live.claim(request, 3, at(2)))
    equal(live.claim(request, 3, at(0)), undefined)
  })

  it('that lost their place do not give back that of the winner', () => {
    const live = attempts()
    const loser = live.claim(request, 1, at(1))
    const winner = live.claim(request, 0, at(2))
    loser?.release()
    equal(live.has(request), true)
    winner?.release()
    equal(live.has(request), false)
  })

  it('that were tried are not tried again, by whoever claims the same or a lower number', () => {
    const clock = { now: 0 }
    const live = attempts(at(4), clock)
    const first = live.claim(request, 3, at(0))
    first?.run(new Place())
    first?.release()
    for (const attempt of [0, 1, 2, 3]) equal(live.claim(request, attempt, at(0)), undefined)
    ok(live.claim(request, 4, at(0)))
    // What never came to a session was not tried.
    const other = seeded('another')(32)
    live.claim(other, 0, at(0))?.release()
    ok(live.claim(other, 0, at(0)))
  })

  it('are numbered anew where this guest leads a request again', () => {
    const live = attempts(at(0))
    equal(live.ownAttempt(request, 2), 2)
    const claim = live.claim(request, 2, at(0))
    claim?.run(new Place())
    claim?.release()
    equal(live.ownAttempt(request, 0), 3)
    equal(live.ownAttempt(request, 7), 7)
    equal(live.ownAttempt(seeded('another')(32), 0), 0)
  })

  it('end another one only once per leader and request, and only in its first round', () => {
    const live = attempts(at(4))
    const places = [new Place(), new Place(), new Place()] as const
    live.claim(request, 5, at(1))?.run(places[0])
    const better = live.claim(request, 0, at(0))
    better?.run(places[1])
    deepEqual(places[0].fault, { kind: 'cancelled', round: 'session/open' })
    places[1].end({ kind: 'timeout', round: 'sign/1-commit', missing: [at(2)] })
    better?.release()
    live.claim(request, 6, at(1))?.run(places[2])
    equal(live.claim(request, 1, at(0)), undefined) // it had its preemption
    places[2].round = 'sign/1b-extend'
    equal(live.claim(request, 0, at(2)), undefined) // too late for anybody
    equal(places[2].fault, undefined)
  })

  it('leave the place to others for as long as they held it in vain', () => {
    const clock = { now: 0 }
    const live = attempts(at(4), clock)
    const hold = (attempt: number, leader: number, fault: Fault) => {
      const claim = live.claim(request, attempt, leader)
      const place = new Place()
      claim?.run(place)
      clock.now += 3000
      place.end(fault)
      claim?.release()
      return claim !== undefined
    }
    const silent: Fault = { kind: 'timeout', round: 'sign/1-commit', missing: [at(0)] }
    const others: Fault = { kind: 'timeout', round: 'sign/1-commit', missing: [at(3)] }
    equal(hold(0, at(0), silent), true)
    equal(live.claim(request, 1, at(0)), undefined)
    equal(hold(0, at(1), others), true) // for its own silence at once, for another's the second time
    equal(hold(1, at(1), others), true)
    equal(live.claim(request, 2, at(1)), undefined)
    clock.now += 3000
    ok(live.claim(request, 2, at(1)))
  })

  it('of honest leaders come to an end, whatever a hostile one claims', () => {
    for (let seed = 0; seed < 60; seed++) {
      const alone = schedule(`alone ${seed}`, [at(0)], undefined)
      const two = schedule(`two ${seed}`, [at(1), at(3)], undefined)
      const hostile = schedule(`hostile ${seed}`, [at(0)], at(2))
      const both = schedule(`both ${seed}`, [at(1), at(3)], at(0))
      ok(alone < 1_000, `alone: ${alone}`)
      ok(two < 5_000, `two: ${two}`)
      ok(hostile < 25_000, `hostile: ${hostile}`)
      ok(both < 25_000, `both: ${both}`)
    }
  })

  it('have an order of leaders that is another one for another request', () => {
    deepEqual(order.toSorted(), [1, 2, 3, 4, 5])
    const orders = new Set(
      Array.from({ length: 20 }, (_, i) => leaderOrder(seeded(`${i}`)(32), guests).join()),
    )
    ok(orders.size > 10)
  })
})

/**
 * Five guests of which three sign, on one virtual clock. Honest leaders try subsets until one session
 * holds all its places long enough; the hostile leader opens every 50 ms at all of them, with low numbers
 * and new ones, takes part in the first round and then stalls. Gives the time of the first signature.
 */
function schedule(seed: string, leaders: readonly number[], hostile: number | undefined): number {
  const random = seeded(seed)
  const below = (limit: number): number => new DataView(random(4).buffer).getUint32(0) % limit
  const clock = { now: 0 }
  const events: { at: number; run: () => void }[] = []
  const after = (ms: number, run: () => void) => events.push({ at: clock.now + ms, run })
  const places = new Map(guests.map(({ index }) => [index, attempts(index, clock)]))
  const claim = (guest: number, attempt: number, leader: number) =>
    places.get(guest)?.claim(request, attempt, leader)
  let signed: number | undefined

  const lead = (leader: number, asked: number): void => {
    const able = guests.map(({ index }) => index).filter((g) => g !== leader && g !== hostile)
    const first = below(able.length)
    const signers = [leader, able[first] ?? 0, able[(first + 1) % able.length] ?? 0]
    const attempt = places.get(leader)?.ownAttempt(request, asked) ?? asked
    const held: { place: Place; release(): void }[] = []
    let over = false
    const end = (fault: Fault) => {
      if (over) return
      over = true
      for (const { place, release } of held) {
        place.end(fault)
        release()
      }
      after(300 + below(400), () => lead(leader, attempt + 1))
    }
    for (const signer of signers)
      after(signer === leader ? 0 : 5 + below(60), () => {
        if (over) return
        const taken = claim(signer, attempt, leader)
        if (taken === undefined) return end({ kind: 'cancelled', round: 'session/open' })
        const place = new Place()
        held.push({ place, release: () => taken.release() })
        taken.run(place)
        if (held.length < signers.length) return
        for (const other of held) other.place.round = 'sign/1b-extend'
        after(250, () => {
          if (!over) signed ??= clock.now
        })
      })
    // An ended place tells the leader, as an abort would.
    const watch = () => {
      if (over || signed !== undefined) return
      const lost = held.find(({ place }) => place.fault !== undefined)?.place.fault
      if (lost !== undefined) end(lost)
      else after(20, watch)
    }
    watch()
  }

  const attack = (liar: number, turn: number): void => {
    for (const { index } of guests) {
      if (index === liar) continue
      for (const attempt of [0, turn]) {
        const taken = claim(index, attempt, liar)
        if (taken === undefined) continue
        const place = new Place()
        taken.run(place)
        after(30, () => {
          place.round = 'sign/1b-extend'
        })
        after(10_000, () => {
          place.end({ kind: 'timeout', round: 'sign/1b-extend', missing: [liar] })
          taken.release()
        })
      }
    }
    after(50, () => attack(liar, turn + 1))
  }

  for (const leader of leaders) after(below(100), () => lead(leader, 0))
  if (hostile !== undefined) attack(hostile, 0)
  while (signed === undefined && clock.now < 60_000) {
    events.sort((a, b) => a.at - b.at)
    const next = events.shift()
    if (next === undefined) break
    clock.now = Math.max(clock.now, next.at)
    next.run()
  }
  return signed ?? Number.POSITIVE_INFINITY
}
