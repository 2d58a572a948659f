import { deepEqual, equal } from 'node:assert/strict'
import { decodeNotYet } from '../../../../enclave-runtime/guest/sessions/answer-letters.ts'
import {
  Declined,
  type Followed,
  Followers,
} from '../../../../enclave-runtime/guest/sessions/followers.ts'
import type { Letter } from '../../../../enclave-runtime/guest/sessions/post.ts'
import type { Session } from '../../../../enclave-runtime/guest/sessions/session.ts'
import type { SessionRouter } from '../../../../enclave-runtime/guest/sessions/session-router.ts'
import { type Fault, ProtocolError } from '../../../../protocols/session/faults.ts'
import { MESSAGE_TYPES } from '../../../../protocols/session/numbers.ts'
import { seeded } from '../../../support/seeded.ts'
import { TestClock } from '../test-clock.ts'

const turn = () => new Promise<void>((resolve) => setImmediate(resolve))

/** Followers of a committee of five, and what they answered to whom. */
function following(kernel: 'reference' | 'wasm' = 'reference') {
  const clock = new TestClock(0)
  const answers: string[] = []
  const errors: unknown[] = []
  const declined: unknown[] = []
  const router = {
    find: () => undefined,
    decline: ({ 0: first }: Uint8Array) => declined.push(first),
    send: async (to: number, { type, body }: Letter) => {
      if (type === MESSAGE_TYPES.notYet) answers.push(`${to}: ${decodeNotYet(body).reason}`)
      return true
    },
  } as unknown as SessionRouter
  const followers = new Followers({
    router,
    kernel: { name: kernel },
    clock,
    size: 5,
    onError: (error) => errors.push(error),
  })
  let next = 0
  /** An opening whose session opens at once and then runs until `end`. */
  const open = (kind: Followed, from: number, heard = true) => {
    const done = Promise.withResolvers<void>()
    const state: { taken: boolean; fault: Fault | undefined; end: () => void } = {
      taken: false,
      fault: undefined,
      end: done.resolve,
    }
    const session = {
      round: 'keygen/1-commit',
      hasHeard: () => heard,
      end: (fault: Fault) => {
        state.fault = fault
        done.reject(new ProtocolError(fault))
      },
    } as unknown as Session
    followers.take(kind, from, letter(next++), async (begun) => {
      state.taken = true
      begun(session)
      await done.promise
    })
    return state
  }
  const look = (from: number, until: Promise<void>) =>
    followers.take('sign', from, letter(next++), () => until)
  return { clock, answers, errors, declined, followers, open, look }
}

const letter = (n: number): Letter => ({
  session: seeded(`session ${n}`)(32),
  attempt: 0,
  round: 0,
  type: MESSAGE_TYPES.open,
  body: new Uint8Array(),
})

describe('followers', () => {
  it('are not kept from anybody by one opener, whatever it opens and leaves', async () => {
    const { answers, open, errors } = following()
    const greedy = Array.from({ length: 40 }, () => open('keygen', 5))
    await turn()
    equal(greedy.filter(({ taken }) => taken).length, 2)
    deepEqual([...new Set(answers)], ['5: overloaded'])
    answers.length = 0
    for (const from of [1, 2, 3]) equal(open('keygen', from).taken, true)
    for (const from of [1, 2, 3, 5]) equal(open('sign', from).taken, true)
    await turn()
    deepEqual(answers, [])
    greedy[0]?.end()
    await turn()
    equal(open('keygen', 5).taken, true)
    deepEqual(errors, [])
  })

  it('give each opener its share of the sessions at once', async () => {
    const { open, answers } = following()
    const places = Array.from({ length: 60 }, () => open('sign', 4))
    await turn()
    equal(places.filter(({ taken }) => taken).length, 51) // 256 / 5
    equal(answers.length, 9)
    equal(open('sign', 3).taken, true)
  })

  it('look at few openings at once, of one opener at half of them', async () => {
    const { look, open, answers } = following()
    const looking = Promise.withResolvers<void>()
    for (let i = 0; i < 20; i++) look(4, looking.promise)
    await turn()
    equal(answers.length, 4)
    equal(open('sign', 3).taken, true)
    for (let i = 0; i < 20; i++) look(2, looking.promise)
    await turn()
    equal(answers.length, 8)
    equal(open('sign', 3).taken, false)
    looking.resolve()
    await turn()
    equal(open('sign', 3).taken, true)
  })

  it('read no more letters of what they decline, unless the session has the name of another one', async () => {
    const { followers, declined, look, errors } = following()
    const say = (first: number, answer: ConstructorParameters<typeof Declined>[0]) => {
      const session = new Uint8Array(32).fill(first)
      followers.take('sign', 2, { ...letter(0), session }, () => {
        throw new Declined(answer)
      })
    }
    const abort = (kind: 'binding' | 'corr-unknown') =>
      ({ kind: 'abort', fault: { kind, round: 'session/open', from: 2 } }) as const
    say(1, { kind: 'notYet', reason: 'busy', retryAfterMs: 500 })
    say(2, { kind: 'refuse', id: 'AUTH_FAILED' })
    say(3, abort('corr-unknown'))
    say(4, abort('binding'))
    await turn()
    deepEqual(declined, [1, 2, 3])
    for (let i = 0; i < 17; i++) look(4, Promise.resolve())
    equal(declined.length, 4) // there was no room to look
    deepEqual(errors, [])
  })

  for (const [kernel, ms] of [
    ['reference', 5_000],
    ['wasm', 2_000],
  ] as const)
    it(`end a session whose leader sends no first round within ${ms} ms (${kernel} kernel)`, async () => {
      const { clock, open, errors } = following(kernel)
      const silent = open('keygen', 5, false)
      const busy = open('keygen', 4)
      clock.pass(ms - 1)
      equal(silent.fault, undefined)
      clock.pass(1)
      await turn()
      deepEqual(silent.fault, { kind: 'timeout', round: 'keygen/1-commit', missing: [5] })
      equal(busy.fault, undefined)
      deepEqual(errors, [])
      busy.end()
      await turn()
      equal(clock.skip(), false) // no bell is left behind
    })
})
