import { equal } from 'node:assert/strict'
import { wide } from '../../../../protocols/kernel/reference/curve.ts'
import { bytesOf } from '../../../../protocols/kernel/reference/hash.ts'
import { PPRF_BYTES } from '../../../../protocols/kernel/reference/pprf.ts'
import { answer, begin, M1_BYTES, M2_BYTES } from '../../../../protocols/kernel/reference/rvole.ts'
import { seeded } from '../../../support/seeded.ts'
import { dealtLeaves } from '../reference/dealt-leaves.ts'
import { Arena, COMPILATION_TIMEOUT_MS } from './arena.ts'

const LEAF_BYTES = 64 * 16 * 32
const SAMPLE = 8 // bytes that do not occur by chance

const random = seeded('kernel scratch')
const { bob, alice } = dealtLeaves(random)

describe('static memory of the kernel', () => {
  let arena: Arena
  before(async function () {
    this.timeout(COMPILATION_TIMEOUT_MS)
    arena = await Arena.of('hashing')
  })
  beforeEach(() => arena.clear())

  /** How many samples of the secret are found outside of what the test gave out. */
  function traces(secret: Uint8Array): number {
    const outside = arena.outside()
    let found = 0
    for (let at = 0; at + SAMPLE <= secret.length; at += Math.max(SAMPLE, secret.length >> 4)) {
      const sample = Buffer.from(secret.subarray(at, at + SAMPLE))
      // The leaf that Alice lacks is zero.
      if (!sample.equals(Buffer.alloc(SAMPLE)) && outside.includes(sample)) found++
    }
    return found
  }

  it('holds nothing of a key, leaf or choice after the set-up', () => {
    const [sid, keys, choices] = [arena.put(random(32)), random(256 * 64), random(32)]
    const [leaves, message, delta] = [
      arena.room(LEAF_BYTES),
      arena.room(PPRF_BYTES),
      arena.room(32),
    ]
    arena.call['pprfBuild']?.(leaves, message, arena.put(keys), sid)
    equal(traces(keys), 0)
    equal(traces(arena.read(leaves, LEAF_BYTES)), 0)
    arena.call['pprfEvaluate']?.(leaves, delta, message, arena.put(keys), arena.put(choices), sid)
    equal(traces(keys) + traces(choices), 0)
  })

  it('holds nothing of a multiplication after each of its steps', () => {
    const [sid, cPrime, hat] = [random(32), random(80), random(64)]
    const theirs = begin(() => cPrime.slice(), bob, sid)
    const reply = answer(() => hat.slice(), alice, sid, theirs.m1, 5n, 6n)
    const size = arena.call['choiceSize']?.() ?? 0
    const [sidAt, m1, choice] = [arena.put(sid), arena.room(M1_BYTES), arena.room(size)]
    const bobLeaves = arena.put(bytesOf(bob.leaves))
    arena.call['rvoleBob']?.(m1, choice, bobLeaves, sidAt, arena.put(cPrime))
    equal(traces(cPrime) + traces(bytesOf(bob.leaves)), 0)
    const kept = arena.read(choice, 16_384 + 64)
    equal(traces(kept), 0)

    const [leaves, delta] = [arena.put(bytesOf(alice.leaves)), arena.put(alice.delta)]
    equal(arena.call['rvoleCheck']?.(leaves, delta, sidAt, m1), 1)
    const [m2, c1, c2] = [arena.room(M2_BYTES), arena.room(32), arena.room(32)]
    const inputs = [5n, 6n, wide(hat)].map((value) => arena.putScalar(value))
    arena.call['rvoleAlice']?.(m2, c1, c2, delta, sidAt, ...inputs)
    equal(traces(bytesOf(alice.leaves)) + traces(alice.delta), 0)
    equal(traces(arena.read(inputs[2] as number, 32)), 0)
    equal(arena.readScalar(c1), reply?.product.c1)
    equal(traces(arena.read(c1, 32)) + traces(arena.read(c2, 32)), 0)

    const [b, d1, d2] = [arena.room(32), arena.room(32), arena.room(32)]
    equal(arena.call['rvoleFinish']?.(b, d1, d2, choice, m2), 0)
    equal(traces(kept), 0)
    for (const at of [b, d1, d2]) equal(traces(arena.read(at, 32)), 0)
  })

  it('is searched in earnest: what an extension leaves until it is wiped is found', () => {
    const [sid, m1] = [arena.put(random(32)), arena.room(M1_BYTES)]
    const leaves = arena.put(bytesOf(bob.leaves))
    arena.call['extendBob']?.(m1, leaves, sid, arena.put(random(80)))
    const columns = arena.read(arena.call['columnsAt']?.() ?? 0, 16_384)
    equal(traces(columns), 16)
    arena.call['wipeExtension']?.()
    equal(traces(columns), 0)
  })
})
