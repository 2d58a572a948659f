import { deepEqual, equal, notEqual, throws } from 'node:assert/strict'
import {
  CHOICE_SLOTS,
  type Handle,
  KernelFull,
  KernelMisuse,
} from '../../../../protocols/kernel/kernel.ts'
import type { Secrets } from '../../../../protocols/kernel/reference/secrets.ts'
import { Slots } from '../../../../protocols/kernel/reference/slots.ts'

const seed = (): { seed: Uint8Array } => ({ seed: new Uint8Array(32).fill(7) })

describe('slots', () => {
  it('give back what was put, and count it', () => {
    const slots = new Slots()
    const handle = slots.put('share', { s: 5n })
    deepEqual([slots.get(handle, 'share'), slots.held], [{ s: 5n }, 1])
  })

  it('refuse a handle of another kind', () => {
    const slots = new Slots()
    const handle = slots.put('zeta', seed())
    throws(() => slots.get(handle as unknown as Handle<'share'>, 'share'), KernelMisuse)
  })

  it('refuse a handle after it was wiped, also when its slot is used again', () => {
    const slots = new Slots()
    const first = slots.put('zeta', seed())
    slots.wipe(first)
    const second = slots.put('zeta', seed())
    equal(Math.floor(first / 4096), Math.floor(second / 4096))
    notEqual(first, second)
    throws(() => slots.get(first, 'zeta'), KernelMisuse)
    throws(() => slots.wipe(first), KernelMisuse)
  })

  it('refuse invented handles', () => {
    const slots = new Slots()
    slots.put('zeta', seed())
    for (const invented of [0, -1, 0.5, Number.NaN, 4096, 2 ** 32]) {
      throws(() => slots.get(invented as Handle<'zeta'>, 'zeta'), KernelMisuse)
    }
  })

  it('zero the arrays and numbers of what they wipe', () => {
    const slots = new Slots()
    const zeta = seed()
    const share = { s: 9n }
    const deal = { threshold: 1, coefficients: [[3n]], F: Uint8Array.of(2) }
    slots.put('zeta', zeta)
    slots.put('share', share)
    slots.put('deal', deal)
    slots.wipeAll()
    deepEqual(zeta.seed, new Uint8Array(32))
    deepEqual([share.s, deal.coefficients, deal.F, slots.held], [0n, [[0n]], Uint8Array.of(0), 0])
  })

  it('consume a secret even when its last use fails', () => {
    const slots = new Slots()
    const zeta = seed()
    const handle = slots.put('zeta', zeta)
    const fail = (): never => {
      throw new Error('no')
    }
    throws(() => slots.consume(handle, 'zeta', fail), /no/)
    deepEqual([zeta.seed, slots.held], [new Uint8Array(32), 0])
  })

  it('are full when every slot is held, and have room again after a wipe', () => {
    const slots = new Slots(2)
    const first = slots.put('share', { s: 1n })
    slots.put('share', { s: 2n })
    throws(() => slots.put('share', { s: 3n }), KernelFull)
    equal(slots.held, 2)
    slots.wipe(first)
    slots.put('share', { s: 3n })
  })

  it('hold as many choices as every kernel does, and other secrets beside them', () => {
    const slots = new Slots()
    const choice = (): Handle<'choice'> => slots.put('choice', {} as Secrets['choice'])
    const first = choice()
    for (let k = 1; k < CHOICE_SLOTS; k++) choice()
    throws(choice, KernelFull)
    slots.put('share', { s: 1n })
    slots.wipe(first)
    choice()
    throws(choice, KernelFull)
    equal(slots.held, CHOICE_SLOTS + 1)
  })

  it('never give a slot out again once its generations are used up', () => {
    const slots = new Slots()
    const seen = new Set<number>()
    for (let i = 0; i < 5000; i++) {
      const handle = slots.put('share', { s: 1n })
      seen.add(handle)
      slots.wipe(handle)
    }
    equal(seen.size, 5000)
  })
})
