import { deepEqual, equal, ok } from 'node:assert/strict'
import fc from 'fast-check'
import { ChoiceRoom } from '../../../../enclave-runtime/guest/sessions/choice-room.ts'
import { CHOICE_SLOTS } from '../../../../protocols/kernel/kernel.ts'
import { TestClock } from '../test-clock.ts'

const ME = 1
const TOTAL = CHOICE_SLOTS
const AHEAD = 33

function roomOf(threshold = 3) {
  const clock = new TestClock(0)
  const room = new ChoiceRoom({ me: ME, threshold, total: TOTAL, clock })
  return { clock, room }
}

describe('the room for multiplications', () => {
  it('leaves an opener no more than it leaves to the others', () => {
    const { room } = roomOf()
    const sessions = (opener: number): number => {
      let got = 0
      while (room.take('request', opener, 2)) got++
      return got
    }
    deepEqual([sessions(5), sessions(4)], [12, 6]) // half of 50, then half of the rest
    ok(room.take('request', 3, 2))
    ok(room.take('request', ME, 2))
  })

  it('keeps a session for those led here, whatever others hold', () => {
    for (const threshold of [2, 3, 11, 16]) {
      const { room } = roomOf(threshold)
      for (let opener = 2; opener <= 16; opener++) {
        while (room.take('ahead', opener, 1));
        while (room.take('request', opener, threshold - 1));
      }
      ok(room.take('request', ME, threshold - 1), `t = ${threshold}`)
    }
  })

  it('gives what is made ahead half, and one opener a batch of it', () => {
    const { room } = roomOf()
    equal(room.batch, 16)
    const leave = room.take('ahead', 2, 16)
    ok(leave)
    equal(room.take('ahead', 2, 1), undefined)
    equal(room.batch, 16)
    ok(room.take('ahead', 4, 7))
    equal(room.batch, AHEAD - 16 - 7)
    equal(room.take('ahead', 3, 11), undefined)
    ok(room.take('ahead', ME, 6))
    equal(room.batch, 4)
    leave()
    leave() // once
    equal(room.held, 13)
    equal(room.batch, 16)
  })

  it('lets this guest begin with another peer while it waits for one, and others with it', () => {
    const { room } = roomOf()
    ok(room.take('ahead', ME, 16))
    equal(room.batch, 8)
    ok(room.take('ahead', ME, 8))
    equal(room.batch, 0)
    equal(room.take('ahead', ME, 1), undefined)
    ok(room.take('ahead', 2, 8))
  })

  it('lets signatures led here wait in line, first come first served, and not for ever', async () => {
    const { clock, room } = roomOf()
    const held = Array.from({ length: 16 }, () => room.take('request', ME, 2))
    equal(room.take('request', ME, 2), undefined) // half is the most for one leader, this guest too
    const order: string[] = []
    const first = room
      .wait(2, 1_000)
      .then((leave) => void order.push(`first ${leave !== undefined}`))
    const second = room
      .wait(2, 500)
      .then((leave) => void order.push(`second ${leave !== undefined}`))
    const third = room
      .wait(2, 1_000)
      .then((leave) => void order.push(`third ${leave !== undefined}`))
    clock.pass(500)
    await second
    held[0]?.()
    await first
    equal(room.take('request', ME, 2), undefined) // not past the line
    held[1]?.()
    await third
    deepEqual(order, ['second false', 'first true', 'third true'])
    clock.pass(10_000)
    equal(room.held, 32)
  })

  it('never gives out more than there is, and takes everything back', () => {
    const step = fc.record({
      use: fc.constantFrom('request' as const, 'ahead' as const),
      opener: fc.integer({ min: 1, max: 16 }),
      slots: fc.integer({ min: 1, max: 16 }),
      back: fc.nat(40),
    })
    fc.assert(
      fc.property(
        fc.array(step, { maxLength: 200 }),
        fc.integer({ min: 2, max: 16 }),
        (steps, t) => {
          const { room } = roomOf(t)
          const leaves: (() => void)[] = []
          for (const { use, opener, slots, back } of steps) {
            const leave = room.take(use, opener, use === 'request' ? t - 1 : slots)
            if (leave) leaves.push(leave)
            else leaves.splice(back, 1)[0]?.()
            ok(room.held <= TOTAL)
            ok(room.batch >= 0 && room.batch <= 16)
            if (room.batch > 0) ok(room.held + room.batch <= TOTAL)
          }
          for (const leave of leaves) leave()
          equal(room.held, 0)
        },
      ),
      { seed: 14 },
    )
  })
})
