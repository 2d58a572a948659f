import { equal, ok } from 'node:assert/strict'
import { tags } from '../../protocols/crypto/tags.ts'
import type { Handle, Kernel } from '../../protocols/kernel/kernel.ts'
import { wasmKernel } from '../../protocols/kernel/load.ts'
import {
  correlate,
  dealKey,
  direction,
  good,
  label,
  pair,
  signCorrelated,
  signTogether,
} from '../conformance/kernel-flow.ts'
import { seeded } from '../support/seeded.ts'
import { twinKernel } from '../support/twin-kernel.ts'

const CASES = 100_000 // of cheap operations, each in both kernels
const SESSIONS = 300 // whole signatures in both kernels
const SETUPS = 12 // seconds each in the reference
const CORRELATIONS = 7_680 // 512 for each of 15 peers (10 §2.3)

/** Every operation of a twin runs in WebAssembly and in the reference and throws unless they agree. */
describe('the kernel in WebAssembly against the reference, at length', () => {
  it(`agrees on ${CASES} random cases of every cheap operation`, () => {
    const random = seeded('slow cases')
    const kernel = twinKernel(seeded('slow kernel'))
    const scalar = (): Uint8Array => {
      const bytes = random(32)
      bytes[0] = 0 // below q
      return bytes
    }
    for (let k = 0; k < CASES; k++) {
      const [a, b] = [scalar(), scalar()]
      kernel.addScalars(a, b)
      kernel.areScalars(random(64))
      kernel.isPoint(Uint8Array.of(2 + (k & 1), ...random(32)))
      const share = kernel.shareIn(a)
      const P = kernel.sharePublic(share)
      const tweaked = good(kernel.tweakPoint(P, b))
      kernel.sumPoints([P, tweaked])
      kernel.oracle(tags.chain, 1 + (k % 100), random(k % 1500), a)
      if (k % 16 === 0) {
        kernel.evaluateCommitment(Uint8Array.of(...P, ...tweaked, ...P), 1 + ((k * 7) % 65_535))
        kernel.arePoints(Uint8Array.of(...P, ...tweaked, 2 + (k & 1), ...random(32)))
      }
      const { key, pk } = kernel.signKey(share, b, scalar(), [], random(32))
      const { nonce, R } = kernel.signBegin()
      const presignature = kernel.presign(nonce, key, R)
      if (typeof presignature === 'string') throw new Error(presignature)
      const part = kernel.online(presignature, random(32))
      const signature = kernel.combine(R, [part])
      ok(signature)
      kernel.ecdsaVerify(pk, random(32), signature)
      kernel.wipe(share)
    }
    equal(kernel.held, 0)
  })

  it(`agrees on ${SETUPS} setups and ${SESSIONS} signatures of both forms`, () => {
    for (let setup = 0; setup < SETUPS; setup++) {
      const sides = pair(twinKernel(seeded(`lo ${setup}`)), twinKernel(seeded(`hi ${setup}`)))
      const { P, shares } = dealKey(sides)
      for (let k = 0; k < SESSIONS / SETUPS; k++) {
        const digest = label(`digest ${k}`)
        const full = signTogether(sides, shares, digest, `a ${k}`)
        equal(sides[0].kernel.ecdsaVerify(P, digest, full), true)
        const correlated = signCorrelated(sides, shares, digest, `b ${k}`)
        equal(sides[1].kernel.ecdsaVerify(P, digest, correlated), true)
      }
    }
  })

  it(`holds ${CORRELATIONS} correlations beside the setups of a 16-node committee`, () => {
    const kernel = wasmKernel(seeded('pools'))
    const setups: { alice: Handle<'alice'>; bob: Handle<'bob'> }[] = []
    for (let k = 0; k < 30; k++) setups.push(direction(kernel, kernel, label(`sid ${k}`)))
    for (let k = 0; k < CORRELATIONS; k++) {
      const { alice, bob } = good(setups[k % setups.length])
      pack(kernel, alice, bob, label(`correlation ${k}`))
    }
    equal(kernel.held, 60 + CORRELATIONS)
    kernel.wipeAll()
    equal(kernel.held, 0)
  })

  it('keeps agreeing pair by pair when correlations are made in numbers', () => {
    const sides = pair(twinKernel(seeded('many lo')), twinKernel(seeded('many hi')))
    for (let k = 0; k < SESSIONS; k++) correlate(sides, `many ${k}`)
    equal(sides[0].kernel.held, 3 + SESSIONS)
  })
})

/** A correlation of a kernel with itself. */
function pack(
  kernel: Kernel,
  alice: Handle<'alice'>,
  bob: Handle<'bob'>,
  sid: Uint8Array,
): Handle<'correlation'> {
  const { m1, choice } = kernel.rvoleBob(bob, sid)
  const { m2, product } = good(kernel.rvoleAlice(alice, sid, m1))
  const received = kernel.rvoleBobFinish(choice, m2)
  if (typeof received === 'string') throw new Error(received)
  return kernel.corrPack(product, received)
}
