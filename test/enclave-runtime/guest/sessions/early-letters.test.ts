import { deepEqual, equal } from 'node:assert/strict'
import { EarlyLetters } from '../../../../enclave-runtime/guest/sessions/early-letters.ts'

const session = (name: number): Uint8Array => new Uint8Array(32).fill(name)
const letter = (name: number, size = 64) => ({
  session: session(name),
  attempt: 0,
  round: 0x0801,
  type: 1,
  body: new Uint8Array(size),
})

describe('early letters', () => {
  it('wait for their session, and are given out once', () => {
    const early = new EarlyLetters()
    early.put(2, letter(1), 0)
    early.put(3, letter(2), 0)
    deepEqual(
      early.claim(session(1), 1).map(({ from }) => from),
      [2],
    )
    deepEqual(early.claim(session(1), 1), [])
    equal(early.size, 1)
  })

  it('expire', () => {
    const early = new EarlyLetters()
    early.put(2, letter(1), 0)
    deepEqual(early.claim(session(1), 15_000), [])
  })

  it('of one peer take no more than its share of room, by number and by bytes', () => {
    const early = new EarlyLetters()
    const kept = Array.from({ length: 200 }, () => early.put(2, letter(1), 0)).filter(Boolean)
    equal(kept.length, 128)
    equal(early.put(3, letter(1), 0), true)
    equal(early.put(3, letter(1, 256 * 1024), 0), false)
  })

  it('of a peer that started again are gone', () => {
    const early = new EarlyLetters()
    early.put(2, letter(1), 0)
    early.put(3, letter(1), 0)
    early.drop(2)
    deepEqual(
      early.claim(session(1), 0).map(({ from }) => from),
      [3],
    )
  })

  it('of a session that was declined are gone, and those that still come are not kept', () => {
    const early = new EarlyLetters()
    early.put(2, letter(1), 0)
    early.put(3, letter(1), 0)
    early.put(2, letter(2), 0)
    early.decline(session(1), 0)
    equal(early.size, 1)
    deepEqual([early.put(2, letter(1), 14_999), early.put(3, letter(2), 0)], [false, true])
    equal(early.put(2, letter(1), 15_000), true) // forgotten as late as what came before it would be
  })

  it('take no room away, however many openings are declined', () => {
    const early = new EarlyLetters()
    for (let n = 0; n < 10_000; n++) {
      const declined = { ...letter(0), session: new Uint8Array(Uint32Array.of(n, 1).buffer) }
      early.put(2, declined, n)
      early.decline(declined.session, n)
      early.put(2, declined, n)
    }
    equal(early.size, 0)
    equal(early.put(2, letter(1), 10_000), true)
  })

  it('of a session that was declined are kept again once a good opening has come', () => {
    const early = new EarlyLetters()
    early.decline(session(1), 0)
    deepEqual(early.claim(session(1), 1), [])
    equal(early.put(2, letter(1), 2), true)
  })

  it('that nobody will read are looked at once more, then wiped', () => {
    const looked: string[] = []
    const early = new EarlyLetters((from, round, body) =>
      looked.push(`${from} ${round.toString(16)} ${body.every((byte) => byte === 5)}`),
    )
    const kept = { ...letter(1), body: new Uint8Array(64).fill(5) }
    early.put(2, kept, 0)
    early.put(3, { ...letter(1), type: 2 }, 0) // an abort names nothing
    deepEqual(early.claim(session(9), 15_000), [])
    deepEqual(looked, ['2 801 true'])
    equal(
      kept.body.every((byte) => byte === 0),
      true,
    )
  })
})
