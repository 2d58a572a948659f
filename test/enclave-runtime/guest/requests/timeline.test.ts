import { deepEqual } from 'node:assert/strict'
import { Timeline } from '../../../../enclave-runtime/guest/requests/timeline.ts'
import { signingProgress } from '../../../../enclave-runtime/guest/signing/signing-progress.ts'

describe('Timeline', () => {
  it('gives every moment to one phase, in whole microseconds', async () => {
    let now = 5
    const timeline = new Timeline(() => now, 'open')
    now += 1.25
    timeline.enter('verify')
    now += 2
    await timeline.during('record', async () => {
      now += 0.5
    })
    now += 1
    deepEqual(timeline.times(), { open: 1_250, verify: 3_000, record: 500 })
  })

  it('stays with a phase that was entered while something else was timed', async () => {
    let now = 0
    const timeline = new Timeline(() => now, 'r2')
    await timeline.during('record', async () => {
      now += 1
      timeline.enter('r3')
      now += 1
    })
    now += 1
    deepEqual(timeline.times(), { record: 1_000, r3: 2_000 })
  })
})

describe('signingProgress()', () => {
  const walk = (
    steps: (progress: ReturnType<typeof signingProgress>, tick: () => void) => void,
  ) => {
    let now = 0
    const timeline = new Timeline(() => now, 'forward')
    steps(signingProgress(timeline), () => {
      now += 1
    })
    return timeline.times()
  }

  it('counts as forwarding what passes until a follower is heard, then the rounds', () => {
    const times = walk((progress, tick) => {
      progress.entered('sign/1-commit')
      tick()
      progress.heard('sign/1-commit')
      tick()
      progress.heardAll('sign/1-commit')
      progress.entered('sign/1b-extend')
      tick()
      progress.entered('sign/2-multiply')
      tick()
      progress.entered('sign/3-combine')
      tick()
      progress.heardAll('sign/3-combine')
      tick()
    })
    deepEqual(times, {
      forward: 1_000,
      r1: 1_000,
      r1b: 1_000,
      r2: 1_000,
      r3: 1_000,
      combine: 1_000,
    })
  })

  it('goes from forwarding to combining when there is one round', () => {
    const times = walk((progress, tick) => {
      progress.entered('sign/online')
      tick()
      progress.heard('sign/online')
      tick()
      progress.heardAll('sign/online')
      tick()
    })
    deepEqual(times, { forward: 1_000, r3: 1_000, combine: 1_000 })
  })

  it('combines at once when the last round came before it was entered here', () => {
    const times = walk((progress, tick) => {
      progress.entered('sign/2-multiply')
      progress.heard('sign/2-multiply')
      progress.heard('sign/3-combine')
      progress.heardAll('sign/3-combine')
      tick()
      progress.entered('sign/3-combine')
      tick()
    })
    deepEqual(times, { r2: 1_000, combine: 1_000 })
  })
})
