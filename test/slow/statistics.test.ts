import { equal, ok } from 'node:assert/strict'
import { concatBytes } from '@noble/hashes/utils.js'
import { tags } from '../../protocols/crypto/tags.ts'
import { oracle } from '../../protocols/crypto/transcript.ts'
import { wasmKernel } from '../../protocols/kernel/load.ts'
import { bytesOf, keyedHash } from '../../protocols/kernel/reference/hash.ts'
import { M1_BYTES, M2_BYTES } from '../../protocols/kernel/reference/rvole.ts'
import { rvoleSid } from '../../protocols/ot/session-ids.ts'
import { correlate, dealKey, openCorrelated, pair } from '../conformance/kernel-flow.ts'
import { Arena } from '../protocols/kernel/assembly/arena.ts'
import { dealtLeaves } from '../protocols/kernel/reference/dealt-leaves.ts'
import { BitStatistics } from '../support/bit-statistics.ts'
import { seeded } from '../support/seeded.ts'

const VALUES = 100_000
const OUTPUTS = 1_000_000
/** Standard deviations: among a few thousand bit positions one in ten thousand runs is beyond. */
const MOST_DEVIATIONS = 5.5
/** 255 degrees of freedom, 5.5 standard deviations above the mean. */
const MOST_CHI_SQUARED = 255 + 5.5 * Math.sqrt(2 * 255)

/** Every one of these distributions, or a list of those that are not uniform. */
function biased(statistics: Readonly<Record<string, BitStatistics>>): string[] {
  return Object.entries(statistics).flatMap(([name, { monobit, worstBit, chiSquared }]) =>
    Math.abs(monobit) < MOST_DEVIATIONS &&
    worstBit < MOST_DEVIATIONS &&
    chiSquared < MOST_CHI_SQUARED
      ? []
      : [`${name}: ${monobit.toFixed(2)}, ${worstBit.toFixed(2)}, ${chiSquared.toFixed(0)}`],
  )
}

const u32 = (value: number): Uint8Array => {
  const bytes = new Uint8Array(4)
  new DataView(bytes.buffer).setUint32(0, value)
  return bytes
}

/** 02 §13: what leaves or stays with a party looks uniform, and nothing that must differ repeats. */
describe('statistics', () => {
  it('see a bit that is set a little too often', () => {
    const random = seeded('statistics, planted')
    const [even, uneven] = [new BitStatistics(32), new BitStatistics(32)]
    for (let i = 0; i < VALUES; i++) {
      const value = random(33)
      even.add(value.subarray(0, 32))
      if ((value[32] as number) < 8) value[31] = (value[31] as number) | 1
      uneven.add(value.subarray(0, 32))
    }
    equal(biased({ even, uneven }).length, 1)
  })

  it(`find none in b, c and d of ${VALUES} multiplications in the kernel`, async () => {
    const arena = await Arena.of('hashing')
    const { bob, alice } = dealtLeaves(seeded('statistics, leaves'))
    const random = seeded('statistics, multiplications')
    const call = (name: string, ...args: number[]): number => arena.call[name]?.(...args) ?? 0
    const bobLeaves = arena.put(bytesOf(bob.leaves))
    const aliceLeaves = arena.put(bytesOf(alice.leaves))
    const delta = arena.put(alice.delta)
    const [sid, cPrime] = [arena.room(32), arena.room(80)]
    const [m1, choice] = [arena.room(M1_BYTES), arena.room(call('choiceSize'))]
    const [m2, hat] = [arena.room(M2_BYTES), arena.room(32)]
    const [a1, a2] = [arena.room(32), arena.room(32)]
    const [c1, c2, b, d1, d2] = Array.from({ length: 5 }, () => arena.room(32)) as [
      ...[number, number, number, number, number],
    ]
    const at = { b, c1, c2, d1, d2 }
    const statistics = Object.fromEntries(
      Object.keys(at).map((name) => [name, new BitStatistics(32)]),
    )
    for (let i = 0; i < VALUES; i++) {
      const drawn = random(80 + 3 * 32)
      for (let last = 80 + 31; last < drawn.length; last += 32) drawn[last] = 0 // below q
      arena.write(sid, oracle(tags.chain, 32, u32(i)))
      arena.write(cPrime, drawn.subarray(0, 80))
      for (const [k, to] of [a1, a2, hat].entries())
        arena.write(to, drawn.subarray(80 + 32 * k, 112 + 32 * k))
      call('rvoleBob', m1, choice, bobLeaves, sid, cPrime)
      equal(call('rvoleCheck', aliceLeaves, delta, sid, m1), 1)
      call('rvoleAlice', m2, c1, c2, delta, sid, a1, a2, hat)
      equal(call('rvoleFinish', b, d1, d2, choice, m2), 0)
      for (const [name, place] of Object.entries(at))
        statistics[name]?.add(arena.read(place, 32).reverse())
    }
    ok(Object.keys(statistics).length === 5)
    equal(biased(statistics).join('\n'), '')
  })

  it(`find none in δ and ψ of ${VALUES} openings from correlations, of one key`, () => {
    const [lo, hi] = [wasmKernel(seeded('statistics lo')), wasmKernel(seeded('statistics hi'))]
    const sides = pair(lo, hi)
    const { shares } = dealKey(sides)
    const names = ['deltaU', 'deltaV', 'psi'] as const
    const statistics = Object.fromEntries(names.map((name) => [name, new BitStatistics(32)]))
    for (let i = 0; i < VALUES / 2; i++) {
      const both = openCorrelated(sides, shares, correlate(sides, `pair ${i}`), `opening ${i}`)
      for (const [side, opening] of both.entries()) {
        for (const name of names) statistics[name]?.add(opening[name])
        const { kernel } = side === 0 ? sides[0] : sides[1]
        for (const secret of [opening.nonce, opening.key, opening.opened]) kernel.wipe(secret)
      }
    }
    equal(biased(statistics).join('\n'), '')
  })

  it(`find no session id, challenge or row twice among ${OUTPUTS}`, () => {
    const seen = [new Set<string>(), new Set<string>(), new Set<string>()] as const
    const short = (bytes: Uint8Array): string =>
      Buffer.from(bytes.subarray(0, 16)).toString('latin1')
    const setup = new Uint8Array(32).fill(7)
    for (let i = 0; i < OUTPUTS; i++) {
      const parent = new Uint8Array(32)
      parent.set(u32(i >> 5))
      const sid = rvoleSid(parent, setup, (i >> 1) & 15, (i & 1) as 0 | 1)
      seen[0].add(short(sid))
      seen[1].add(short(oracle(tags.rvoleChi, 64, sid, parent)))
      seen[2].add(short(keyedHash(setup, 'ROWX', 80, concatBytes(sid, u32(i & 15)))))
    }
    for (const outputs of seen) equal(outputs.size, OUTPUTS)
  })
})
