import { deepEqual, equal } from 'node:assert/strict'
import { bit } from '../../../../protocols/kernel/reference/fields.ts'
import { bytesOf } from '../../../../protocols/kernel/reference/hash.ts'
import { build, evaluate, PPRF_BYTES } from '../../../../protocols/kernel/reference/pprf.ts'
import { seeded } from '../../../support/seeded.ts'
import { Arena, COMPILATION_TIMEOUT_MS } from './arena.ts'

const LEAVES = 64 * 16 * 32

interface Evaluated {
  readonly good: number | undefined
  readonly leaves: Uint8Array
  readonly delta: Uint8Array
}

describe('PPRF of the kernel', () => {
  let arena: Arena
  before(async function () {
    this.timeout(COMPILATION_TIMEOUT_MS)
    arena = await Arena.of('hashing')
  })
  beforeEach(() => arena.clear())

  /** A finished base OT: both keys of Bob, Alice's choices and the keys they chose. */
  function baseOts(seed: string, choice?: number) {
    const random = seeded(seed)
    const [sid, keys] = [random(32), random(256 * 64)]
    const choices = choice === undefined ? random(32) : new Uint8Array(32).fill(choice)
    const chosen = Buffer.concat(
      Array.from({ length: 256 }, (_, i) => {
        const at = 64 * i + 32 * bit(choices, i)
        return keys.slice(at, at + 32)
      }),
    )
    return { sid, keys, choices, chosen: new Uint8Array(chosen) }
  }

  function evaluated(ots: ReturnType<typeof baseOts>, pprf: Uint8Array): Evaluated {
    arena.clear()
    const [leaves, delta] = [arena.room(LEAVES), arena.room(32)]
    const [keys, choices] = [arena.put(ots.chosen), arena.put(ots.choices)]
    const good = arena.call['pprfEvaluate']?.(
      leaves,
      delta,
      arena.put(pprf),
      keys,
      choices,
      arena.put(ots.sid),
    )
    return { good, leaves: arena.read(leaves, LEAVES), delta: arena.read(delta, 32) }
  }

  it('builds the message and the leaves of the reference', () => {
    for (const seed of ['kernel pprf', 'kernel pprf again']) {
      arena.clear()
      const { sid, keys } = baseOts(seed)
      const expected = build(sid, keys)
      const [leaves, message] = [arena.room(LEAVES), arena.room(PPRF_BYTES)]
      arena.call['pprfBuild']?.(leaves, message, arena.put(keys), arena.put(sid))
      deepEqual(arena.read(message, PPRF_BYTES), expected.pprf)
      deepEqual(arena.read(leaves, LEAVES), bytesOf(expected.leaves))
    }
  })

  it('evaluates to the leaves and the Δ of the reference, whatever the choices', () => {
    for (const choice of [undefined, 0x00, 0xff, 0x5a, 0x93]) {
      const ots = baseOts('kernel choices', choice)
      const { pprf } = build(ots.sid, ots.keys)
      const { sid, choices, chosen } = ots
      const expected = evaluate({ sid, choices, keys: chosen }, sid, pprf)
      const { good, leaves, delta } = evaluated(ots, pprf)
      equal(good, 1)
      deepEqual(leaves, expected && bytesOf(expected.leaves))
      deepEqual(delta, expected?.delta)
    }
  })

  it('refuses a change of any part of any block, and leaves nothing behind', () => {
    const ots = baseOts('kernel tampered')
    const { pprf } = build(ots.sid, ots.keys)
    let refused = 0
    for (const block of [0, 31, 63]) {
      for (const at of [192, 255, 256, 319]) {
        const changed = pprf.slice()
        changed[320 * block + at] = (changed[320 * block + at] ?? 0) ^ 1
        const { good, leaves, delta } = evaluated(ots, changed)
        equal(good, 0)
        deepEqual(leaves, new Uint8Array(LEAVES))
        deepEqual(delta, new Uint8Array(32))
        refused++
      }
    }
    equal(refused, 12)
    // A correction t^i_side is used only on the side of the choice.
    const used = 32 * bit(ots.choices, 1)
    for (const [at, answer] of [
      [used, 0],
      [32 - used, 1],
    ] as const) {
      const changed = pprf.slice()
      changed[at] = (changed[at] ?? 0) ^ 1
      equal(evaluated(ots, changed).good, answer)
    }
  })
})
