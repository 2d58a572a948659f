import { equal, rejects } from 'node:assert/strict'
import { Blame } from '../../../src/coordinator/blame.ts'
import { Standing } from '../../../src/coordinator/standing.ts'
import { StillClock } from './fake-network.ts'

/** A standing over a guest that answers when it is told to. */
function standingOf() {
  const clock = new StillClock()
  const asked: PromiseWithResolvers<{ pairs: { party: number; state: string }[]; bans: [] }>[] = []
  const status = () => {
    const answer: (typeof asked)[number] = Promise.withResolvers()
    asked.push(answer)
    return answer.promise
  }
  const members = [1, 2, 3].map((index) => ({
    index,
    guestSig: new Uint8Array(32),
    peerId: `peer-${index}`,
    label: '',
  }))
  const standing = new Standing({
    committee: { threshold: 2, members, me: 1 },
    guest: { status } as unknown as ConstructorParameters<typeof Standing>[0]['guest'],
    links: { state: () => ({ up: true, suspect: false, rttMs: 1 }) },
    clock,
    blame: new Blame(),
  })
  const answer = async (at: number, state: string): Promise<void> => {
    asked[at]?.resolve({ pairs: [{ party: 2, state }], bans: [] })
    await new Promise((resolve) => setImmediate(resolve))
  }
  return { clock, asked, standing, answer, signal: new AbortController().signal }
}

describe('Standing.refresh()', () => {
  it('waits for the guest the first time, and asks once for all who wait', async () => {
    const { asked, standing, answer, signal } = standingOf()
    const waiting = [standing.refresh(signal), standing.refresh(signal)]
    equal(standing.paired(2), false)
    await answer(0, 'ready')
    await Promise.all(waiting)
    equal(standing.paired(2), true)
    equal(asked.length, 1)
  })

  it('makes no request wait while what it knows is seconds old, and asks anew when told to', async () => {
    const { clock, asked, standing, answer, signal } = standingOf()
    const first = standing.refresh(signal)
    await answer(0, 'ready')
    await first
    clock.at += 100
    await standing.refresh(signal)
    standing.renew()
    equal(asked.length, 1) // fresh
    clock.at += 2_000
    await standing.refresh(signal)
    equal(asked.length, 1)
    standing.renew()
    standing.renew()
    equal(asked.length, 2)
    equal(standing.paired(2), true)
    await answer(1, 'running')
    equal(standing.paired(2), false)
  })

  it('waits again once it is stale, and does not take an answer from before', async () => {
    const { clock, asked, standing, answer, signal } = standingOf()
    const first = standing.refresh(signal)
    await answer(0, 'ready')
    await first
    clock.at += 1_000
    standing.renew()
    standing.stale()
    const after = standing.refresh(signal)
    equal(asked.length, 3)
    await answer(2, 'running')
    await after
    equal(standing.paired(2), false)
    clock.at += 6_000
    const late = standing.refresh(signal)
    asked[3]?.reject(new Error('gone'))
    await rejects(late, /gone/)
  })
})
