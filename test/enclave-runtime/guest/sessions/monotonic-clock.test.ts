import { deepEqual, ok } from 'node:assert/strict'
import {
  idleClock,
  monotonicClock,
} from '../../../../enclave-runtime/guest/sessions/monotonic-clock.ts'

const rung = (clock: Pick<typeof monotonicClock, 'monotonicMs' | 'after'>, ms: number) =>
  new Promise<number>((resolve) => {
    const asked = clock.monotonicMs()
    clock.after(ms, () => resolve(clock.monotonicMs() - asked))
  })

describe('the clock of the guest', () => {
  it('rings no bell before its time, whatever fraction of a millisecond was asked for', async () => {
    const asked = Array.from({ length: 60 }, (_, i) => i / 7)
    const waited = await Promise.all(asked.map((ms) => rung(monotonicClock, ms)))
    for (const [i, ms] of asked.entries()) ok((waited[i] ?? 0) >= ms, `${waited[i]} of ${ms}`)
  })

  it('rings one that keeps nothing running while something else runs', async () => {
    const [waited = 0] = await Promise.all([rung(idleClock, 3), rung(monotonicClock, 20)])
    ok(waited >= 3)
  })

  it('does not ring one that was taken back', async () => {
    const heard: string[] = []
    const disarm = monotonicClock.after(1, () => heard.push('taken back'))
    disarm()
    await rung(monotonicClock, 5)
    deepEqual(heard, [])
  })
})
