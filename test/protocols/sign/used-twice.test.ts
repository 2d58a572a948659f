import assert from 'node:assert/strict'
import { secp256k1 } from '@noble/curves/secp256k1.js'
import { bytesToNumberBE } from '@noble/curves/utils.js'
import type { Secrets } from '../../../protocols/kernel/reference/secrets.ts'
import { Combine, Open } from '../../../protocols/sign/messages.ts'
import { SimulatedPool } from '../../../protocols/simulation/pool.ts'
import type { Letter } from '../../../protocols/simulation/simulate.ts'
import { guestOf, valuesOf } from '../../support/run-keygen.ts'
import { dealPools, digestOf, fromPools, runSign, world } from '../../support/run-sign.ts'

const { Point } = secp256k1
const { Fn } = Point
const scalar = (bytes: Uint8Array): bigint => bytesToNumberBE(bytes)

/** A polynomial of degree two at most, lowest coefficient first. */
type Quadratic = readonly [bigint, bigint, bigint]

/** What one signature shows to alice's peer: her messages, and what the peer itself put in. */
interface Seen {
  readonly hers: Open & Combine
  readonly mine: Open
  readonly m: bigint
  readonly r: bigint
}

/**
 * A signer that opens one correlation twice loses its key share to its peer (02 §4.2): everything that was
 * unknown to the peer in both sessions is a linear function of the same a'_1, a'_2 and b.
 */
function recoverKeyShare(
  own: Secrets['correlation'],
  [one, two]: readonly [Seen, Seen],
): { sk: bigint; second: bigint } {
  // c = a'B − D and d = A·b − C: what is unknown of alice's half is a'_1, a'_2 and b alone.
  const { a1: A1, a2: A2, c1: C1, c2: C2, b: B, d1: D1, d2: D2 } = own
  /** x·(b + f) + x·B + y·b + k with x = a' + δ: the coefficients of a'·b, a', b and 1. */
  const shareOf = (delta: bigint, theirDelta: bigint, f: bigint, A: bigint, k: bigint) => ({
    a: Fn.add(f, B),
    b: Fn.add(delta, Fn.add(A, theirDelta)),
    one: Fn.add(Fn.mul(delta, f), k),
  })
  const equationsOf = ({ hers, mine, m, r }: Seen) => {
    const psi = scalar(hers.psi)
    const f = Fn.add(psi, scalar(mine.psi)) // φ + ψ = b + f
    const u = shareOf(scalar(hers.deltaU), scalar(mine.deltaU), f, A1, Fn.neg(Fn.add(C1, D1)))
    const v = shareOf(scalar(hers.deltaV), scalar(mine.deltaV), f, A2, Fn.neg(Fn.add(C2, D2)))
    const perR = Fn.inv(r) // w/r = (m/r)(b + ψ) + v
    return {
      u: { ...u, value: scalar(hers.u) },
      w: {
        a: v.a,
        b: Fn.add(v.b, Fn.mul(m, perR)),
        one: Fn.add(v.one, Fn.mul(Fn.mul(m, perR), psi)),
        value: Fn.mul(scalar(hers.w), perR),
      },
    }
  }
  const first = equationsOf(one)
  const second = equationsOf(two)
  /** The difference of both sessions is linear in a' and b: a' = α + β·b. In the first equation that is a quadratic in b. */
  const quadraticOf = (name: 'u' | 'w'): { alpha: bigint; beta: bigint; quadratic: Quadratic } => {
    const [x, y] = [first[name], second[name]]
    const perA = Fn.inv(Fn.sub(x.a, y.a))
    const alpha = Fn.mul(Fn.sub(Fn.sub(x.value, y.value), Fn.sub(x.one, y.one)), perA)
    const beta = Fn.neg(Fn.mul(Fn.sub(x.b, y.b), perA))
    return {
      alpha,
      beta,
      quadratic: [
        Fn.sub(Fn.add(x.one, Fn.mul(x.a, alpha)), x.value),
        Fn.add(Fn.add(alpha, Fn.mul(x.a, beta)), x.b),
        beta,
      ],
    }
  }
  const [fromU, fromW] = [quadraticOf('u'), quadraticOf('w')]
  const [p, q] = [fromU.quadratic, fromW.quadratic]
  // Both hold for the same b: without their squares they say what it is.
  const constant = Fn.sub(Fn.mul(p[0], q[2]), Fn.mul(q[0], p[2]))
  const linear = Fn.sub(Fn.mul(p[1], q[2]), Fn.mul(q[1], p[2]))
  const b = Fn.neg(Fn.mul(constant, Fn.inv(linear)))
  const a2 = Fn.add(fromW.alpha, Fn.mul(fromW.beta, b))
  return {
    sk: Fn.add(a2, scalar(one.hers.deltaV)),
    second: Fn.add(a2, scalar(two.hers.deltaV)),
  }
}

describe('a correlation that is used twice', function () {
  this.timeout(30_000)
  const ALICE = 1
  const PEER = 2

  /** One signature; both kernels get this correlation once more, as a resumed snapshot of a machine would. */
  async function signWith(secrets: ReadonlyMap<number, Secrets['correlation']>, seed: string) {
    const it = await world(2, 2)
    const pools = new Map(
      [ALICE, PEER].map((me) => {
        const pool = new SimulatedPool()
        const copy = structuredClone(secrets.get(me))
        assert.ok(copy)
        const secret = guestOf(it.guests, me).slots.put('correlation', copy)
        pool.put(3 - me, { id: new Uint8Array(16).fill(1), secret })
        return [me, pool] as const
      }),
    )
    const letters: Letter[] = []
    const [signature] = valuesOf(
      await runSign(it, {
        signers: [ALICE, PEER],
        seed,
        alter: fromPools(pools),
        tamper: (letter) => {
          letters.push(letter)
          return letter.bytes
        },
      }),
    )
    assert.ok(signature)
    const said = (from: number, round: string): Uint8Array =>
      letters.find((letter) => letter.from === from && letter.round === round)?.bytes ??
      new Uint8Array()
    const opened = Open.decode(said(ALICE, 'sign/2-open'))
    const seen: Seen = {
      hers: { ...opened, ...Combine.decode(said(ALICE, 'sign/3-combine')) },
      mine: Open.decode(said(PEER, 'sign/2-open')),
      m: Fn.create(scalar(digestOf(seed))),
      r: scalar(signature.r),
    }
    return { seen, pk: Buffer.from(opened.pk).toString('hex') }
  }

  const dealt = async (seed: string) => {
    const it = await world(2, 2)
    const pools = dealPools(it, [ALICE, PEER], seed)
    return new Map(
      [ALICE, PEER].map((me) => {
        const { slots, kernel } = guestOf(it.guests, me)
        const [correlation] = pools.get(me)?.of(3 - me) ?? []
        assert.ok(correlation)
        const secret = structuredClone(slots.get(correlation.secret, 'correlation'))
        kernel.wipe(correlation.secret)
        return [me, secret] as const
      }),
    )
  }

  it('gives the peer the key share: why it may never happen', async () => {
    const secrets = await dealt('used twice')
    const own = secrets.get(PEER)
    assert.ok(own)
    const one = await signWith(secrets, 'first')
    const two = await signWith(secrets, 'second')
    const { sk, second } = recoverKeyShare(own, [one.seen, two.seen])
    assert.equal(Point.BASE.multiply(sk).toHex(true), one.pk)
    assert.equal(Point.BASE.multiply(second).toHex(true), two.pk)
  })

  it('gives nothing when each signature has its own', async () => {
    const [first, other] = [await dealt('one'), await dealt('another')]
    const own = first.get(PEER)
    assert.ok(own)
    const one = await signWith(first, 'first of two')
    const two = await signWith(other, 'second of two')
    const { sk } = recoverKeyShare(own, [one.seen, two.seen])
    assert.notEqual(Point.BASE.multiply(sk).toHex(true), one.pk)
  })
})
