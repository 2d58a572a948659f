import assert from 'node:assert/strict'
import { secp256k1 } from '@noble/curves/secp256k1.js'
import { bytesToNumberBE } from '@noble/curves/utils.js'
import fc from 'fast-check'
import type { KnownKey, OldKey } from '../../../protocols/reshare/old-keys.ts'
import type { ResharedChunk, ReshareParameters } from '../../../protocols/reshare/reshare-keys.ts'
import { ProtocolError } from '../../../protocols/session/faults.ts'
import { verifyShareProofs } from '../../../protocols/sharing/sums.ts'
import { faultsOf, type Letter } from '../../../protocols/simulation/simulate.ts'
import { transcriptDigest } from '../../support/run-frozen.ts'
import { committee, guestOf, type TestGuest, valuesOf } from '../../support/run-keygen.ts'
import {
  fastKernel,
  firstEpoch,
  nextEpoch,
  type ReshareRun,
  runReshare,
  type TestEpoch,
} from '../../support/run-reshare.ts'
import { seeded } from '../../support/seeded.ts'
import { openKernel } from '../../support/trusted-setup.ts'

const { Point } = secp256k1
const { Fn } = Point
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')

interface Seat {
  readonly epoch: TestEpoch
  readonly index: number
}

/** The point of the secret that these shares of key `b` are taken for; only tests may do this. */
function rebuilt(b: number, seats: readonly Seat[]): string {
  const xs = seats.map(({ index }) => BigInt(index))
  const secret = seats.reduce((sum, { epoch, index }) => {
    const share = epoch.shares.get(index)?.[b]
    assert.ok(share !== undefined)
    const x = BigInt(index)
    const weight = xs
      .filter((other) => other !== x)
      .reduce((product, other) => Fn.mul(product, Fn.div(other, Fn.create(other - x))), Fn.ONE)
    const { kernel } = guestOf(epoch.members, index)
    return Fn.add(sum, Fn.mul(weight, bytesToNumberBE(kernel.shareOut(share))))
  }, Fn.ZERO)
  return Point.BASE.multiply(secret).toHex(true)
}

const subsets = (of: readonly number[], size: number): number[][] =>
  size === 0
    ? [[]]
    : of.flatMap((first, at) => subsets(of.slice(at + 1), size - 1).map((rest) => [first, ...rest]))

/** Any t members rebuild each key, no t − 1 do. */
function assertShared(epoch: TestEpoch, most = 6): void {
  const members = epoch.members.map(({ index }) => index)
  for (const [b, { publicKey }] of epoch.keys.entries()) {
    const of = (subset: number[]) =>
      rebuilt(
        b,
        subset.map((index) => ({ epoch, index })),
      )
    for (const subset of subsets(members, epoch.threshold).slice(0, most))
      assert.equal(of(subset), hex(publicKey))
    for (const subset of subsets(members, epoch.threshold - 1).slice(0, most))
      assert.notEqual(of(subset), hex(publicKey))
  }
}

const at = (all: readonly TestGuest[], indices: readonly number[]): TestGuest[] =>
  indices.map((index) => guestOf(all, index))

interface Case {
  readonly what: string
  readonly old: readonly number[]
  readonly t: number
  readonly dealers: readonly number[]
  readonly to: readonly number[]
  readonly next: number
  readonly lost?: readonly number[]
  readonly count?: number
}

const CASES: readonly Case[] = [
  { what: 'a refresh in place', old: [1, 2, 3], t: 2, dealers: [1, 3], to: [1, 2, 3], next: 2 },
  {
    what: 'two that join, one that is not asked to deal',
    old: [1, 2, 3],
    t: 2,
    dealers: [1, 2],
    to: [1, 2, 3, 4, 5],
    next: 3,
    count: 3,
  },
  {
    what: 'one that leaves without dealing',
    old: [1, 2, 3, 4],
    t: 3,
    dealers: [1, 2, 4],
    to: [1, 2, 4],
    next: 2,
  },
  {
    what: 'one that deals and leaves',
    old: [1, 2, 3, 4],
    t: 3,
    dealers: [1, 2, 3],
    to: [1, 2, 4],
    next: 2,
  },
  {
    what: 'a leave and a join at once, with indices that go on',
    old: [1, 2, 3],
    t: 2,
    dealers: [2, 3],
    to: [1, 3, 7],
    next: 2,
  },
  {
    what: 'a threshold that rises',
    old: [1, 2, 3, 4, 5],
    t: 3,
    dealers: [2, 4, 5],
    to: [1, 2, 3, 4, 5],
    next: 4,
  },
  {
    what: 'a threshold that falls',
    old: [1, 2, 3, 4, 5],
    t: 4,
    dealers: [1, 2, 3, 4],
    to: [1, 2, 3, 4, 5],
    next: 3,
  },
  {
    what: 'a whole committee that hands over to strangers',
    old: [1, 2, 3],
    t: 2,
    dealers: [1, 2],
    to: [4, 5, 6, 7],
    next: 3,
  },
  {
    what: 'the repair of a share that was lost',
    old: [1, 2, 3],
    t: 2,
    dealers: [1, 2],
    to: [1, 2, 3],
    next: 2,
    lost: [3],
  },
  {
    what: 'sixteen members',
    old: [1, 2, 3, 4, 5],
    t: 3,
    dealers: [1, 3, 5],
    to: Array.from({ length: 16 }, (_, i) => i + 1),
    next: 9,
  },
]

/** A run of a case in kernels of its own. */
async function made(
  { old, t, dealers, to, next, lost = [], count = 1 }: Case,
  seed: string,
  change: Partial<ReshareRun> = {},
) {
  const most = Math.max(...old, ...to)
  const all = committee(most, seed, seed, fastKernel)
  const from = await firstEpoch(at(all, old), t, count, seed)
  const run: ReshareRun = { from, to: at(all, to), threshold: next, dealers, lost, seed, ...change }
  return { all, from, run, results: await runReshare(run) }
}

const [REFRESH, JOIN] = CASES as unknown as readonly [Case, Case]
const LEAVE = CASES[3] as Case

describe('reshareKeys()', function () {
  this.timeout(60_000)

  for (const each of CASES)
    it(`gives the same keys other shares: ${each.what}`, async () => {
      const { all, from, run, results } = await made(each, each.what)
      const next = nextEpoch(run, results)
      const chunks = valuesOf(results)
      for (const chunk of chunks) {
        assert.deepEqual(chunk.transcript, chunks[0]?.transcript)
        assert.deepEqual(chunk.signatures, chunks[0]?.signatures)
        assert.deepEqual(chunk.keys, chunks[0]?.keys)
      }
      for (const [b, { keyId, publicKey, chainCode, curve, commitment }] of next.keys.entries()) {
        const old = from.keys[b]
        assert.deepEqual(
          { keyId, publicKey, chainCode, curve },
          {
            keyId: old?.keyId,
            publicKey: old?.publicKey,
            chainCode: old?.chainCode,
            curve: old?.curve,
          },
        )
        assert.equal(commitment.length, 33 * each.next)
        assert.notDeepEqual(commitment.slice(33), old?.commitment.slice(33))
      }
      assertShared(next)
      assertShared(from) // both sets are there until the epoch is decided
      const count = each.count ?? 1
      for (const { index, kernel } of all) {
        const sets = Number(each.old.includes(index)) + Number(each.to.includes(index))
        assert.equal(kernel.held, count * sets)
      }
    })

  it('gives shares that do not go with the old ones', async () => {
    const { from, run, results } = await made(REFRESH, 'mixed')
    const next = nextEpoch(run, results)
    for (const [a, b] of [
      [1, 2],
      [2, 1],
      [1, 3],
      [3, 2],
    ] as const) {
      const seats = [
        { epoch: from, index: a },
        { epoch: next, index: b },
      ]
      assert.notEqual(rebuilt(0, seats), hex(from.keys[0]?.publicKey ?? new Uint8Array()))
    }
  })

  it('knows a member by its index, whichever list names it', async () => {
    const { run, results } = await made(REFRESH, 'copies', {
      shape: (_, honest) => ({
        ...honest,
        receivers: honest.receivers.map((guest) => ({ ...guest })),
        dealers: honest.dealers.map((guest) => ({ ...guest })),
      }),
    })
    assertShared(nextEpoch(run, results))
  })

  it('is done again and again: join, refresh, leave, repair', async () => {
    const all = committee(5, 'again', 'again', fastKernel)
    let epoch = await firstEpoch(at(all, [1, 2, 3]), 2, 3, 'again')
    const first = epoch.keys.map(({ publicKey }) => hex(publicKey))
    for (const [seed, to, threshold, dealers, lost] of [
      ['join', [1, 2, 3, 4, 5], 3, [1, 3], []],
      ['refresh', [1, 2, 3, 4, 5], 3, [2, 4, 5], []],
      ['leave', [2, 4, 5], 2, [1, 2, 3], []],
      ['repair', [2, 4, 5], 2, [2, 5], [4]],
    ] as const) {
      const run = { from: epoch, to: at(all, to), threshold, dealers, lost, seed }
      epoch = nextEpoch(run, await runReshare(run))
      assertShared(epoch)
    }
    assert.deepEqual(
      epoch.keys.map(({ publicKey }) => hex(publicKey)),
      first,
    )
  })

  it('works between any two committees', async () => {
    const committees = fc.record({
      old: fc.uniqueArray(fc.integer({ min: 1, max: 6 }), { minLength: 2, maxLength: 5 }),
      to: fc.uniqueArray(fc.integer({ min: 1, max: 9 }), { minLength: 2, maxLength: 5 }),
      t: fc.nat(9),
      next: fc.nat(9),
      skip: fc.nat(9),
      lose: fc.boolean(),
      count: fc.integer({ min: 1, max: 3 }),
    })
    await fc.assert(
      fc.asyncProperty(committees, async ({ old, to, t, next, skip, lose, count }) => {
        const threshold = 2 + (t % (old.length - 1))
        const dealers = Array.from(
          { length: threshold },
          (_, i) => old[(skip + i) % old.length] as number,
        )
        const members = [...old].sort((a, b) => a - b)
        const receivers = [...to].sort((a, b) => a - b)
        const each: Case = {
          what: 'any',
          old: members,
          t: threshold,
          dealers,
          to: receivers,
          next: 2 + (next % (to.length - 1)),
          lost: lose ? members.filter((index) => !dealers.includes(index)).slice(0, 1) : [],
          count,
        }
        const { run, results } = await made(each, 'any')
        assertShared(nextEpoch(run, results), 3)
      }),
      { numRuns: 12, seed: 31 },
    )
  })

  it('sends what the specification counts', async () => {
    const letters: Letter[] = []
    const tamper = (letter: Letter) => {
      letters.push(letter)
      return letter.bytes
    }
    const each: Case = { ...LEAVE, to: [1, 2, 5], count: 2 } // 3 leaves, 5 is new
    valuesOf((await made(each, 'sizes', { tamper })).results)
    const sizes = (from: number, to: number) =>
      letters
        .filter((letter) => letter.from === from && letter.to === to)
        .map(({ bytes }) => bytes.length)
    const [t, next, B] = [3, 2, 2]
    const [K3, K4] = [64 + 65 * B, 96]
    assert.deepEqual(sizes(1, 2), [64, 96 + B * (98 * next + 32), K3, K4])
    assert.deepEqual(sizes(1, 5), [64, 96 + B * (98 * next + 32) + B * (64 + 33 * t), K3, K4])
    assert.deepEqual(sizes(1, 3), [64, 96 + B * 98 * next, K3, K4])
    assert.deepEqual(sizes(3, 1), [64, 96 + B * (98 * next + 32), K4])
    assert.deepEqual(sizes(5, 1), [32, K3, K4])
  })

  it('says the same as ever with the same randomness, in WebAssembly and in the reference', async () => {
    const said: string[] = []
    const chunks: ResharedChunk[] = []
    for (const open of [fastKernel, (name: string) => openKernel(seeded(name))]) {
      const all = committee(4, 'frozen', 'frozen', open)
      const from = await firstEpoch(at(all, [1, 2, 3]), 2, 2, 'frozen')
      const letters: Letter[] = []
      const tamper = (letter: Letter) => {
        letters.push(letter)
        return letter.bytes
      }
      const to = at(all, [2, 3, 4])
      const run = { from, to, threshold: 2, dealers: [1, 3], seed: 'frozen', tamper }
      chunks.push(...valuesOf(await runReshare(run)))
      said.push(transcriptDigest(letters))
    }
    assert.equal(said[0], said[1])
    assert.equal(new Set(chunks.map(({ transcript }) => hex(transcript))).size, 1)
    // Frozen for version 1: a difference is another protocol, or other draws in the kernel.
    assert.equal(said[0], 'e7203e2db11e9a58585d537b9d2fa23334639bee9b30db8de30bab9a07f976e9')
  })

  it('marks before K2, stores the shares before K3 and all proofs before K4', async () => {
    const guests = committee(5, 'order', 'order', fastKernel)
    for (const me of [1, 3, 5]) {
      const seen: string[] = []
      const each: Case = { ...LEAVE, to: [1, 2, 5] }
      const { results } = await made(each, 'order', {
        tamper: ({ from, to, round, bytes }) => {
          if (from === me && to === 2) seen.push(round)
          return bytes
        },
        alter: (party, honest) => ({
          ...honest,
          mark: async () => {
            await Promise.resolve()
            if (party === me) seen.push('mark')
          },
          storePending: async () => {
            await Promise.resolve()
            if (party === me) seen.push('pending')
          },
          storeProofs: async (pending, proofs) => {
            await Promise.resolve()
            if (party !== me) return
            seen.push('proofs')
            assert.deepEqual([...proofs.keys()], [1, 2, 5])
            for (const [from, proof] of proofs) {
              const guest = guestOf(guests, from)
              assert.ok(verifyShareProofs(honest.kernel, pending, guest, proof))
              const bad = proof.with(64, (proof[64] ?? 0) ^ 1)
              assert.ok(!verifyShareProofs(honest.kernel, pending, guest, bad))
            }
          },
        }),
      })
      valuesOf(results)
      const expected = {
        1: ['1-commit', 'mark', '2-deal', 'pending', '3-prove', 'proofs', '4-certify'],
        3: ['1-commit', 'mark', '2-deal', 'proofs', '4-certify'], // it leaves: no share, no K3
        5: ['1-nonce', 'mark', 'pending', '3-prove', 'proofs', '4-certify'],
      }[me]
      assert.deepEqual(
        seen.map((event) => event.replace('reshare/', '')),
        expected,
      )
    }
  })

  for (const [store, silent] of [
    ['mark', ['2-deal', '2-introduce', '3-prove', '4-certify']],
    ['storePending', ['3-prove', '4-certify']],
    ['storeProofs', ['4-certify']],
  ] as const)
    it(`sends nothing further when ${store} fails, and leaves no new secret`, async () => {
      const sent: string[] = []
      const { all, results } = await made(JOIN, store, {
        tamper: ({ from, round, bytes }) => {
          if (from === 1) sent.push(round.replace('reshare/', ''))
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
      assert.deepEqual(
        all.map(({ kernel }) => kernel.held),
        [3, 3, 3, 0, 0],
      )
    })

  it('leaves no new secret after it was cancelled in any round', async () => {
    for (const round of ['1-commit', '1-nonce', '2-deal', '2-introduce', '3-prove', '4-certify']) {
      const stop = new AbortController()
      const { all, results } = await made(JOIN, 'cancelled', {
        signal: stop.signal,
        tamper: (letter) => {
          if (letter.round.endsWith(round)) stop.abort()
          return letter.bytes
        },
      })
      assert.deepEqual(faultsOf(results), [])
      assert.ok(results.every(({ status }) => status === 'rejected'))
      assert.deepEqual(
        all.map(({ kernel }) => kernel.held),
        [3, 3, 3, 0, 0],
        round,
      )
    }
  })

  it('ends when a breath fails, and leaves no new secret', async () => {
    for (const last of [0, 2, 5, 9]) {
      let left = last
      const { all, results } = await made(JOIN, 'breathless', {
        alter: (me, honest) => ({
          ...honest,
          breathe: async () => {
            if (me === 2 && left-- === 0)
              throw new ProtocolError({ kind: 'cancelled', round: 'reshare/2-deal' })
          },
        }),
      })
      assert.ok(results.every(({ status }) => status === 'rejected'))
      assert.deepEqual(
        all.map(({ kernel }) => kernel.held),
        [3, 3, 3, 0, 0],
      )
    }
  })

  it('wipes the shares it sent', async () => {
    const given: Uint8Array[] = []
    const { results } = await made(REFRESH, 'wiped', {
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
    })
    valuesOf(results)
    assert.equal(given.length, 6)
    assert.ok(given.every((share) => share.every((byte) => byte === 0)))
  })

  it('halts on a new share that contradicts its commitment, though every part of it passed', async () => {
    const { all, results } = await made(REFRESH, 'own share', {
      alter: (me, honest) => ({
        ...honest,
        kernel: {
          ...honest.kernel,
          sharePublic: (share) =>
            me === 2 ? Point.BASE.toBytes(true) : honest.kernel.sharePublic(share),
        },
      }),
    })
    assert.deepEqual(
      faultsOf(results).map(({ kind }) => kind),
      ['own-share'],
    )
    assert.deepEqual(
      all.map(({ kernel }) => kernel.held),
      [1, 1, 1],
    )
  })

  it('keeps the device key of a key that has one', async () => {
    const { from, run } = await made(REFRESH, 'device')
    const deviceKey = Point.BASE.multiply(77n).toBytes(true)
    const withDevice = (key: OldKey): OldKey => ({
      ...key,
      deviceKey,
      publicKey: Point.fromBytes(key.publicKey).add(Point.fromBytes(deviceKey)).toBytes(true),
    })
    const keys = from.keys.map(withDevice)
    const chunks = valuesOf(await runReshare({ ...run, from: { ...from, keys }, lost: [2] }))
    for (const { keys: reshared } of chunks) {
      assert.deepEqual(reshared[0]?.deviceKey, deviceKey)
      assert.deepEqual(reshared[0]?.publicKey, keys[0]?.publicKey)
      assert.deepEqual(reshared[0]?.commitment.slice(0, 33), keys[0]?.commitment.slice(0, 33))
    }
  })

  it('believes no dealer: a newcomer without a certified key ends the run', async () => {
    const asked: KnownKey[] = []
    const { results } = await made(JOIN, 'unvouched', {
      alter: (me, honest) => ({
        ...honest,
        vouched: async (key) => {
          if (me === 4) asked.push(key)
          return me === 4 ? undefined : honest.vouched(key)
        },
      }),
    })
    assert.deepEqual(faultsOf(results), [{ kind: 'proof', round: 'reshare/2-deal', from: 1 }])
    assert.equal(asked.length, 1)
  })

  it('refuses parameters that make no sense, as a defect of the caller', async () => {
    const wrong: Record<string, (honest: ReshareParameters) => Partial<ReshareParameters>> = {
      'a threshold of one': () => ({ threshold: 1 }),
      'a threshold above n': () => ({ threshold: 4 }),
      'two members of one index': ({ receivers }) => ({
        receivers: receivers.map((guest) => ({ ...guest, id: new Uint8Array(32) })),
      }),
      'too few dealers': ({ dealers }) => ({ dealers: dealers.slice(1) }),
      'another old threshold': () => ({ oldThreshold: 3 }),
      'a dealer that is new': () => ({ newcomers: [1] }),
      'a newcomer from nowhere': () => ({ newcomers: [9] }),
      'no keys': () => ({ keyIds: [], keys: [] }),
      'too many keys': ({ keys, keyIds }) => ({
        keyIds: Array.from({ length: 257 }, () => keyIds[0] ?? new Uint8Array()),
        keys: Array.from({ length: 257 }, () => keys?.[0] as OldKey),
      }),
      'other keys': ({ keyIds }) => ({ keyIds: keyIds.map(() => new Uint8Array(32)) }),
      'a share too few': () => ({ shares: [] }),
      'another F': ({ keys }) => ({
        keys: (keys ?? []).map((key) => ({ ...key, commitment: key.commitment.slice(33) })),
      }),
      'other receivers': ({ receivers }) => ({
        receivers: receivers.filter(({ index }) => index !== 2),
      }),
    }
    for (const [what, change] of Object.entries(wrong)) {
      const { results } = await made(REFRESH, 'parameters', {
        shape: (_, honest) => ({ ...honest, ...change(honest) }),
      })
      const [first] = results
      assert.ok(first?.status === 'rejected' && /^bug/.test(first.reason.message), what)
    }
  })
})
