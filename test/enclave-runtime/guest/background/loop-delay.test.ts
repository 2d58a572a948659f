import { equal } from 'node:assert/strict'
import { LoopDelay } from '../../../../enclave-runtime/guest/background/loop-delay.ts'
import { meteredKernel } from '../../../../enclave-runtime/guest/background/metered-kernel.ts'
import { referenceKernel } from '../../../../protocols/kernel/reference/reference-kernel.ts'
import { seeded } from '../../../support/seeded.ts'

/** A loop that something holds up: bells ring when it is let go. */
class HeldLoop {
  now = 0
  #bell: { readonly at: number; readonly run: () => void } | undefined

  monotonicMs(): number {
    return this.now
  }

  after(ms: number, run: () => void): () => void {
    this.#bell = { at: this.now + ms, run }
    return () => {
      this.#bell = undefined
    }
  }

  get armed(): boolean {
    return this.#bell !== undefined
  }

  /** Runs on for `ms`, which is a multiple of fifty. */
  flow(ms: number): void {
    for (const end = this.now + ms; this.now < end; ) this.hold(50)
  }

  /** Holds the loop for `ms`; then whatever is due rings. */
  hold(ms: number): void {
    this.now += ms
    const bell = this.#bell
    if (bell !== undefined && bell.at <= this.now) bell.run()
  }
}

describe('LoopDelay', () => {
  it('sees the longest time that something held the loop', () => {
    const loop = new HeldLoop()
    const delay = new LoopDelay(loop)
    loop.flow(1_000)
    equal(delay.maxMs, 0)
    loop.hold(85)
    loop.hold(65)
    loop.flow(1_000)
    equal(delay.maxMs, 35) // the 85 ms began with a look
  })

  it('forgets it within a minute', () => {
    const loop = new HeldLoop()
    const delay = new LoopDelay(loop)
    loop.hold(85)
    loop.flow(29_000)
    equal(delay.maxMs, 35)
    loop.flow(61_000)
    equal(delay.maxMs, 0)
  })

  it('leaves no bell behind', () => {
    const loop = new HeldLoop()
    new LoopDelay(loop).close()
    equal(loop.armed, false)
  })
})

describe('meteredKernel()', () => {
  it('is the same kernel, and tells how long each operation took', () => {
    let now = 0
    const spent: number[] = []
    const clock = () => {
      now += 7
      return now
    }
    const kernel = referenceKernel(seeded('metered'))
    const metered = meteredKernel(kernel, clock, (ms) => spent.push(ms))
    const { sender } = metered.pairSend()
    equal(metered.held, 1)
    metered.wipe(sender)
    equal(kernel.held, 0)
    equal(spent.join(), '7,7')
    equal(metered.name, 'reference')
  })
})
