import { concatBytes } from '@noble/hashes/utils.js'
import { tags } from '../../crypto/tags.ts'
import { oracle } from '../../crypto/transcript.ts'
import { type Handle, type Kernel, KernelMisuse, type PokStatement } from '../kernel.ts'
import {
  keysBegin,
  keysStep,
  OTS,
  PHI_BYTES,
  receiveBegin,
  receiveStep,
  sender,
} from './base-ot.ts'
import {
  checkBytes,
  checkedPoint,
  checkedPoints,
  checkedScalar,
  checkIndex,
  checkU16,
} from './checked.ts'
import {
  bigEndian,
  G,
  mod,
  multiply,
  POINT_BYTES,
  type Point,
  type Random,
  randomScalar,
  readPoint,
  readPoints,
  readScalar,
  SCALAR_BYTES,
  writePoint,
  writeScalar,
} from './curve.ts'
import { equal } from './fields.ts'
import { build, evaluate as evaluatePprf, PPRF_BYTES } from './pprf.ts'
import { answer, begin, finish, M1_BYTES, M2_BYTES } from './rvole.ts'
import {
  deal,
  evaluate,
  feldmanHolds,
  lagrangeAtZero,
  multiplesHold,
  proofsHold,
  prove,
  SHARE_COEFFICIENT,
  valuesAt,
} from './sharing.ts'
import {
  close,
  combineParts,
  freshNonce,
  messageScalar,
  opening,
  readOpening,
  signatureHolds,
  take,
  zetaScalar,
} from './signing.ts'
import { Slots } from './slots.ts'

const MAX_COEFFICIENTS = 2048 // B·t of one chunk (02 §5)
const OMEGA_BYTES = 16 // 128 bits

/**
 * The kernel in plain TypeScript over noble and bigints, written to be read beside 02: the oracle of
 * every faster kernel. Not constant time in the engine's hands; for tests and development networks.
 */
export function referenceKernel(source: Random, slots: Slots = new Slots()): Kernel {
  const random = owned(source)
  return {
    name: 'reference',

    // Pair setup (02 §2.3, §2.4).
    pairSend() {
      const secret = sender(random)
      return { A: secret.A.slice(), sender: slots.put('sender', secret) }
    },
    pairReceiveBegin(sid, A) {
      checkBytes(sid, 32, 'sid')
      const point = readPoint(A)
      if (point === undefined) return 'malformed'
      return slots.put('receiving', receiveBegin(random, sid, point))
    },
    pairReceiveStep(handle) {
      const receiving = slots.get(handle, 'receiving')
      receiveStep(random, receiving)
      if (receiving.done < OTS) return undefined
      return slots.consume(handle, 'receiving', ({ sid, choices, keys, phi }) => {
        const own = { sid: sid.slice(), choices: choices.slice(), keys: keys.slice() }
        return { phi: phi.slice(), receiver: slots.put('receiver', own) }
      })
    },
    pairBuildBegin(handle, sid, phi) {
      return slots.consume(handle, 'sender', (secret) => {
        checkBytes(sid, 32, 'sid')
        if (phi.length !== PHI_BYTES) return 'malformed'
        return slots.put('building', keysBegin(secret, sid, phi))
      })
    },
    pairBuildStep(handle) {
      const building = slots.get(handle, 'building')
      if (!keysStep(building)) {
        slots.wipe(handle)
        return 'malformed'
      }
      if (building.done < OTS) return undefined
      return slots.consume(handle, 'building', ({ sid, keys }) => {
        const { pprf, leaves } = build(sid, keys)
        return { pprf, bob: slots.put('bob', { leaves }) }
      })
    },
    pairEvaluate(handle, sid, pprf) {
      return slots.consume(handle, 'receiver', (secret) => {
        if (!equal(sid, secret.sid)) throw new KernelMisuse('bug: sid of another setup')
        if (pprf.length !== PPRF_BYTES) return 'malformed'
        const alice = evaluatePprf(secret, sid, pprf)
        return alice === undefined ? 'pprf' : slots.put('alice', alice)
      })
    },
    zetaNew(pairSid, zLo, zHi) {
      checkBytes(pairSid, 32, 'pairSid')
      checkBytes(zLo, 32, 'zLo')
      checkBytes(zHi, 32, 'zHi')
      return slots.put('zeta', { seed: oracle(tags.pairZeta, 32, pairSid, zLo, zHi) })
    },

    // Multiplication (02 §3).
    rvoleBob(bob, sid) {
      checkBytes(sid, 32, 'sid')
      const { m1, choice } = begin(random, slots.get(bob, 'bob'), sid)
      return { m1, choice: slots.put('choice', choice) }
    },
    rvoleAlice(alice, sid, m1, input) {
      checkBytes(sid, 32, 'sid')
      const secret = slots.get(alice, 'alice')
      const a1 = input ? slots.get(input.nonce, 'nonce').r : randomScalar(random)
      const a2 = input ? slots.get(input.key, 'key').sk : randomScalar(random)
      if (m1.length !== M1_BYTES) return 'malformed'
      const result = answer(random, secret, sid, m1, a1, a2)
      if (result === undefined) return 'cote'
      const { m2, product } = result
      const kept = input ? product : { ...product, random: { a1, a2 } }
      return { m2, product: slots.put('alice-product', kept) }
    },
    rvoleBobFinish(handle, m2) {
      return slots.consume(handle, 'choice', (choice) => {
        if (m2.length !== M2_BYTES) return 'malformed'
        const result = finish(choice, m2)
        return typeof result === 'string' ? result : slots.put('bob-product', result)
      })
    },
    corrPack(product, received) {
      return slots.consume(product, 'alice-product', ({ c1, c2, random: own }) =>
        slots.consume(received, 'bob-product', (bob) => {
          if (own === undefined) throw new KernelMisuse('bug: the factors were given')
          return slots.put('correlation', { ...own, c1, c2, ...bob })
        }),
      )
    },

    // Signing (02 §6).
    signBegin() {
      const nonce = freshNonce(random)
      const R = writePoint(multiply(G, nonce.r))
      return { R, nonce: slots.put('nonce', nonce) }
    },
    signKey(share, lambda, epsilon, zetas, sid1) {
      const { s } = slots.get(share, 'share')
      checkBytes(sid1, 32, 'sid1')
      let sk = checkedScalar(lambda, 'lambda') * (s + checkedScalar(epsilon, 'epsilon'))
      for (const { zeta, negative } of zetas) {
        const scalar = zetaScalar(slots.get(zeta, 'zeta').seed, sid1)
        sk += negative ? -scalar : scalar
      }
      sk = mod(sk)
      if (sk === 0n) throw new KernelMisuse('bug: key share of nothing')
      return { pk: writePoint(multiply(G, sk)), key: slots.put('key', { sk }) }
    },
    signOpen(nonce, product, choice) {
      const secret = slots.get(product, 'alice-product')
      return opening(secret, slots.get(nonce, 'nonce'), slots.get(choice, 'choice').b)
    },
    signCheck(nonce, product, received, peer, omega) {
      return slots.consume(product, 'alice-product', ({ c1, c2 }) =>
        slots.consume(received, 'bob-product', (bob) => {
          const own = slots.get(nonce, 'nonce')
          const weight = checkedOmega(omega)
          const opened = readOpening(peer)
          if (opened === undefined) return 'malformed'
          return take(own, { c1, c2, ...bob }, opened, weight)
        }),
      )
    },
    signOpenCorrelated(nonce, key, correlation) {
      return slots.consume(correlation, 'correlation', ({ a1, a2, c1, c2, b, d1, d2 }) => {
        const own = slots.get(nonce, 'nonce')
        const { sk } = slots.get(key, 'key')
        const deltaU = writeScalar(mod(own.r - a1))
        const deltaV = writeScalar(mod(sk - a2))
        const part = opening({ c1, c2 }, own, b)
        return { deltaU, deltaV, ...part, opened: slots.put('opened', { c1, c2, b, d1, d2 }) }
      })
    },
    signCheckCorrelated(nonce, handle, peer, omega) {
      return slots.consume(handle, 'opened', ({ c1, c2, b, d1, d2 }) => {
        const own = slots.get(nonce, 'nonce')
        const weight = checkedOmega(omega)
        const opened = readOpening(peer)
        const deltaU = readScalar(peer.deltaU)
        const deltaV = readScalar(peer.deltaV)
        if (opened === undefined || deltaU === undefined || deltaV === undefined) return 'malformed'
        const d = { d1: mod(d1 + deltaU * b), d2: mod(d2 + deltaV * b) }
        return take(own, { c1, c2, b, ...d }, opened, weight)
      })
    },
    presign(nonce, key, R) {
      return slots.consume(nonce, 'nonce', (opened) =>
        slots.consume(key, 'key', (secret) => {
          const r = mod(checkedPoint(R, 'R').x)
          return r === 0n ? 'signature' : slots.put('presignature', close(opened, secret, r))
        }),
      )
    },
    online(presignature, digest) {
      return slots.consume(presignature, 'presignature', ({ r, u, v, phi }) => {
        checkBytes(digest, 32, 'digest')
        const w = mod(messageScalar(digest) * phi + r * v)
        return { u: writeScalar(u), w: writeScalar(w) }
      })
    },
    combine(R, parts) {
      return combineParts(checkedPoint(R, 'R'), parts)
    },

    // Sharing (02 §5).
    dealBegin(threshold, count, constants, weight = writeScalar(1n)) {
      const whole = Number.isInteger(threshold) && Number.isInteger(count)
      if (!whole || threshold < 1 || count < 1 || threshold * count > MAX_COEFFICIENTS) {
        throw new KernelMisuse('bug: too many coefficients, or none')
      }
      if (constants !== undefined && constants.length !== count) {
        throw new KernelMisuse('bug: one constant per key')
      }
      const factor = checkedScalar(weight, 'weight')
      if (factor === 0n) throw new KernelMisuse('bug: the weight is 0')
      const fixed = constants?.map((handle) => mod(slots.get(handle, 'share').s * factor))
      const secret = deal(random, threshold, count, fixed)
      return { F: secret.F.slice(), deal: slots.put('deal', secret) }
    },
    dealProve(handle, sid, dealer) {
      const { threshold, coefficients, F } = slots.get(handle, 'deal')
      checkBytes(sid, 32, 'sid')
      checkBytes(dealer, 32, 'dealer')
      const proofs = coefficients.flatMap((f, index) =>
        f.map((secret, coefficient) => {
          const at = (index * threshold + coefficient) * 33
          const Y = F.subarray(at, at + 33)
          return prove(random, secret, { sid, guest: dealer, index, coefficient, Y })
        }),
      )
      return concatBytes(...proofs)
    },
    dealShare(handle, x) {
      const { coefficients } = slots.get(handle, 'deal')
      checkIndex(x, 'x')
      return concatBytes(...valuesAt(coefficients, x).map(writeScalar))
    },
    shareSum(buffers, count) {
      try {
        for (const buffer of buffers) checkBytes(buffer, count * 32, 'share buffer')
        const sums = Array.from({ length: count }, (_, b) =>
          mod(
            buffers.reduce(
              (sum, buffer) => sum + checkedScalar(buffer.subarray(32 * b, 32 * b + 32), 'share'),
              0n,
            ),
          ),
        )
        if (sums.includes(0n)) throw new KernelMisuse('bug: a share of nothing')
        return sums.map((s) => slots.put('share', { s }))
      } finally {
        for (const buffer of buffers) buffer.fill(0)
      }
    },
    shareProve(share, sid, guest, index) {
      const { s } = slots.get(share, 'share')
      checkBytes(sid, 32, 'sid')
      checkBytes(guest, 32, 'guest')
      checkU16(index, 'index')
      const Y = writePoint(multiply(G, s))
      return prove(random, s, { sid, guest, index, coefficient: SHARE_COEFFICIENT, Y })
    },
    sharePublic(share) {
      return writePoint(multiply(G, slots.get(share, 'share').s))
    },

    oracle,

    // Public arithmetic.
    verifyPok(proof) {
      checkStatement(proof)
      return proofsHold(random, [proof])
    },
    verifyPoks(proofs) {
      for (const proof of proofs) checkStatement(proof)
      return proofsHold(random, proofs)
    },
    verifyFeldman(shares, x, F, threshold) {
      checkIndex(x, 'x')
      checkU16(threshold, 'threshold')
      if (threshold === 0) throw new KernelMisuse('bug: threshold 0')
      return feldmanHolds(random, shares, BigInt(x), F, threshold)
    },
    areMultiples(products, factor, points) {
      const lambda = checkedScalar(factor, 'factor')
      if (products.length % POINT_BYTES !== 0 || products.length !== points.length)
        throw new KernelMisuse('bug: as many products as points')
      return multiplesHold(random, products, lambda, points)
    },
    sumPoints(points) {
      const [first, ...rest] = points.map((point) => checkedPoint(point, 'point'))
      if (first === undefined) return undefined
      return encoded(rest.reduce((sum, point) => sum.add(point), first))
    },
    evaluateCommitment(F, x) {
      checkIndex(x, 'x')
      return encoded(evaluate(checkedPoints(F, 'F'), x))
    },
    tweakPoint(P, epsilon) {
      const tweak = G.multiplyUnsafe(checkedScalar(epsilon, 'epsilon'))
      return encoded(checkedPoint(P, 'P').add(tweak))
    },
    lagrange(x, signers) {
      for (const signer of signers) checkIndex(signer, 'signer')
      if (!signers.includes(x) || new Set(signers).size !== signers.length) {
        throw new KernelMisuse('bug: signers must be distinct and contain x')
      }
      return writeScalar(lagrangeAtZero(x, signers))
    },
    addScalars(a, b) {
      return writeScalar(mod(checkedScalar(a, 'a') + checkedScalar(b, 'b')))
    },
    isPoint: (bytes) => readPoint(bytes) !== undefined,
    arePoints: (bytes) => readPoints(bytes) !== undefined,
    isScalar: (bytes) => readScalar(bytes) !== undefined,
    areScalars(bytes) {
      if (bytes.length % SCALAR_BYTES !== 0) return false
      for (let at = 0; at < bytes.length; at += SCALAR_BYTES)
        if (readScalar(bytes.subarray(at, at + SCALAR_BYTES)) === undefined) return false
      return true
    },
    ecdsaVerify(P, digest, signature) {
      checkBytes(digest, 32, 'digest')
      return signatureHolds(checkedPoint(P, 'P'), digest, signature)
    },

    // Life of secrets.
    wipe: (handle) => slots.wipe(handle),
    wipeAll: () => slots.wipeAll(),
    get held() {
      return slots.held
    },
    shareOut(share) {
      return writeScalar(slots.get(share, 'share').s)
    },
    shareIn(bytes): Handle<'share'> {
      try {
        const s = checkedScalar(bytes, 'share')
        if (s === 0n) throw new KernelMisuse('bug: share is zero')
        return slots.put('share', { s })
      } finally {
        bytes.fill(0)
      }
    },
  }
}

/** Random bytes that are ours alone: a Buffer's slices share its memory, and wiping one would wipe the other. */
const owned =
  (source: Random): Random =>
  (length) => {
    const drawn = source(length)
    checkBytes(drawn, length, 'randomness')
    const bytes = Uint8Array.from(drawn)
    drawn.fill(0)
    return bytes
  }

const encoded = (point: Point): Uint8Array | undefined =>
  point.is0() ? undefined : writePoint(point)

/** ω of 02 §6.2, check 6. */
function checkedOmega(omega: Uint8Array): bigint {
  checkBytes(omega, OMEGA_BYTES, 'omega')
  const weight = bigEndian(omega)
  if (weight === 0n) throw new KernelMisuse('bug: omega is not random')
  return weight
}

function checkStatement({ sid, guest, index, coefficient }: PokStatement): void {
  checkBytes(sid, 32, 'sid')
  checkBytes(guest, 32, 'guest')
  checkU16(index, 'index')
  checkU16(coefficient, 'coefficient')
}
