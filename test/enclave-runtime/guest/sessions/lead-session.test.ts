import { deepEqual, equal, rejects } from 'node:assert/strict'
import { openEverywhere } from '../../../../enclave-runtime/guest/sessions/lead-session.ts'
import type { Letter, Post } from '../../../../enclave-runtime/guest/sessions/post.ts'
import { SessionRouter } from '../../../../enclave-runtime/guest/sessions/session-router.ts'
import { settlement } from '../../../../enclave-runtime/guest/sessions/settle.ts'
import { type Fault, ProtocolError } from '../../../../protocols/session/faults.ts'
import { KINDS } from '../../../../protocols/session/instance.ts'
import { MESSAGE_TYPES } from '../../../../protocols/session/numbers.ts'
import { TestClock } from '../test-clock.ts'

const R1 = 'sign/1-commit'
const turn = () => new Promise((resolve) => setImmediate(resolve))

/** Guest 1 leads; the opening for 3 leaves only when it is let go. */
function bench(obeys: boolean) {
  const followed: string[] = []
  const told: number[] = []
  const left = Promise.withResolvers<void>()
  let cancelled = false
  const post: Post = {
    send: async (to: number, { type }: Letter, signal?: AbortSignal) => {
      if (type === MESSAGE_TYPES.abort) told.push(to)
      if (type !== MESSAGE_TYPES.open || to !== 3) return
      signal?.addEventListener('abort', () => {
        cancelled = true
        if (obeys) left.reject(signal.reason)
      })
      await left.promise
    },
    onMessage: () => undefined,
    onRestarted: () => undefined,
    facts: () => undefined,
  }
  const onError = (error: unknown) => {
    throw error
  }
  const router = new SessionRouter({ me: 1, post, clock: new TestClock(0), onError })
  router.settleWith(
    settlement({
      ban: async (peer) => void followed.push(`ban ${peer}`),
      bansSettled: async () => undefined,
      strike: (party) => followed.push(`strike ${party}`),
      corrUnknown: () => undefined,
      renewPair: () => undefined,
      halt: ({ kind }) => followed.push(`halt ${kind}`),
    }),
  )
  const session = router.open({
    kind: KINDS.signature,
    instanceId: new Uint8Array(32).fill(5),
    attempt: 0,
    everyone: [1, 2, 3],
    deadlineMs: 10_000,
  })
  if (typeof session === 'string') throw new Error(session)
  const lead = <T>(converse: () => Promise<T>): Promise<T> =>
    router.conduct(session, (party) =>
      openEverywhere(router, session, new Uint8Array(1), party, converse),
    )
  return { followed, told, left, session, lead, wasCancelled: () => cancelled }
}

describe('a session that is led', () => {
  for (const obeys of [true, false])
    for (const fault of [
      { kind: 'cote', round: R1, from: 2 },
      { kind: 'mu', round: R1, from: 2 },
      { kind: 'check1', round: R1, from: 2 },
    ] satisfies Fault[])
      it(`bans for ${fault.kind} at once, whoever takes no opening, cancelled ${obeys ? 'soon' : 'late'}`, async () => {
        const { followed, told, lead, session, wasCancelled } = bench(obeys)
        const run = lead(async () => {
          throw new ProtocolError(fault)
        })
        const failed = rejects(run, (error) => {
          deepEqual((error as ProtocolError).fault, fault)
          return true
        })
        await turn() // and no deadline passes
        equal(wasCancelled(), true)
        deepEqual(followed, ['ban 2'])
        deepEqual(told, [2, 3])
        deepEqual(session.fault, fault) // not 3, who could not be reached
        await failed
      })

  it('has its result when every opening has left', async () => {
    const { left, lead, followed } = bench(true)
    let done = false
    const run = lead(async () => 'signed').finally(() => {
      done = true
    })
    await turn()
    equal(done, false)
    left.resolve()
    equal(await run, 'signed')
    deepEqual(followed, [])
  })
})
