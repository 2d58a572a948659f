import { deepEqual, equal, notDeepEqual, ok, throws } from 'node:assert/strict'
import type { Random } from '../../protocols/crypto/random.ts'
import { tags } from '../../protocols/crypto/tags.ts'
import { oracle } from '../../protocols/crypto/transcript.ts'
import { type Handle, type Kernel, KernelMisuse } from '../../protocols/kernel/kernel.ts'
import { seeded } from '../support/seeded.ts'
import {
  buildAll,
  type Correlated,
  closeAt,
  closeCorrelatedAt,
  correlate,
  dealKey,
  good,
  label,
  type Opened,
  open,
  openCorrelated,
  pair,
  receiveAll,
  type Side,
  signCorrelated,
  signTogether,
  unlessFault,
} from './kernel-flow.ts'

const q = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n
const SETUP_MS = 30_000 // a whole pair with bigints on a busy machine
const LONG_LIVED = 4 // alice, bob, zeta and a share

const scalar = (value: bigint): Uint8Array =>
  Uint8Array.from(Buffer.from(value.toString(16).padStart(64, '0'), 'hex'))
const flipped = (bytes: Uint8Array, at: number): Uint8Array => {
  const changed = bytes.slice()
  changed[at] = (changed[at] ?? 0) ^ 1
  return changed
}

/** What every kernel must do (02 §14); `make` builds one over the given randomness. */
export function kernelSuite(name: string, make: (random: Random) => Kernel): void {
  describe(`${name} kernel`, () => {
    let sides: [Side, Side]
    let P: Uint8Array
    let shares: [Handle<'share'>, Handle<'share'>]

    before(function () {
      this.timeout(SETUP_MS)
      sides = pair(make(seeded(`${name} lo`)), make(seeded(`${name} hi`)))
      ;({ P, shares } = dealKey(sides))
    })

    afterEach('nothing but the long-lived secrets is left', () => {
      deepEqual(
        sides.map(({ kernel }) => kernel.held),
        [LONG_LIVED, LONG_LIVED],
      )
    })

    describe('pair setup', () => {
      const sid = label('another setup')

      it('refuses A, φ and the PPRF message of a wrong length or off the curve', () => {
        const kernel = make(seeded('sizes'))
        const { A } = kernel.pairSend()
        for (const wrong of [A.slice(1), new Uint8Array(33), new Uint8Array(65)]) {
          equal(kernel.pairReceiveBegin(sid, wrong), 'malformed')
        }
        for (const wrong of [new Uint8Array(16_896), new Uint8Array(16_895)]) {
          equal(buildAll(kernel, kernel.pairSend().sender, sid, wrong), 'malformed')
        }
        equal(kernel.held, 1) // the first sender; the others were consumed by the failure
      })

      it('answers `pprf` to another φ or message, consumes the receiver, and refuses it afterwards', function () {
        this.timeout(SETUP_MS)
        const [alice, bob] = [make(seeded('pprf alice')), make(seeded('pprf bob'))]
        const { A, sender } = bob.pairSend()
        const first = good(receiveAll(alice, sid, A))
        const second = good(receiveAll(alice, sid, A))
        // Two φ_0 changed places: every key of those OTs differs.
        const swapped = second.phi.slice()
        swapped.set(second.phi.subarray(66, 99), 0)
        swapped.set(second.phi.subarray(0, 33), 66)
        const built = good(buildAll(bob, sender, sid, swapped))
        equal(alice.pairEvaluate(second.receiver, sid, built.pprf), 'pprf')
        throws(() => alice.pairEvaluate(second.receiver, sid, built.pprf), KernelMisuse)
        throws(() => bob.pairBuildBegin(sender, sid, swapped), KernelMisuse)
        equal(alice.pairEvaluate(first.receiver, sid, built.pprf.slice(1)), 'malformed')
        deepEqual([alice.held, bob.held], [0, 1])
      })
    })

    describe('pair setup in steps', () => {
      const sid = label('steps')

      it('holds one secret while it runs, and refuses it after the last step', function () {
        this.timeout(SETUP_MS)
        const [alice, bob] = [make(seeded('steps alice')), make(seeded('steps bob'))]
        const { A, sender } = bob.pairSend()
        const receiving = good(alice.pairReceiveBegin(sid, A))
        equal(alice.held, 1)
        equal(alice.pairReceiveStep(receiving), undefined)
        equal(alice.held, 1)
        const received = finish(() => alice.pairReceiveStep(receiving))
        equal(alice.held, 1)
        throws(() => alice.pairReceiveStep(receiving), KernelMisuse)
        const building = good(bob.pairBuildBegin(sender, sid, received.phi))
        equal(bob.held, 1) // the sender was consumed
        throws(() => bob.wipe(sender), KernelMisuse)
        equal(bob.pairBuildStep(building), undefined)
        const built = good(finish(() => bob.pairBuildStep(building)))
        throws(() => bob.pairBuildStep(building), KernelMisuse)
        ok(unlessFault(alice.pairEvaluate(received.receiver, sid, built.pprf)))
        deepEqual([alice.held, bob.held], [1, 1])
      })

      it('can be given up between two steps', () => {
        const kernel = make(seeded('given up'))
        const { A, sender } = kernel.pairSend()
        const receiving = good(kernel.pairReceiveBegin(sid, A))
        kernel.pairReceiveStep(receiving)
        kernel.wipe(receiving)
        throws(() => kernel.pairReceiveStep(receiving), KernelMisuse)
        const building = good(kernel.pairBuildBegin(sender, sid, new Uint8Array(16_896)))
        kernel.wipe(building)
        throws(() => kernel.pairBuildStep(building), KernelMisuse)
        equal(kernel.held, 0)
      })

      it('makes the same of the same randomness, however often something else runs in between', function () {
        this.timeout(SETUP_MS)
        const { A } = make(seeded('A')).pairSend()
        const phiOf = (between: (kernel: Kernel) => void): Uint8Array => {
          const kernel = make(seeded('same'))
          const receiving = good(kernel.pairReceiveBegin(sid, A))
          return finish(() => {
            between(kernel)
            return kernel.pairReceiveStep(receiving)
          }).phi
        }
        const counted = phiOf((kernel) => kernel.isPoint(A))
        deepEqual(
          counted,
          phiOf(() => undefined),
        )
      })
    })

    describe('signing', () => {
      it('makes signatures that verify under the key, again and again over one setup', () => {
        for (let run = 0; run < 3; run++) {
          const digest = label(`message ${run}`)
          const signature = signTogether(sides, shares, digest, `run ${run}`)
          equal(sides[0].kernel.ecdsaVerify(P, digest, signature), true)
          equal(sides[1].kernel.ecdsaVerify(P, label('another'), signature), false)
        }
      })

      it('signs for the derived key when both add ε', () => {
        const { kernel } = sides[0]
        const epsilon = scalar(0x1234567n)
        const derived = good(kernel.tweakPoint(P, epsilon))
        const signature = signTogether(sides, shares, label('m'), 'derived', epsilon)
        equal(kernel.ecdsaVerify(derived, label('m'), signature), true)
        equal(kernel.ecdsaVerify(P, label('m'), signature), false)
      })

      it('opens public keys whose sum is P', () => {
        const opened = open(sides, shares, 'sum')
        deepEqual(sides[0].kernel.sumPoints(opened.map(({ pk }) => pk)), P)
        for (const me of [0, 1] as const) sides[me].kernel.wipe(closeAt(me, sides, opened))
      })

      it('answers `cote` to m1 with a changed U, x̂ or t̂', () => {
        const [{ kernel, bob }, { kernel: peer, alice }] = sides
        const sid = label('cote')
        const { m1, choice } = kernel.rvoleBob(bob, sid)
        for (const at of [0, 5119, 5120, 5135, 5136, 9231]) {
          equal(peer.rvoleAlice(alice, sid, flipped(m1, at)), 'cote')
        }
        equal(peer.rvoleAlice(alice, label('other sid'), m1), 'cote')
        for (const wrong of [m1.slice(1), new Uint8Array(9233), new Uint8Array()]) {
          equal(peer.rvoleAlice(alice, sid, wrong), 'malformed')
        }
        kernel.wipe(choice)
      })

      it('answers `mu` to m2 with a changed Ã, η or μ, and consumes the choice', () => {
        for (const at of [31, 49_151, 49_183, 49_184, 49_247]) {
          const answered = multiplied(sides, `mu ${at}`)
          equal(sides[0].kernel.rvoleBobFinish(answered.choice, flipped(answered.m2, at)), 'mu')
          throws(() => sides[0].kernel.rvoleBobFinish(answered.choice, answered.m2), KernelMisuse)
        }
      })

      it('answers `malformed` to m2 of a wrong length or with a scalar of q', () => {
        for (const wrong of [
          (m2: Uint8Array) => m2.slice(1),
          (m2: Uint8Array) => Uint8Array.of(...m2, 0),
          (m2: Uint8Array) => withAt(m2, 0, scalar(q)),
          (m2: Uint8Array) => withAt(m2, 49_152, scalar(q)),
        ]) {
          const answered = multiplied(sides, 'malformed')
          equal(sides[0].kernel.rvoleBobFinish(answered.choice, wrong(answered.m2)), 'malformed')
        }
      })

      const lies: {
        lie: string
        change: (peer: Opened, mine: Opened) => Partial<Opened>
        answer: string
      }[] = [
        { lie: 'another R', change: (_, mine) => ({ R: mine.R }), answer: 'check1' },
        { lie: 'another Γ^u', change: (peer) => ({ gammaU: peer.gammaV }), answer: 'check1' },
        { lie: 'another pk', change: (_, mine) => ({ pk: mine.pk }), answer: 'check2' },
        { lie: 'another Γ^v', change: (peer) => ({ gammaV: peer.gammaU }), answer: 'check2' },
        { lie: 'a point off the curve', change: () => ({ R: badPoint }), answer: 'malformed' },
        { lie: 'a long point', change: () => ({ pk: new Uint8Array(65) }), answer: 'malformed' },
        { lie: 'O as Γ^u', change: () => ({ gammaU: new Uint8Array(33) }), answer: 'malformed' },
        { lie: 'no Γ^v', change: () => ({ gammaV: new Uint8Array() }), answer: 'malformed' },
        { lie: 'ψ = q', change: () => ({ psi: scalar(q) }), answer: 'malformed' },
        { lie: 'a short ψ', change: () => ({ psi: new Uint8Array(31) }), answer: 'malformed' },
      ]
      for (const { lie, change, answer } of lies) {
        it(`answers \`${answer}\` to ${lie}, and consumes both products`, () => {
          const { kernel } = sides[0]
          const [mine, peer] = open(sides, shares, 'lie')
          const received = kernel.rvoleBobFinish(mine.choice, peer.m2)
          ok(typeof received === 'number')
          const told = { ...peer, ...change(peer, mine) }
          const omega = label('omega').slice(0, 16)
          equal(kernel.signCheck(mine.nonce, mine.product, received, told, omega), answer)
          throws(() => kernel.wipe(mine.product), KernelMisuse)
          throws(() => kernel.wipe(received), KernelMisuse)
          forgetSession(kernel, mine.nonce, mine.key)
          const { nonce, key, product, choice } = peer
          forgetSession(sides[1].kernel, nonce, key, product, choice)
        })
      }

      it('makes no valid signature when ψ is wrong: the sum shows it', () => {
        const opened = open(sides, shares, 'psi')
        const wrong: [Opened, Opened] = [opened[0], { ...opened[1], psi: scalar(5n) }]
        const parts = [closeAt(0, sides, wrong), closeAt(1, sides, opened)].map((handle, i) =>
          good(sides[i]).kernel.online(handle, label('m')),
        )
        const R = good(sides[0].kernel.sumPoints(opened.map((each) => each.R)))
        const signature = sides[0].kernel.combine(R, parts)
        equal(signature && sides[0].kernel.ecdsaVerify(P, label('m'), signature), false)
      })

      it('uses a presignature once', () => {
        const opened = open(sides, shares, 'once')
        const { kernel } = sides[0]
        const presignature = closeAt(0, sides, opened)
        sides[1].kernel.wipe(closeAt(1, sides, opened))
        kernel.online(presignature, label('m'))
        throws(() => kernel.online(presignature, label('m')), KernelMisuse)
        throws(() => kernel.presign(opened[0].nonce, opened[0].key, opened[0].R), KernelMisuse)
      })

      it('multiplies random factors when there is no input', () => {
        const answered = multiplied(sides, 'random input')
        const received = sides[0].kernel.rvoleBobFinish(answered.choice, answered.m2)
        ok(typeof received === 'number')
        sides[0].kernel.wipe(received)
      })
    })

    describe('correlations', () => {
      /** Both open a new correlation and nobody has checked anything yet. */
      const opened = (session: string): [Correlated, Correlated] =>
        openCorrelated(sides, shares, correlate(sides, session), session)
      const forget = (me: 0 | 1, { nonce, key, opened: left }: Correlated): void =>
        forgetSession(sides[me].kernel, nonce, key, left)

      it('make signatures that verify under the key and under a derived one', () => {
        const { kernel } = sides[0]
        for (let run = 0; run < 3; run++) {
          const signature = signCorrelated(sides, shares, label(`m ${run}`), `correlated ${run}`)
          equal(kernel.ecdsaVerify(P, label(`m ${run}`), signature), true)
        }
        const epsilon = scalar(0xabcdefn)
        const signature = signCorrelated(sides, shares, label('m'), 'derived', epsilon)
        equal(kernel.ecdsaVerify(good(kernel.tweakPoint(P, epsilon)), label('m'), signature), true)
      })

      it('are packed of both directions, which are then gone', () => {
        const { kernel } = sides[0]
        const before = kernel.held
        const [mine, theirs] = correlate(sides, 'packed')
        equal(kernel.held, before + 1)
        forgetSession(kernel, mine)
        forgetSession(sides[1].kernel, theirs)
      })

      it('are never packed of factors that somebody chose', () => {
        const [mine, peer] = open(sides, shares, 'chosen')
        const { kernel } = sides[0]
        const received = good(unlessFault(kernel.rvoleBobFinish(mine.choice, peer.m2)))
        throws(() => kernel.corrPack(mine.product, received), KernelMisuse)
        throws(() => kernel.wipe(mine.product), KernelMisuse)
        throws(() => kernel.wipe(received), KernelMisuse)
        forgetSession(kernel, mine.nonce, mine.key)
        const { nonce, key, product, choice } = peer
        forgetSession(sides[1].kernel, nonce, key, product, choice)
      })

      it('can be opened only once, and what is left checked only once', () => {
        const { kernel } = sides[0]
        const correlation = correlate(sides, 'once')
        const [mine, peer] = openCorrelated(sides, shares, correlation, 'once')
        const { nonce, key } = mine
        throws(() => kernel.signOpenCorrelated(nonce, key, correlation[0]), KernelMisuse)
        throws(() => kernel.wipe(correlation[0]), KernelMisuse)
        const omega = label('omega').slice(0, 16)
        equal(kernel.signCheckCorrelated(nonce, mine.opened, peer, omega), 'ok')
        throws(() => kernel.signCheckCorrelated(nonce, mine.opened, peer, omega), KernelMisuse)
        forgetSession(kernel, nonce, key)
        forget(1, peer)
      })

      it('are gone when they are opened with a nonce or key that is', () => {
        const { kernel } = sides[0]
        const [mine, theirs] = correlate(sides, 'stale')
        const { nonce } = kernel.signBegin()
        throws(
          () => kernel.signOpenCorrelated(nonce, nonce as unknown as Handle<'key'>, mine),
          KernelMisuse,
        )
        throws(() => kernel.wipe(mine), KernelMisuse)
        forgetSession(kernel, nonce)
        forgetSession(sides[1].kernel, theirs)
      })

      const lies: {
        lie: string
        change: (peer: Correlated, mine: Correlated) => Partial<Correlated>
        answer: string
      }[] = [
        { lie: 'another δ^u', change: ({ deltaV }) => ({ deltaU: deltaV }), answer: 'check1' },
        { lie: 'another δ^v', change: ({ deltaU }) => ({ deltaV: deltaU }), answer: 'check2' },
        { lie: 'another R', change: (_, mine) => ({ R: mine.R }), answer: 'check1' },
        { lie: 'another pk', change: (_, mine) => ({ pk: mine.pk }), answer: 'check2' },
        { lie: 'another Γ^u', change: ({ gammaV }) => ({ gammaU: gammaV }), answer: 'check1' },
        { lie: 'another Γ^v', change: ({ gammaU }) => ({ gammaV: gammaU }), answer: 'check2' },
        { lie: 'δ^u = q', change: () => ({ deltaU: scalar(q) }), answer: 'malformed' },
        { lie: 'δ^v = q', change: () => ({ deltaV: scalar(q) }), answer: 'malformed' },
        { lie: 'a short δ^v', change: () => ({ deltaV: new Uint8Array(31) }), answer: 'malformed' },
        { lie: 'a point off the curve', change: () => ({ R: badPoint }), answer: 'malformed' },
        { lie: 'ψ = q', change: () => ({ psi: scalar(q) }), answer: 'malformed' },
      ]
      for (const { lie, change, answer } of lies) {
        it(`answer \`${answer}\` to ${lie}, and nothing is left of them`, () => {
          const { kernel } = sides[0]
          const [mine, peer] = opened('lie')
          const told = { ...peer, ...change(peer, mine) }
          const omega = label('omega').slice(0, 16)
          equal(kernel.signCheckCorrelated(mine.nonce, mine.opened, told, omega), answer)
          throws(() => kernel.wipe(mine.opened), KernelMisuse)
          forgetSession(kernel, mine.nonce, mine.key)
          forget(1, peer)
        })
      }

      it('throw for an ω that is zero or short, and are gone', () => {
        for (const omega of [new Uint8Array(16), label('omega').slice(0, 15)]) {
          const { kernel } = sides[0]
          const [mine, peer] = opened('omega')
          throws(
            () => kernel.signCheckCorrelated(mine.nonce, mine.opened, peer, omega),
            KernelMisuse,
          )
          throws(() => kernel.wipe(mine.opened), KernelMisuse)
          forgetSession(kernel, mine.nonce, mine.key)
          forget(1, peer)
        }
      })

      it('make presignatures that are used once', () => {
        const both = opened('presigned')
        const presignature = closeCorrelatedAt(0, sides, both)
        sides[1].kernel.wipe(closeCorrelatedAt(1, sides, both))
        sides[0].kernel.online(presignature, label('m'))
        throws(() => sides[0].kernel.online(presignature, label('m')), KernelMisuse)
      })
    })

    describe('sharing', () => {
      it('deals values that lie on the committed polynomials, and finds one that does not', () => {
        const { kernel } = sides[0]
        const { F, deal } = kernel.dealBegin(3, 4)
        equal(F.length, 4 * 3 * 33)
        for (const x of [1, 2, 16, 300, 65_535]) {
          const values = kernel.dealShare(deal, x)
          equal(kernel.verifyFeldman(values, x, F, 3), true)
          equal(kernel.verifyFeldman(values, x === 1 ? 2 : 1, F, 3), false)
          for (let b = 0; b < 4; b++) {
            equal(kernel.verifyFeldman(flipped(values, 32 * b + 31), x, F, 3), false)
          }
          equal(kernel.verifyFeldman(values.slice(32), x, F, 3), false)
          equal(kernel.verifyFeldman(values, x, F, 2), false)
          equal(kernel.verifyFeldman(withAt(values, 0, scalar(q)), x, F, 3), false)
          equal(kernel.verifyFeldman(values, x, withAt(F, 0, badPoint), 3), false)
        }
        kernel.wipe(deal)
      })

      it('proves every coefficient, and refuses each proof elsewhere', () => {
        const { kernel } = sides[0]
        const { F, deal } = kernel.dealBegin(2, 3)
        const [sid, guest] = [label('sid'), label('guest')]
        const proofs = kernel.dealProve(deal, sid, guest)
        equal(proofs.length, 2 * 3 * 65)
        const statements = [0, 1, 2, 3, 4, 5].map((at) => ({
          sid,
          guest,
          index: at >> 1,
          coefficient: at & 1,
          Y: F.slice(33 * at, 33 * (at + 1)),
          proof: proofs.slice(65 * at, 65 * (at + 1)),
        }))
        equal(kernel.verifyPoks(statements), true)
        equal(kernel.verifyPoks([]), true)
        const [first, ...rest] = statements
        ok(first)
        equal(kernel.verifyPok(first), true)
        for (const change of [
          { sid: label('other') },
          { guest: label('other') },
          { index: 1 },
          { coefficient: 1 },
          { Y: F.slice(33, 66) },
          { Y: badPoint },
          { proof: flipped(first.proof, 64) },
          { proof: flipped(first.proof, 0) },
          { proof: withAt(first.proof, 33, scalar(q)) },
          { proof: first.proof.slice(1) },
        ]) {
          equal(kernel.verifyPok({ ...first, ...change }), false)
          equal(kernel.verifyPoks([{ ...first, ...change }, ...rest]), false)
        }
        kernel.wipe(deal)
      })

      it('adds shares to one whose public point is on the summed commitment', () => {
        const { kernel } = sides[0]
        const deals = [kernel.dealBegin(2, 2), kernel.dealBegin(2, 2)]
        const buffers = deals.map(({ deal }) => kernel.dealShare(deal, 7))
        const sums = kernel.shareSum(buffers, 2)
        for (const buffer of buffers) deepEqual(buffer, new Uint8Array(64))
        for (const [b, share] of sums.entries()) {
          const coefficient = (k: number): Uint8Array =>
            good(
              kernel.sumPoints(
                deals.map(({ F }) => F.slice(66 * b + 33 * k, 66 * b + 33 * k + 33)),
              ),
            )
          const F = Uint8Array.of(...coefficient(0), ...coefficient(1))
          const Y = good(kernel.evaluateCommitment(F, 7))
          deepEqual(kernel.sharePublic(share), Y)
          const proof = kernel.shareProve(share, label('sid'), label('guest'), b)
          const statement = { sid: label('sid'), guest: label('guest'), index: b, Y, proof }
          equal(kernel.verifyPok({ ...statement, coefficient: 65_535 }), true)
          equal(kernel.verifyPok({ ...statement, coefficient: 0 }), false)
        }
        forgetSession(kernel, ...sums, ...deals.map(({ deal }) => deal))
      })

      it('keeps the constant that a reshare fixes', () => {
        const { kernel } = sides[0]
        const { F, deal } = kernel.dealBegin(3, 1, [shares[0]])
        deepEqual(F.slice(0, 33), kernel.sharePublic(shares[0]))
        kernel.wipe(deal)
      })

      it('multiplies the constants with the weight of their dealer, and finds what is no multiple', () => {
        const { kernel } = sides[0]
        const lambda = kernel.lagrange(7, [2, 7, 300])
        const others = [scalar(5n), scalar(q - 1n)].map((bytes) => kernel.shareIn(bytes))
        const constants = [shares[0], ...others]
        const points = Uint8Array.from(constants.flatMap((share) => [...kernel.sharePublic(share)]))
        const { F, deal } = kernel.dealBegin(2, 3, constants, lambda)
        const products = Uint8Array.from(
          [0, 1, 2].flatMap((b) => [...F.slice(66 * b, 66 * b + 33)]),
        )
        equal(kernel.areMultiples(products, lambda, points), true)
        equal(kernel.areMultiples(products.slice(0, 33), lambda, points.slice(0, 33)), true)
        equal(kernel.areMultiples(points, scalar(1n), points), true)
        equal(kernel.areMultiples(products, kernel.lagrange(7, [2, 7]), points), false)
        equal(kernel.areMultiples(points, scalar(0n), points), false)
        for (let b = 0; b < 3; b++) {
          equal(kernel.areMultiples(flipped(products, 33 * b), lambda, points), false)
          equal(kernel.areMultiples(withAt(products, 33 * b, badPoint), lambda, points), false)
          equal(kernel.areMultiples(products, lambda, withAt(points, 33 * b, badPoint)), false)
        }
        equal(kernel.verifyFeldman(kernel.dealShare(deal, 9), 9, F, 2), true)
        for (const handle of [deal, ...others]) kernel.wipe(handle)
      })

      it('interpolates with the Lagrange coefficients at 0', () => {
        const { kernel } = sides[0]
        deepEqual(kernel.lagrange(1, [1, 2]), scalar(2n))
        deepEqual(kernel.lagrange(2, [1, 2]), scalar(q - 1n))
        deepEqual(kernel.lagrange(5, [5]), scalar(1n))
        deepEqual(kernel.addScalars(scalar(q - 1n), scalar(2n)), scalar(1n))
        for (const signers of [[2, 3], [1, 1, 2], [0, 1], [1, 65_536], []]) {
          throws(() => kernel.lagrange(1, signers), KernelMisuse)
        }
      })

      it('gives no point where the sum is O', () => {
        const { kernel } = sides[0]
        const negative = flipped(P, 0)
        equal(kernel.sumPoints([P, negative]), undefined)
        equal(kernel.evaluateCommitment(Uint8Array.of(...P, ...negative), 1), undefined)
        const G = kernel.tweakPoint(negative, scalar(0n))
        deepEqual(G, negative)
        // and goes on from O where only a part of a sum is
        deepEqual(kernel.evaluateCommitment(Uint8Array.of(...P, ...negative, ...P), 1), P)
      })

      it('moves shares out to the vault and in again', () => {
        const { kernel } = sides[0]
        const bytes = kernel.shareOut(shares[0])
        const copy = kernel.shareIn(bytes)
        deepEqual(bytes, new Uint8Array(32))
        deepEqual(kernel.sharePublic(copy), kernel.sharePublic(shares[0]))
        kernel.wipe(copy)
        for (const wrong of [scalar(0n), scalar(q), new Uint8Array(31)]) {
          throws(() => kernel.shareIn(wrong), KernelMisuse)
          deepEqual(wrong, new Uint8Array(wrong.length))
        }
      })
    })

    describe('hashing', () => {
      it('gives the known answer of the oracle, whatever was hashed before', () => {
        const kernel = make(seeded('hashing'))
        const fields = [Uint8Array.of(0x61), Uint8Array.of(0x62, 0x63)]
        const answer = Buffer.from(kernel.oracle(tags.pok, 64, ...fields)).toString('hex')
        ok(answer.startsWith('9918e52e87416cb9629e5f119a723b1e'))
        for (const length of [0, 3, 1020, 1021, 9_232, 70_000]) {
          const long = new Uint8Array(length).fill(7)
          deepEqual(
            kernel.oracle(tags.correlationTranscript, 32, long, ...fields),
            oracle(tags.correlationTranscript, 32, long, ...fields),
          )
        }
        equal(Buffer.from(kernel.oracle(tags.pok, 64, ...fields)).toString('hex'), answer)
      })
    })

    describe('handles', () => {
      it('of another kind, wiped or used twice throw', () => {
        const { kernel } = sides[0]
        const { nonce } = kernel.signBegin()
        throws(() => kernel.sharePublic(nonce as unknown as Handle<'share'>), KernelMisuse)
        kernel.wipe(nonce)
        throws(() => kernel.wipe(nonce), KernelMisuse)
        const { deal } = kernel.dealBegin(2, 1)
        kernel.wipe(deal)
        throws(() => kernel.dealShare(deal, 1), KernelMisuse)
      })

      it('of one kernel mean nothing good in another', () => {
        const other = make(seeded('other'))
        throws(() => other.sharePublic(shares[0]), KernelMisuse)
      })

      it('are all gone after wipeAll', () => {
        const other = make(seeded('wipe all'))
        const { nonce } = other.signBegin()
        const { deal } = other.dealBegin(2, 2)
        equal(other.held, 2)
        other.wipeAll()
        equal(other.held, 0)
        throws(() => other.wipe(nonce), KernelMisuse)
        throws(() => other.wipe(deal), KernelMisuse)
      })
    })

    describe('arguments of our own', () => {
      it('throw KernelMisuse when they are wrong', () => {
        const { kernel, bob, zeta } = sides[0]
        const short = new Uint8Array(31)
        const zetas = [{ zeta, negative: false }]
        const [share] = shares
        for (const wrong of [
          () => kernel.pairReceiveBegin(short, P),
          () => kernel.zetaNew(label('a'), short, label('b')),
          () => kernel.rvoleBob(bob, short),
          () => kernel.signKey(share, scalar(q), scalar(0n), zetas, label('s')),
          () => kernel.signKey(share, scalar(1n), scalar(q), zetas, label('s')),
          () => kernel.signKey(share, scalar(1n), scalar(0n), zetas, short),
          () => kernel.signKey(share, scalar(0n), scalar(0n), [], label('s')),
          () => kernel.dealBegin(0, 1),
          () => kernel.dealBegin(2, 1025),
          () => kernel.dealBegin(1.5, 1),
          () => kernel.dealBegin(2, 2, [share]),
          () => kernel.dealBegin(2, 1, [zeta as never]),
          () => kernel.dealBegin(2, 1, [share], scalar(0n)),
          () => kernel.dealBegin(2, 1, [share], scalar(q)),
          () => kernel.dealBegin(2, 1, [share], short),
          () => kernel.areMultiples(P, scalar(q), P),
          () => kernel.areMultiples(P, scalar(1n), new Uint8Array(66)),
          () => kernel.areMultiples(P.slice(1), scalar(1n), P.slice(1)),
          () => kernel.shareSum([new Uint8Array(63)], 2),
          () => kernel.shareSum([scalar(q)], 1),
          () => kernel.shareSum([scalar(0n)], 1),
          () => kernel.shareProve(share, label('s'), label('g'), 65_536),
          () => kernel.combine(badPoint, []),
          () => kernel.sumPoints([badPoint]),
          () => kernel.evaluateCommitment(new Uint8Array(), 1),
          () => kernel.evaluateCommitment(P, 0),
          () => kernel.tweakPoint(P, scalar(q)),
          () => kernel.addScalars(scalar(q), scalar(0n)),
          () => kernel.verifyFeldman(scalar(1n), 0, P, 1),
        ]) {
          throws(wrong, KernelMisuse)
        }
      })

      it('throw when a setup is finished under another sid, and consume the receiver', function () {
        this.timeout(SETUP_MS)
        const kernel = make(seeded('another sid'))
        const { A, sender } = kernel.pairSend()
        const { receiver } = good(receiveAll(kernel, label('sid'), A))
        const pprf = new Uint8Array(20_480)
        throws(() => kernel.pairEvaluate(receiver, label('other'), pprf), KernelMisuse)
        throws(() => kernel.pairEvaluate(receiver, label('sid'), pprf), KernelMisuse)
        kernel.wipe(sender)
        equal(kernel.held, 0)
      })

      it('throw for an ω that is zero or short, and for R that is no point; all is consumed', () => {
        const { kernel } = sides[0]
        for (const omega of [new Uint8Array(16), label('omega').slice(0, 15)]) {
          const [mine, peer] = open(sides, shares, 'omega')
          const received = kernel.rvoleBobFinish(mine.choice, peer.m2)
          ok(typeof received === 'number')
          const check = () => kernel.signCheck(mine.nonce, mine.product, received, peer, omega)
          throws(check, KernelMisuse)
          throws(() => kernel.wipe(mine.product), KernelMisuse)
          throws(() => kernel.wipe(received), KernelMisuse)
          throws(() => kernel.presign(mine.nonce, mine.key, badPoint), KernelMisuse)
          throws(() => kernel.wipe(mine.nonce), KernelMisuse)
          throws(() => kernel.wipe(mine.key), KernelMisuse)
          const { nonce, key, product, choice } = peer
          forgetSession(sides[1].kernel, nonce, key, product, choice)
        }
      })

      it('tell points and scalars from other bytes', () => {
        const { kernel } = sides[0]
        deepEqual(
          [P, badPoint, P.slice(1), new Uint8Array(33)].map((bytes) => kernel.isPoint(bytes)),
          [true, false, false, false],
        )
        deepEqual(
          [0n, q - 1n, q].map((value) => kernel.isScalar(scalar(value))),
          [true, true, false],
        )
        equal(kernel.isScalar(new Uint8Array(33)), false)
        deepEqual(
          [
            new Uint8Array(),
            P,
            Uint8Array.of(...P, ...P, ...P),
            Uint8Array.of(...P, ...badPoint, ...P),
            Uint8Array.of(...P, ...P, ...badPoint),
            P.slice(1),
            Uint8Array.of(...P, 2),
          ].map((bytes) => kernel.arePoints(bytes)),
          [true, true, true, false, false, false, false],
        )
        const list = (...values: bigint[]) =>
          Uint8Array.of(...values.flatMap((v) => [...scalar(v)]))
        deepEqual(
          [
            list(),
            list(0n, q - 1n, 7n),
            list(q, 1n, 1n),
            list(1n, 1n, q),
            list(1n).slice(1),
            Uint8Array.of(...list(1n), 0),
          ].map((bytes) => kernel.areScalars(bytes)),
          [true, true, false, false, false, false],
        )
      })

      it('draw fresh nonces and polynomials every time', () => {
        const { kernel } = sides[0]
        const [one, two] = [kernel.signBegin(), kernel.signBegin()]
        notDeepEqual(one.R, two.R)
        forgetSession(kernel, one.nonce, two.nonce)
      })
    })
  })
}

/** No point has this abscissa: 5³ + 7 is no square. */
const badPoint: Uint8Array = Uint8Array.of(2, ...scalar(5n))

/** The result of the last of some steps. */
function finish<Result>(step: () => Result | undefined): Result {
  let result = step()
  while (result === undefined) result = step()
  return result
}

const withAt = (bytes: Uint8Array, at: number, part: Uint8Array): Uint8Array => {
  const changed = bytes.slice()
  changed.set(part, at)
  return changed
}

function forgetSession(kernel: Kernel, ...handles: Parameters<Kernel['wipe']>[0][]): void {
  for (const handle of handles) kernel.wipe(handle)
}

/** One multiplication of random factors: party 0 is Bob. */
function multiplied(
  [{ kernel, bob }, { kernel: peer, alice }]: readonly [Side, Side],
  session: string,
): { choice: Handle<'choice'>; m2: Uint8Array } {
  const { m1, choice } = kernel.rvoleBob(bob, label(session))
  const { m2, product } = good(peer.rvoleAlice(alice, label(session), m1))
  peer.wipe(product)
  return { choice, m2 }
}
