import { deepEqual, equal, ok, throws } from 'node:assert/strict'
import type { Handle, Kernel, PokStatement } from '../../../../protocols/kernel/kernel.ts'
import { kernelOf } from '../../../../protocols/kernel/load.ts'
import type { Exports } from '../../../../protocols/kernel/wasm/exports.ts'
import { instantiate } from '../../../../protocols/kernel/wasm/instantiate.ts'
import {
  buildAll,
  closeAt,
  correlate,
  dealKey,
  good,
  label,
  open,
  openCorrelated,
  pair,
  receiveAll,
  signCorrelated,
  signTogether,
} from '../../../conformance/kernel-flow.ts'
import { seeded } from '../../../support/seeded.ts'
import { type Static, staticMemory } from '../../../support/static-memory.ts'

const COMPILATION_TIMEOUT_MS = 120_000

/** Static memory that may differ after an operation from what it was at the start, by why no secret is ever there. */
const PUBLIC_BY_REASON: Readonly<Record<string, readonly string[]>> = {
  'which slots are free': ['slots/classes'],
  'keys of the contexts of hashes, their names, and lengths and codes of what is hashed': [
    ...['oracle/keys', 'oracle/name', 'oracle/framing'],
  ],
  'encodings that came in, and their roots: a point is decoded from public bytes alone': [
    ...['point/cubes', 'point/roots', 'point/root', 'point/scratch'],
  ],
  'x of R, which everyone knows': ['point/bytes'],
  "A of a setup, which Bob publishes, its comb and the comb's powers": [
    ...['pair/point', 'pair/comb', 'comb/powers'],
  ],
  'multiples of points that peers published: only the scalar is secret': [
    ...['multiply/tables', 'odd-multiples/zs', 'odd-multiples/double', 'odd-multiples/sum'],
    ...['odd-multiples/evens', 'odd-multiples/slope', 'odd-multiples/square', 'odd-multiples/both'],
  ],
  'sums over public points with public scalars, weights among them, in variable time': [
    ...['jacobian/height', 'jacobian/u1', 'jacobian/s1', 'jacobian/u2', 'jacobian/s2'],
    ...['public/sum', 'public/base', 'multi-scalar/total', 'signed-digits/value'],
    ...['straus/tables', 'straus/digits', 'straus/half1', 'straus/half2', 'straus/sum'],
    ...['straus/x', 'straus/y', 'buckets/halves', 'buckets/buckets', 'buckets/running'],
    ...['buckets/window', 'buckets/offset', 'buckets/x', 'buckets/y'],
  ],
  'a signature that is verified': [
    ...['verify/inverse', 'verify/weightG', 'verify/weightP', 'verify/x', 'verify/R'],
  ],
  'the challenge of a proof, which follows from what is published': ['pok/wide'],
  'the number of an instance': ['pprf/place'],
  'what follows from the sid alone': ['gadget/key', 'gadget/table', 'pads/key', 'rvole/offset'],
  'what follows from m1 alone, and its own x̂': [
    ...['softspoken/chi', 'softspoken/xHat', 'fold/windows'],
  ],
  'what follows from m2 alone, and its own η': [
    ...['rvole/theta', 'rvole/theta1', 'rvole/theta2', 'rvole/factor1', 'rvole/factor2'],
    'rvole/eta',
  ],
}
const PUBLIC = new Set(Object.values(PUBLIC_BY_REASON).flat())

const memoryOf = ({ memory }: Exports): Buffer => Buffer.from(memory.buffer)

/** A kernel that looks through static memory after every operation. */
function watched(seed: string, all: readonly Static[]) {
  const wasm = instantiate(seeded(seed))
  const kernel = kernelOf(wasm)
  const atStart = Buffer.from(memoryOf(wasm))
  const asked = new Set<string>()
  const left = new Map<string, Set<string>>() // by name, after which operations
  const look = (operation: string): void => {
    asked.add(operation)
    const now = memoryOf(wasm)
    for (const { name, at, end } of all) {
      if (now.subarray(at, end).equals(atStart.subarray(at, end))) continue
      left.set(name, (left.get(name) ?? new Set()).add(operation))
    }
  }
  const operations = Object.entries(kernel).map(([name, operation]: [string, unknown]) => {
    if (typeof operation !== 'function') return [name, operation]
    const asWatched = (...given: unknown[]): unknown => {
      try {
        return operation(...given)
      } finally {
        look(name)
      }
    }
    return [name, asWatched]
  })
  return { wasm, kernel: Object.fromEntries(operations) as Kernel, asked, left }
}

/** What is left, without what may be. */
const secret = (left: ReadonlyMap<string, ReadonlySet<string>>): Record<string, string[]> =>
  Object.fromEntries(
    [...left]
      .filter(([name]) => !PUBLIC.has(name))
      .map(([name, operations]) => [name, [...operations]]),
  )

const statementsOf = (F: Uint8Array, proofs: Uint8Array, threshold: number): PokStatement[] =>
  Array.from({ length: F.length / 33 }, (_, i) => ({
    sid: label('sid'),
    guest: label('me'),
    index: Math.floor(i / threshold),
    coefficient: i % threshold,
    Y: F.slice(33 * i, 33 * i + 33),
    proof: proofs.slice(65 * i, 65 * i + 65),
  }))

const changed = (bytes: Uint8Array, at: number): Uint8Array =>
  bytes.map((byte, i) => (i === at ? byte ^ 1 : byte))

describe('static memory of the kernel between operations', function () {
  this.timeout(COMPILATION_TIMEOUT_MS)
  let all: Static[]
  before(async () => {
    const map = await staticMemory()
    all = map.all
    const { wasm } = watched('map', all)
    equal(wasm.arenaAt(), Math.ceil(map.end / 64) * 64, 'a map of this module')
    deepEqual(
      [...PUBLIC].filter((name) => all.every((known) => known.name !== name)),
      [],
    )
  })

  it('is what it was at the start, but for scratch that is public', () => {
    const [lo, hi] = [watched('residue lo', all), watched('residue hi', all)]
    const sides = pair(lo.kernel, hi.kernel)
    const { kernel } = lo
    const { P, shares } = dealKey(sides)
    const digest = label('m')
    const signature = signTogether(sides, shares, digest, 'form (a)')
    signCorrelated(sides, shares, digest, 'form (b)')
    equal(kernel.ecdsaVerify(P, digest, signature), true)
    kernel.oracle('holdfast dkls v1 pok/', 32, digest)

    // Keys.
    const { F, deal } = kernel.dealBegin(3, 3)
    const proofs = kernel.dealProve(deal, label('sid'), label('me'))
    const values = kernel.dealShare(deal, 2)
    equal(kernel.areScalars(values), true)
    equal(kernel.areScalars(new Uint8Array(64).fill(255)), false)
    equal(kernel.isScalar(values.slice(0, 32)), true)
    equal(kernel.verifyFeldman(values, 2, F, 3), true)
    equal(kernel.verifyFeldman(changed(values, 31), 2, F, 3), false)
    equal(kernel.areMultiples(F, kernel.lagrange(1, [1]), F), true)
    const statements = statementsOf(F, proofs, 3)
    equal(kernel.verifyPoks(statements), true)
    equal(kernel.verifyPok(good(statements[0])), true)
    kernel.shareSum([values], 3)
    throws(() => kernel.shareSum([new Uint8Array(32).fill(255)], 1))
    const [share] = shares
    kernel.shareProve(share, label('sid'), label('me'), 1)
    kernel.sharePublic(share)
    kernel.shareIn(kernel.shareOut(share))
    kernel.evaluateCommitment(F.slice(0, 99), 5)
    kernel.tweakPoint(P, label('\x01'))
    kernel.addScalars(label('\x01'), label('\x02'))
    equal(kernel.arePoints(F) && kernel.isPoint(P), true)
    // 160 points: sums by buckets.
    const many = kernel.dealBegin(2, 40)
    const manyProofs = kernel.dealProve(many.deal, label('sid'), label('me'))
    equal(kernel.verifyPoks(statementsOf(many.F, manyProofs, 2)), true)

    // What fails, each after as much as can be computed.
    const { sender } = kernel.pairSend()
    equal(buildAll(kernel, sender, label('sid'), new Uint8Array(256 * 66)), 'malformed')
    const { A, sender: theirs } = sides[1].kernel.pairSend()
    const { phi, receiver } = good(receiveAll(kernel, label('sid'), A))
    const { pprf } = good(buildAll(sides[1].kernel, theirs, label('sid'), phi))
    equal(kernel.pairEvaluate(receiver, label('sid'), changed(pprf, 20_479)), 'pprf')
    const { m1 } = sides[1].kernel.rvoleBob(sides[1].bob, label('bad'))
    equal(kernel.rvoleAlice(sides[0].alice, label('bad'), changed(m1, 9_000)), 'cote')
    const failing = open(sides, shares, 'failing')
    const [mine, peer] = failing
    equal(kernel.rvoleBobFinish(mine.choice, changed(peer.m2, 49_247)), 'mu')
    const omega = label('omega').slice(0, 16)
    for (const [session, swapped, verdict] of [
      ['check 1', { gammaU: mine.gammaU }, 'check1'],
      ['check 2', { gammaV: mine.gammaV }, 'check2'],
      ['no opening', { gammaV: new Uint8Array(33) }, 'malformed'],
    ] as const) {
      const both = open(sides, shares, session)
      const received = kernel.rvoleBobFinish(both[0].choice, both[1].m2) as Handle<'bob-product'>
      const { nonce, product } = both[0]
      equal(kernel.signCheck(nonce, product, received, { ...both[1], ...swapped }, omega), verdict)
      closeAt(1, sides, both)
      const named = openCorrelated(sides, shares, correlate(sides, session), session)
      const opening = { ...named[1], ...swapped }
      equal(kernel.signCheckCorrelated(named[0].nonce, named[0].opened, opening, omega), verdict)
    }

    deepEqual(secret(lo.left), {})
    deepEqual(secret(hi.left), {})
    const never = Object.keys(kernel).filter((name) => !lo.asked.has(name))
    deepEqual(never, ['name', 'wipeAll', 'held'], 'every operation ran')
    const clean = [...PUBLIC].filter((name) => !lo.left.has(name) && !hi.left.has(name))
    deepEqual(clean, [], 'nothing is on the list that need not be')
  })

  it('is searched in earnest: what is written there is found', () => {
    for (const at of ['affine/products', 'jacobian/t0', 'signing/scratch', 'rvole/mu']) {
      const { wasm, kernel, left } = watched('in earnest', all)
      const { at: place } = good(all.find(({ name }) => name === at))
      memoryOf(wasm)[place] = 1
      kernel.isPoint(new Uint8Array(33))
      ok(at in secret(left), at)
    }
  })
})
