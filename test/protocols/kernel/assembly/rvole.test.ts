import { deepEqual, equal } from 'node:assert/strict'
import { mod, q, wide, writeScalar } from '../../../../protocols/kernel/reference/curve.ts'
import { bytesOf } from '../../../../protocols/kernel/reference/hash.ts'
import {
  answer,
  begin,
  finish,
  gadgetOf,
  M1_BYTES,
  M2_BYTES,
} from '../../../../protocols/kernel/reference/rvole.ts'
import { seeded } from '../../../support/seeded.ts'
import { dealtLeaves } from '../reference/dealt-leaves.ts'
import { Arena, COMPILATION_TIMEOUT_MS, EDGES } from './arena.ts'

const { bob, alice } = dealtLeaves(seeded('kernel rvole leaves'))
const OK = 0
const MALFORMED = 1
const MU = 2

describe('multiplication in the kernel', () => {
  let arena: Arena
  before(async function () {
    this.timeout(COMPILATION_TIMEOUT_MS)
    arena = await Arena.of('hashing')
  })
  beforeEach(() => arena.clear())

  const choiceSize = (): number => arena.call['choiceSize']?.() ?? 0

  /** Bob's m1 and what he keeps. */
  function begun(sid: Uint8Array, cPrime: Uint8Array) {
    arena.clear()
    const [m1, choice] = [arena.room(M1_BYTES), arena.room(choiceSize())]
    const leaves = arena.put(bytesOf(bob.leaves))
    arena.call['rvoleBob']?.(m1, choice, leaves, arena.put(sid), arena.put(cPrime))
    const b = arena.readScalar(choice + (arena.call['choiceB']?.() ?? 0))
    return { m1: arena.read(m1, M1_BYTES), choice: arena.read(choice, choiceSize()), b }
  }

  /** Alice's m2 and shares; `undefined` when the COTe check fails. */
  function answered(sid: Uint8Array, m1: Uint8Array, a1: bigint, a2: bigint, aHat: bigint) {
    arena.clear()
    const [leaves, delta] = [arena.put(bytesOf(alice.leaves)), arena.put(alice.delta)]
    const sidAt = arena.put(sid)
    if (arena.call['rvoleCheck']?.(leaves, delta, sidAt, arena.put(m1)) !== 1) return undefined
    const [m2, c1, c2] = [arena.room(M2_BYTES), arena.room(32), arena.room(32)]
    const inputs = [a1, a2, aHat].map((value) => arena.putScalar(value))
    arena.call['rvoleAlice']?.(m2, c1, c2, delta, sidAt, ...inputs)
    const product = { c1: arena.readScalar(c1), c2: arena.readScalar(c2) }
    return { m2: arena.read(m2, M2_BYTES), product }
  }

  function finished(choice: Uint8Array, m2: Uint8Array) {
    arena.clear()
    const outputs = [arena.room(32), arena.room(32), arena.room(32)]
    const verdict = arena.call['rvoleFinish']?.(
      ...(outputs as [number, number, number]),
      arena.put(choice),
      arena.put(m2),
    )
    const [b, d1, d2] = outputs.map((at) => arena.readScalar(at))
    return { verdict, result: { b, d1, d2 } }
  }

  /** One execution in both kernels, compared at every step. */
  function compared(seed: string, a1: bigint, a2: bigint) {
    const sid = seeded(`sid ${seed}`)(32)
    const cPrime = seeded(`bob ${seed}`)(80)
    const hat = seeded(`alice ${seed}`)(64)
    const theirs = begin(() => cPrime.slice(), bob, sid)
    const mine = begun(sid, cPrime)
    deepEqual(mine.m1, theirs.m1, seed)
    equal(mine.b, theirs.choice.b, seed)
    const expected = answer(() => hat.slice(), alice, sid, theirs.m1, a1, a2)
    const reply = answered(sid, mine.m1, a1, a2, wide(hat))
    deepEqual(reply, expected, seed)
    const m2 = reply?.m2 as Uint8Array
    const { verdict, result } = finished(mine.choice, m2)
    equal(verdict, OK)
    deepEqual(result, finish(theirs.choice, m2), seed)
    equal(mod((reply?.product.c1 ?? 0n) + (result.d1 ?? 0n)), mod(a1 * mine.b), seed)
    equal(mod((reply?.product.c2 ?? 0n) + (result.d2 ?? 0n)), mod(a2 * mine.b), seed)
    return { sid, m1: mine.m1, choice: mine.choice, m2 }
  }

  it('equals the reference at every step, and gives c + d = a·b, for edges as factors', () => {
    for (const [i, a1] of EDGES.slice(0, 10).entries()) {
      compared(`edge ${i}`, a1, EDGES[EDGES.length - 1 - i] as bigint)
    }
  })

  it('gives the known sum of the gadget (02 §1.4), and b = Σ β_j g_j for any β', () => {
    const zero = new Uint8Array(32)
    const gadget = gadgetOf(zero)
    const out = arena.room(32)
    const sid = arena.put(zero)
    const random = seeded('kernel gadget')
    const ones = new Uint8Array(64).fill(0xff)
    for (const beta of [ones, new Uint8Array(64), random(64), random(64)]) {
      arena.call['gadgetSum']?.(out, sid, arena.put(beta))
      const bits = Array.from({ length: 512 }, (_, j) => ((beta[j >> 3] ?? 0) >> (j & 7)) & 1)
      const expected = gadget.reduce((sum, g, j) => mod(sum + (bits[j] === 1 ? g : 0n)), 0n)
      equal(arena.readScalar(out), expected)
      if (beta !== ones) continue
      const hex = Buffer.from(writeScalar(expected)).toString('hex')
      equal(hex, 'd4fa9ced1bf8fe4256b7e01b3d6c6ecbc4080e15752e394c8f0e5428e907727f')
    }
  })

  it('keeps no more than 17 kB between m1 and m2', () => {
    equal(choiceSize() <= 17_000, true)
  })

  it('refuses m1 with a change, and answers `mu` to a change of Ã, η or μ that stays canonical', () => {
    const { sid, m1, choice, m2 } = compared('tampered', 5n, 6n)
    for (const at of [0, 5120, 5136, 9231]) {
      equal(answered(sid, changed(m1, at), 5n, 6n, 7n), undefined)
    }
    const rows = [0, 1, 2, 3, 4, 5].flatMap((j) => [96 * j + 31, 96 * j + 63, 96 * j + 95])
    for (const at of [...rows, 32 * 700 + 31, 49_151, 49_152 + 31, 49_184, 49_247]) {
      equal(finished(choice, changed(m2, at)).verdict, MU, `${at}`)
    }
    equal(finished(choice, m2).verdict, OK)
  })

  it('answers `malformed` to a scalar of q or more, before any check', () => {
    const { choice, m2 } = compared('canonical', 5n, 6n)
    for (const at of [0, 32 * 1535, 49_152]) {
      for (const value of [q, q + 1n, (1n << 256n) - 1n]) {
        const altered = m2.slice()
        altered.set(writeScalar(value), at)
        equal(finished(choice, altered).verdict, MALFORMED)
      }
    }
  })
})

function changed(bytes: Uint8Array, at: number): Uint8Array {
  const copy = bytes.slice()
  copy[at] = (copy[at] ?? 0) ^ 1
  return copy
}
