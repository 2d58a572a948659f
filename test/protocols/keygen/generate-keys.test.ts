import assert from 'node:assert/strict'
import { secp256k1 } from '@noble/curves/secp256k1.js'
import { bytesToNumberBE } from '@noble/curves/utils.js'
import fc from 'fast-check'
import type { GeneratedKeys } from '../../../protocols/keygen/generate-keys.ts'
import { ProtocolError } from '../../../protocols/session/faults.ts'
import { verifyShareProofs } from '../../../protocols/sharing/sums.ts'
import { faultsOf, type Letter } from '../../../protocols/simulation/simulate.ts'
import { transcriptDigest } from '../../support/run-frozen.ts'
import { committee, guestOf, runKeygen, valuesOf } from '../../support/run-keygen.ts'
import { held } from '../../support/run-sign.ts'

const { Point } = secp256k1
const { Fn } = Point

/** The secret behind shares; only tests may do this. */
function interpolate(shares: ReadonlyMap<number, bigint>): bigint {
  const xs = [...shares.keys()].map(BigInt)
  return [...shares].reduce((secret, [at, share]) => {
    const x = BigInt(at)
    const weight = xs
      .filter((other) => other !== x)
      .reduce((product, other) => Fn.mul(product, Fn.div(other, Fn.create(other - x))), Fn.ONE)
    return Fn.add(secret, Fn.mul(weight, share))
  }, Fn.ZERO)
}

const subsets = (of: number, size: number): number[][] =>
  size === 0
    ? [[]]
    : Array.from({ length: of }, (_, i) => i + 1).flatMap((first) =>
        subsets(of, size - 1)
          .filter((rest) => rest.every((other) => other > first))
          .map((rest) => [first, ...rest]),
      )

describe('generateKeys()', function () {
  this.timeout(60_000)

  for (const [t, n, count] of [
    [2, 2, 1],
    [2, 3, 1],
    [2, 3, 3],
    [3, 5, 2],
    [4, 7, 1],
  ] as const)
    it(`gives ${n} guests shares of ${count} keys: any ${t} rebuild each, no ${t - 1} do`, async () => {
      const guests = committee(n, `${t} of ${n}, ${count}`)
      const results = valuesOf(await runKeygen(guests, { threshold: t, count, seed: 'rebuild' }))
      const [first] = results
      assert.ok(first)
      assert.equal(first.keys.length, count)
      for (const result of results) {
        assert.deepEqual(result.keys, first.keys)
        assert.deepEqual(result.transcript, first.transcript)
        assert.deepEqual(result.certificates, first.certificates)
      }
      for (const [b, key] of first.keys.entries()) {
        const secrets = new Map(
          results.map(({ shares }, at) => {
            const share = shares[b]
            assert.ok(share !== undefined)
            return [at + 1, bytesToNumberBE(guestOf(guests, at + 1).kernel.shareOut(share))]
          }),
        )
        const rebuild = (subset: number[]) =>
          Point.BASE.multiply(
            interpolate(new Map(subset.map((x) => [x, secrets.get(x) ?? 0n]))),
          ).toHex(true)
        const P = Buffer.from(key.publicKey).toString('hex')
        for (const subset of subsets(n, t)) assert.equal(rebuild(subset), P)
        for (const subset of subsets(n, t - 1)) assert.notEqual(rebuild(subset), P)
      }
      assert.deepEqual(held(guests), Array(n).fill(count))
    })

  it('makes many keys in one run, each its own', async () => {
    const guests = committee(3, 'many')
    const [first] = valuesOf(await runKeygen(guests, { threshold: 2, count: 64, seed: 'many' }))
    assert.ok(first)
    const ids = new Set(first.keys.map(({ keyId }) => Buffer.from(keyId).toString('hex')))
    const codes = new Set(first.keys.map(({ chainCode }) => Buffer.from(chainCode).toString('hex')))
    const points = new Set(
      first.keys.map(({ publicKey }) => Buffer.from(publicKey).toString('hex')),
    )
    assert.deepEqual([ids.size, codes.size, points.size], [64, 64, 64])
  })

  for (const [t, n, count] of [
    [2, 3, 1],
    [2, 3, 3],
    [3, 5, 2],
  ] as const)
    it(`sends what the specification counts for ${count} keys, ${t} of ${n}`, async () => {
      const letters: Letter[] = []
      const tamper = (letter: Letter) => {
        letters.push(letter)
        return letter.bytes
      }
      valuesOf(await runKeygen(committee(n, 's'), { threshold: t, count, seed: 's', tamper }))
      const sizes = letters
        .filter(({ from, to }) => from === 1 && to === 2)
        .map(({ bytes }) => bytes.length)
      assert.deepEqual(sizes, [64, 96 + count * (98 * t + 32), 64 + 65 * count, 96])
      if (t === 2 && count === 1)
        assert.equal(
          sizes.reduce((sum, size) => sum + size),
          613,
        )
    })

  for (const [t, n, count] of [
    [3, 3, 64],
    [9, 9, 2],
  ] as const)
    it(`makes ${count} keys of ${t}-of-${n} in one run, and breathes all along`, async () => {
      const guests = committee(n, 'many')
      let breaths = 0
      const results = await runKeygen(guests, {
        threshold: t,
        count,
        seed: 'many',
        alter: (me, honest) => ({
          ...honest,
          breathe: async () => {
            if (me === 1) breaths++
          },
        }),
      })
      const [mine] = valuesOf(results)
      assert.equal(
        new Set(mine?.keys.map(({ keyId }) => Buffer.from(keyId).toString('hex'))).size,
        count,
      )
      assert.ok(breaths >= 4 * (n - 1) + count) // each dealer's opening, proofs and shares, each proof of K3; each key
    })

  it('ends when a breath fails, and leaves no secret', async () => {
    for (const last of [0, 3, 7]) {
      const guests = committee(3, 'breathless')
      let left = last
      const results = await runKeygen(guests, {
        threshold: 2,
        count: 2,
        seed: 'breathless',
        alter: (me, honest) => ({
          ...honest,
          breathe: async () => {
            if (me === 2 && left-- === 0)
              throw new ProtocolError({ kind: 'cancelled', round: 'keygen/2-deal' })
          },
        }),
      })
      assert.ok(results.every(({ status }) => status === 'rejected'))
      assert.deepEqual(held(guests), [0, 0, 0])
    }
  })

  it('says the same as ever with the same randomness', async () => {
    const letters: Letter[] = []
    const tamper = (letter: Letter) => {
      letters.push(letter)
      return letter.bytes
    }
    const guests = committee(3, 'frozen')
    valuesOf(await runKeygen(guests, { threshold: 2, count: 2, seed: 'frozen', tamper }))
    // Frozen for version 1: a difference is another protocol, or other draws in the kernel.
    assert.equal(
      transcriptDigest(letters),
      '8f7ff2de884475231f13e7cdedcade7c16a40a0cebf5bdbbbd1ab55e7296329a',
    )
  })

  it('stores the pending keys before K3 leaves, and all proofs before K4 leaves', async () => {
    const guests = committee(3, 'order')
    const seen: string[] = []
    const results = await runKeygen(guests, {
      threshold: 2,
      seed: 'order',
      tamper: ({ from, to, round, bytes }) => {
        if (from === 1 && to === 2) seen.push(round)
        return bytes
      },
      alter: (me, honest) => ({
        ...honest,
        storePending: async () => {
          await Promise.resolve()
          if (me === 1) seen.push('pending')
        },
        storeProofs: async (pending, proofs) => {
          await Promise.resolve()
          if (me !== 1) return
          seen.push('proofs')
          assert.deepEqual([...proofs.keys()], [1, 2, 3])
          for (const [from, proof] of proofs) {
            const guest = guestOf(guests, from)
            assert.ok(verifyShareProofs(honest.kernel, pending, guest, proof))
            assert.ok(!verifyShareProofs(honest.kernel, pending, guest, proof.slice(1)))
            const bad = proof.with(64, (proof[64] ?? 0) ^ 1)
            assert.ok(!verifyShareProofs(honest.kernel, pending, guest, bad))
          }
        },
      }),
    })
    valuesOf(results)
    assert.deepEqual(seen, [
      'keygen/1-commit',
      'keygen/2-deal',
      'pending',
      'keygen/3-prove',
      'proofs',
      'keygen/4-certify',
    ])
  })

  for (const [store, silent] of [
    ['storePending', ['keygen/3-prove', 'keygen/4-certify']],
    ['storeProofs', ['keygen/4-certify']],
  ] as const)
    it(`sends nothing further when ${store} fails, and leaves no secret`, async () => {
      const guests = committee(3, store)
      const sent: string[] = []
      const results = await runKeygen(guests, {
        threshold: 2,
        seed: store,
        tamper: ({ from, round, bytes }) => {
          if (from === 1) sent.push(round)
          return bytes
        },
        alter: (me, honest) => ({
          ...honest,
          [store]: async () => {
            if (me === 1) throw new Error('disk full')
          },
        }),
      })
      assert.ok(results.every(({ status }) => status === 'rejected'))
      for (const round of silent) assert.ok(!sent.includes(round))
      assert.deepEqual(held(guests), [0, 0, 0])
    })

  it('leaves no secret after it was cancelled in any round', async () => {
    for (const round of ['1-commit', '2-deal', '3-prove', '4-certify']) {
      const guests = committee(3, 'cancelled')
      const stop = new AbortController()
      const results = await runKeygen(guests, {
        threshold: 2,
        seed: 'cancelled',
        signal: stop.signal,
        tamper: (letter) => {
          if (letter.round.endsWith(round)) stop.abort()
          return letter.bytes
        },
      })
      assert.deepEqual(faultsOf(results), [])
      assert.ok(results.every(({ status }) => status === 'rejected'))
      assert.deepEqual(held(guests), [0, 0, 0], round)
    }
  })

  it('wipes the shares it sent and received', async () => {
    const guests = committee(2, 'wiped')
    const given: Uint8Array[] = []
    valuesOf(
      await runKeygen(guests, {
        threshold: 2,
        seed: 'wiped',
        alter: (_, honest) => ({
          ...honest,
          kernel: {
            ...honest.kernel,
            dealShare: (deal, x) => {
              const share = honest.kernel.dealShare(deal, x)
              given.push(share)
              return share
            },
          },
        }),
      }),
    )
    assert.equal(given.length, 4)
    assert.ok(given.every((share) => share.every((byte) => byte === 0)))
  })

  it('halts on a share that contradicts its commitment, though every part of it passed', async () => {
    const guests = committee(3, 'own share')
    const results = await runKeygen(guests, {
      threshold: 2,
      seed: 'own share',
      alter: (me, honest) => ({
        ...honest,
        kernel: {
          ...honest.kernel,
          sharePublic: (share) =>
            me === 1 ? Point.BASE.toBytes(true) : honest.kernel.sharePublic(share),
        },
      }),
    })
    assert.deepEqual(
      faultsOf(results).map(({ kind }) => kind),
      ['own-share'],
    )
    assert.ok(results.every(({ status }) => status === 'rejected'))
    assert.deepEqual(held(guests), [0, 0, 0])
  })

  it('makes no key that is nothing: constants that cancel out are sum, with no culprit', async () => {
    const guests = committee(2, 'cancel out')
    const constant = Fn.create(0x1234n)
    const results = await runKeygen(guests, {
      threshold: 2,
      seed: 'cancel out',
      alter: (me, honest) => ({
        ...honest,
        kernel: {
          ...honest.kernel,
          dealBegin: (threshold, count) => {
            const bytes = Fn.toBytes(me === 1 ? constant : Fn.neg(constant))
            const fixed = honest.kernel.shareIn(bytes)
            const begun = honest.kernel.dealBegin(threshold, count, [fixed])
            honest.kernel.wipe(fixed)
            return begun
          },
        },
      }),
    })
    assert.ok(faultsOf(results).length > 0)
    for (const fault of faultsOf(results))
      assert.deepEqual(fault, { kind: 'sum', round: 'keygen/2-deal' })
    assert.ok(results.every(({ status }) => status === 'rejected'))
    assert.deepEqual(held(guests), [0, 0])
  })

  it('refuses parameters that make no sense, as a defect of the caller', async () => {
    const guests = committee(3, 'parameters')
    for (const wrong of [
      { threshold: 1 },
      { threshold: 4 },
      { threshold: 2, count: 0 },
      { threshold: 2, count: 1025 },
    ]) {
      const results = await runKeygen(guests, { seed: 'parameters', ...wrong })
      assert.throws(() => valuesOf<GeneratedKeys>(results), /^Error: bug/)
    }
  })

  it('works for any batch and threshold of a small committee', async () => {
    const any = fc.record({
      n: fc.integer({ min: 2, max: 4 }),
      less: fc.nat(2),
      count: fc.integer({ min: 1, max: 4 }),
    })
    await fc.assert(
      fc.asyncProperty(any, async ({ n, less, count }) => {
        const threshold = Math.max(2, n - less)
        const results = await runKeygen(committee(n, 'any'), { threshold, count, seed: 'any' })
        const [first, ...others] = valuesOf(results)
        for (const other of others) assert.deepEqual(other.certificates, first?.certificates)
      }),
      { numRuns: 8, seed: 20 },
    )
  })
})
