import assert from 'node:assert/strict'
import { secp256k1 } from '@noble/curves/secp256k1.js'
import { bytesToNumberBE } from '@noble/curves/utils.js'
import type { GeneratedKeys } from '../../../protocols/keygen/generate-keys.ts'
import { verifyKeyCertificate } from '../../../protocols/keygen/key-certificate.ts'
import { verifyShareProofs } from '../../../protocols/sharing/sums.ts'
import { faultsOf, type Letter } from '../../../protocols/simulation/simulate.ts'
import {
  type AbsentRun,
  fetchedFrom,
  openAs,
  opener,
  runWithAbsent,
} from '../../support/run-absent.ts'
import { transcriptDigest } from '../../support/run-frozen.ts'
import { COMMITTEE, committee, guestOf, NETWORK, valuesOf } from '../../support/run-keygen.ts'
import { fastKernel } from '../../support/run-reshare.ts'
import { seeded } from '../../support/seeded.ts'
import { openKernel } from '../../support/trusted-setup.ts'

const { Point } = secp256k1
const { Fn } = Point
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')

/** Five members of which the last is absent, and h = 4 (02 §5). */
const five = (seed: string, change: Partial<AbsentRun> = {}): AbsentRun => ({
  guests: committee(5, seed, seed, fastKernel),
  absent: [5],
  threshold: 3,
  count: 2,
  quorum: 4,
  holders: 4,
  seed,
  ...change,
})

/** Four of t = 3: all four are needed, so that nobody may certify before the absent one came back. */
const four = (seed: string, change: Partial<AbsentRun> = {}): AbsentRun =>
  five(seed, {
    guests: committee(4, seed, seed, fastKernel),
    absent: [4],
    quorum: 3,
    ...change,
  })

const byIndex = (run: AbsentRun, generated: readonly GeneratedKeys[]) => {
  const present = run.guests.filter(({ index }) => !run.absent.includes(index))
  return new Map(present.map(({ index }, at) => [index, generated[at]?.shares ?? []]))
}

/** P of key `b` as these shares rebuild it; only tests may do this. */
function rebuilt(run: AbsentRun, b: number, shares: ReturnType<typeof byIndex>, of: number[]) {
  const secret = of.reduce((sum, index) => {
    const share = shares.get(index)?.[b]
    assert.ok(share !== undefined)
    const weight = of
      .filter((other) => other !== index)
      .map((other) => Fn.div(BigInt(other), Fn.create(BigInt(other - index))))
      .reduce((product, factor) => Fn.mul(product, factor), Fn.ONE)
    const bytes = guestOf(run.guests, index).kernel.shareOut(share)
    return Fn.add(sum, Fn.mul(weight, bytesToNumberBE(bytes)))
  }, Fn.ZERO)
  return Point.BASE.multiply(secret).toHex(true)
}

describe('generateKeys() with members absent', function () {
  this.timeout(60_000)

  for (const run of [
    five('one of five'),
    five('two of seven', {
      guests: committee(7, 'two of seven', 'x', fastKernel),
      absent: [2, 6],
      threshold: 4,
      quorum: 5,
      holders: 5,
    }),
  ])
    it(`makes keys that the absent ones hold once they open their mailbox: ${run.seed}`, async () => {
      const generated = valuesOf(await runWithAbsent(run))
      const [first] = generated
      assert.ok(first)
      for (const { certificates } of generated) {
        assert.deepEqual(certificates, first.certificates)
        for (const certificate of certificates)
          assert.ok(
            verifyKeyCertificate(certificate, {
              networkId: NETWORK,
              committeeId: COMMITTEE,
              members: run.guests.map(({ index, id }) => ({ index, guestSig: id })),
              quorum: run.quorum,
            }),
          )
      }
      const shares = byIndex(run, generated)
      for (const me of run.absent) {
        const stored: string[] = []
        const opened = await openAs(me, run, fetchedFrom(run, generated), {
          storePending: async ({ transcript }) => {
            stored.push(hex(transcript))
          },
        })
        assert.ok(opened)
        assert.deepEqual(stored, [hex(first.transcript)])
        assert.deepEqual(opened.pending.keys, first.keys)
        assert.deepEqual(opened.prove.transcript, first.transcript)
        const { kernel } = guestOf(run.guests, 1)
        const guest = guestOf(run.guests, me)
        assert.ok(verifyShareProofs(kernel, first, guest, opened.prove.proofs))
        assert.ok(!verifyShareProofs(kernel, first, guestOf(run.guests, 1), opened.prove.proofs))
        shares.set(me, opened.pending.shares)
        assert.equal(guest.kernel.held, run.count)
      }
      const subset = [...run.absent, 1, 3, 4, 5].slice(0, run.threshold)
      for (const [b, key] of first.keys.entries()) {
        assert.equal(rebuilt(run, b, shares, subset), hex(key.publicKey))
        assert.notEqual(rebuilt(run, b, shares, subset.slice(1)), hex(key.publicKey))
      }
    })

  it('sends no K4 before h members proved their shares; a late K3 makes up for the absent one', async () => {
    const run = four('late')
    const sent = new Set<string>()
    const generated = valuesOf(
      await runWithAbsent({
        ...run,
        tamper: ({ round, bytes }) => {
          sent.add(round)
          return bytes
        },
      }),
    )
    assert.ok(generated.every(({ certificates }) => certificates.length === 0))
    assert.deepEqual([...sent], ['keygen/1-commit', 'keygen/2-deal', 'keygen/3-prove'])
    assert.deepEqual(
      run.guests.map(({ kernel }) => kernel.held),
      [2, 2, 2, 0],
    )
    const opened = await openAs(4, run, fetchedFrom(run, generated))
    assert.ok(opened)
    const [mine] = generated
    assert.ok(mine)
    const [alice, dave] = [guestOf(run.guests, 1), guestOf(run.guests, 4)]
    assert.ok(verifyShareProofs(alice.kernel, mine, dave, opened.prove.proofs))
    const bad = opened.prove.proofs.with(64, (opened.prove.proofs[64] ?? 0) ^ 1)
    assert.ok(!verifyShareProofs(alice.kernel, mine, dave, bad))
  })

  it('keeps the mailbox before K3 leaves, and nothing in it when nobody is absent', async () => {
    const seen: string[] = []
    const run = five('kept')
    valuesOf(
      await runWithAbsent({
        ...run,
        tamper: ({ from, to, round, bytes }) => {
          if (from === 1 && to === 2) seen.push(round)
          return bytes
        },
        alter: (me, honest) => ({
          ...honest,
          storePending: async ({ mailbox }) => {
            if (me === 1) seen.push(`mailbox of ${[...mailbox.keys()].join()}`)
          },
        }),
      }),
    )
    assert.deepEqual(seen, [
      'keygen/1-commit',
      'keygen/2-deal',
      'mailbox of 1,2,3,4',
      'keygen/3-prove',
      'keygen/4-certify',
    ])
    const whole = { ...five('whole'), absent: [] }
    const [all] = valuesOf(await runWithAbsent(whole))
    assert.equal(all?.mailbox.size, 0)
  })

  it('sends what the specification counts', async () => {
    const letters: Letter[] = []
    const run = five('sizes')
    valuesOf(
      await runWithAbsent({
        ...run,
        tamper: (letter) => {
          letters.push(letter)
          return letter.bytes
        },
      }),
    )
    const sizes = letters
      .filter(({ from, to }) => from === 1 && to === 2)
      .map(({ bytes }) => bytes.length)
    assert.deepEqual(sizes, [64, 96 + 2 * (98 * 3 + 32) + 48 + 32 * 2, 64 + 65 * 2, 96])
  })

  it('says the same as ever with the same randomness, in WebAssembly and in the reference', async () => {
    const said: string[] = []
    for (const open of [fastKernel, (name: string) => openKernel(seeded(name))]) {
      const letters: Letter[] = []
      const run = four('frozen', { guests: committee(4, 'frozen', 'frozen', open), count: 1 })
      const tamper = (letter: Letter) => {
        letters.push(letter)
        return letter.bytes
      }
      const generated = valuesOf(await runWithAbsent({ ...run, tamper }))
      const opened = await openAs(4, run, fetchedFrom(run, generated))
      assert.ok(opened)
      said.push(transcriptDigest(letters), hex(opened.prove.proofs))
    }
    assert.deepEqual(said.slice(0, 2), said.slice(2))
    // Frozen for version 1: a difference is another protocol, or other draws in the kernel.
    assert.equal(said[0], 'ffa45411e7fa6dedf394dcca64686b7d033a91c74519ab4d96e9cd2a9c4c2562')
  })

  it('refuses parameters that make no sense, as a defect of the caller', async () => {
    for (const wrong of [
      { quorum: 5 }, // more than are present
      { quorum: 2 }, // below the threshold
      { holders: 2 },
      { holders: 6 },
      { absent: [4, 5] }, // no quorum is left
    ]) {
      const results = await runWithAbsent(five('parameters', wrong))
      assert.throws(() => valuesOf(results), /^Error: bug/)
    }
  })
})

describe('openMailbox()', function () {
  this.timeout(60_000)

  it('needs one keeper of the run, whatever the others have', async () => {
    const run = five('keepers')
    const generated = valuesOf(await runWithAbsent(run))
    const other = valuesOf(await runWithAbsent({ ...five('keepers'), seed: 'another run' }))
    const good = fetchedFrom(run, generated)
    const mailbox = generated[3]?.mailbox ?? new Map()
    const strange = fetchedFrom(run, other).kept.get(1) ?? new Map()
    const cut = new Map([...mailbox].map(([dealer, bytes]) => [dealer, bytes.slice(1)]))
    const spoilt = new Map(
      [...mailbox].map(([dealer, bytes], at) => [
        dealer,
        at === 0 ? bytes.with(64 + 32 + 5, (bytes[101] ?? 0) ^ 1) : bytes, // its blind
      ]),
    )
    const noPoint = new Map(
      [...mailbox].map(([dealer, bytes]) => [dealer, bytes.with(64 + 96, 9)]), // F of no point
    )
    const bad = [
      [1, new Map()],
      [2, strange],
      [3, cut],
      [4, spoilt],
      [5, noPoint],
    ] as const
    const { transcript } = good
    const rescued = await openAs(5, run, {
      transcript,
      kept: new Map([...bad, [6, mailbox] as const]),
    })
    assert.ok(rescued)
    guestOf(run.guests, 5).kernel.wipeAll()
    assert.equal(await openAs(5, run, { transcript, kept: new Map(bad) }), undefined)
    const wrongT = { transcript: new Uint8Array(32), kept: good.kept }
    assert.equal(await openAs(5, run, wrongT), undefined)
    assert.equal(guestOf(run.guests, 5).kernel.held, 0)
  })

  it('leaves no secret when its share cannot be stored', async () => {
    const run = five('disk full')
    const fetched = fetchedFrom(run, valuesOf(await runWithAbsent(run)))
    const full = { storePending: () => Promise.reject(new Error('disk full')) }
    await assert.rejects(openAs(5, run, fetched, full), /disk full/)
    assert.equal(guestOf(run.guests, 5).kernel.held, 0)
  })

  it('wipes what it opened', async () => {
    const run = five('wiped')
    const fetched = fetchedFrom(run, valuesOf(await runWithAbsent(run)))
    const given: Uint8Array[] = []
    const opened = await openAs(5, run, fetched, {
      open: (info, sealed) => {
        const shares = opener(5)(info, sealed)
        if (shares !== undefined) given.push(shares)
        return shares
      },
    })
    assert.ok(opened)
    assert.equal(given.length, 4)
    assert.ok(given.every((shares) => shares.every((byte) => byte === 0)))
  })

  it('is for who was absent', async () => {
    const run = five('present')
    const fetched = fetchedFrom(run, valuesOf(await runWithAbsent(run)))
    await assert.rejects(openAs(1, run, fetched), /bug/)
  })
})

describe('a dealer that cheats an absent member', function () {
  this.timeout(60_000)
  const MALLORY = 2
  const sealedAt = (bytes: Uint8Array) => bytes.length - 48 - 32 * 2

  /** Mallory's sealed part to these keepers is garbage. */
  const sealing = (to: readonly number[], seed: string) => {
    const run = five(seed)
    const results = runWithAbsent({
      ...run,
      tamper: (letter) => {
        if (letter.from !== MALLORY || letter.round !== 'keygen/2-deal') return letter.bytes
        if (!to.includes(letter.to)) return letter.bytes
        const at = sealedAt(letter.bytes)
        return letter.bytes.with(at + 40, (letter.bytes[at + 40] ?? 0) ^ 1)
      },
    })
    return { run, results }
  }

  it('seals garbage for every keeper: h others hold the keys, and the absent one names her', async () => {
    const { run, results } = sealing([1, 3, 4], 'garbage')
    const generated = valuesOf(await results)
    assert.ok(generated.every(({ certificates }) => certificates.length === 2)) // h = 4 dealt and proved
    const fetched = fetchedFrom(run, generated)
    const kept = new Map([...fetched.kept].filter(([keeper]) => keeper !== MALLORY))
    await assert.rejects(openAs(5, run, { ...fetched, kept }), (error: Error) => {
      assert.deepEqual(faultsOf([{ status: 'rejected', reason: error }]), [
        { kind: 'share', round: 'keygen/2-deal', from: MALLORY },
      ])
      return true
    })
    assert.equal(guestOf(run.guests, 5).kernel.held, 0)
  })

  it('seals garbage for some keepers: the copy of another one passes', async () => {
    const { run, results } = sealing([1, 3], 'some garbage')
    const opened = await openAs(5, run, fetchedFrom(run, valuesOf(await results)))
    assert.ok(opened)
  })

  it('seals shares of another polynomial, which open and do not fit: named', async () => {
    const run = five('other polynomial')
    const generated = valuesOf(
      await runWithAbsent({
        ...run,
        alter: (me, honest) => ({
          ...honest,
          kernel:
            me === MALLORY
              ? {
                  ...honest.kernel,
                  dealShare: (deal, x) => honest.kernel.dealShare(deal, x === 5 ? 6 : x),
                }
              : honest.kernel,
        }),
      }),
    )
    await assert.rejects(openAs(5, run, fetchedFrom(run, generated)), (error: Error) => {
      assert.deepEqual(faultsOf([{ status: 'rejected', reason: error }]), [
        { kind: 'share', round: 'keygen/2-deal', from: MALLORY },
      ])
      return true
    })
    assert.equal(guestOf(run.guests, 5).kernel.held, 0)
  })

  it('sends a sealed part of another length: malformed, and nobody keeps a key', async () => {
    for (const change of [
      (bytes: Uint8Array) => bytes.slice(0, -1),
      (bytes: Uint8Array) => bytes.subarray(0, sealedAt(bytes)),
    ]) {
      const run = five('length')
      const results = await runWithAbsent({
        ...run,
        mute: [MALLORY],
        tamper: ({ from, to, round, bytes }) =>
          from === MALLORY && to === 1 && round === 'keygen/2-deal' ? change(bytes) : bytes,
      })
      const kinds = faultsOf(results).map((fault) => [fault.kind, 'from' in fault && fault.from])
      assert.deepEqual(kinds, [['malformed', MALLORY]])
      assert.ok(results.every(({ status }) => status === 'rejected'))
      assert.deepEqual(
        run.guests.map(({ kernel }) => kernel.held),
        [0, 0, 0, 0, 0],
      )
    }
  })
})
