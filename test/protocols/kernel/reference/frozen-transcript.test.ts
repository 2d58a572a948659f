import { deepEqual, equal } from 'node:assert/strict'
import { createHash } from 'node:crypto'
import type { Kernel } from '../../../../protocols/kernel/kernel.ts'
import { wasmKernel } from '../../../../protocols/kernel/load.ts'
import { referenceKernel } from '../../../../protocols/kernel/reference/reference-kernel.ts'
import { dealKey, label, pair, signTogether } from '../../../conformance/kernel-flow.ts'
import { seeded } from '../../../support/seeded.ts'

/** A kernel that writes down every byte string it gives out. */
function recorded(kernel: Kernel, record: (name: string, bytes: Uint8Array) => void): Kernel {
  const note = (name: string, value: unknown): void => {
    if (value instanceof Uint8Array) record(name, value)
    else if (typeof value === 'object' && value !== null) {
      for (const [field, inner] of Object.entries(value)) note(`${name}.${field}`, inner)
    }
  }
  return new Proxy(kernel, {
    get(target, name, receiver) {
      const member = Reflect.get(target, name, receiver)
      if (typeof member !== 'function') return member
      return (...given: unknown[]) => {
        const value = Reflect.apply(member, target, given)
        note(FROZEN_NAMES.get(String(name)) ?? String(name), value)
        return value
      }
    },
  })
}

/** One setup, one key and one signature over seeded randomness: everything that was said. */
function transcript(
  random: (seed: string) => (length: number) => Uint8Array,
  [lo, hi]: readonly [typeof wasmKernel, typeof wasmKernel] = [referenceKernel, referenceKernel],
) {
  const hash = createHash('sha256')
  const names: string[] = []
  const record = (name: string, bytes: Uint8Array): void => {
    names.push(`${name} ${bytes.length}`)
    hash.update(name).update(bytes)
  }
  const sides = pair(
    recorded(lo(random('frozen lo')), record),
    recorded(hi(random('frozen hi')), record),
  )
  const { P, shares } = dealKey(sides)
  const signature = signTogether(sides, shares, label('frozen'), 'frozen')
  equal(sides[0].kernel.ecdsaVerify(P, label('frozen'), signature), true)
  return { names, hash: hash.digest('hex') }
}

describe('transcript of a setup, a key and a signature', () => {
  it('is the one frozen for version 1, byte for byte', function () {
    this.timeout(30_000)
    const { names, hash } = transcript(seeded)
    deepEqual(names.slice(0, 4), [
      'pairSend.A 33',
      'pairReceive.phi 16896',
      'pairBuild.pprf 20480',
      'pairSend.A 33',
    ])
    equal(hash, FROZEN)
  })

  it('is the same when the source of randomness gives Buffers, whose slices share memory', function () {
    this.timeout(30_000)
    const buffers = (seed: string) => {
      const random = seeded(seed)
      return (length: number) => Buffer.from(random(length))
    }
    equal(transcript(buffers).hash, FROZEN)
  })

  it('is the same of two WASM kernels, and of one with the reference', function () {
    this.timeout(30_000)
    equal(transcript(seeded, [wasmKernel, wasmKernel]).hash, FROZEN)
    equal(transcript(seeded, [wasmKernel, referenceKernel]).hash, FROZEN)
    equal(transcript(seeded, [referenceKernel, wasmKernel]).hash, FROZEN)
  })
})

/** The names of version 1, from before these operations ran in steps. */
const FROZEN_NAMES: ReadonlyMap<string, string> = new Map([
  ['pairReceiveStep', 'pairReceive'],
  ['pairBuildStep', 'pairBuild'],
])
const FROZEN = 'af9ddf1cd7218e5f03866c186c713c84264db1bbb4765475c2f92fd8bc64c03c'
