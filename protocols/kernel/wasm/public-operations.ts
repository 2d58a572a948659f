import { type Kernel, KernelMisuse, type PokStatement } from '../kernel.ts'
import {
  checkBytes,
  checkIndex,
  checkScalar,
  checkU16,
  POINT_BYTES,
  SCALAR_BYTES,
  smallScalar,
} from './arguments.ts'
import { CODES } from './codes.ts'
import type { Core } from './core.ts'

const POK_BYTES = 65 // T ‖ z
const STATEMENT_BYTES = 168 // sid ‖ guest ‖ u16 index ‖ u16 coefficient ‖ Y ‖ proof ‖ whether the lengths are right
const AT = { guest: 32, place: 64, Y: 68, proof: 101, whole: 166 }
const MAX_POINTS = 2048 // of one call
const MAX_STATEMENTS = 512 // of one equation; their weights are independent, so that several say as much as one

type PublicOperations = Pick<
  Kernel,
  | 'verifyPok'
  | 'verifyPoks'
  | 'verifyFeldman'
  | 'areMultiples'
  | 'sumPoints'
  | 'evaluateCommitment'
  | 'tweakPoint'
  | 'lagrange'
  | 'addScalars'
  | 'isPoint'
  | 'arePoints'
  | 'isScalar'
  | 'areScalars'
  | 'ecdsaVerify'
>

/** Arithmetic over public data, in variable time. */
export function publicOperations(core: Core): PublicOperations {
  const poksHold = (proofs: readonly PokStatement[], alone: boolean): boolean =>
    core.run((arena) => {
      const at = arena.reserve(proofs.length * STATEMENT_BYTES)
      const bytes = arena.view(at, proofs.length * STATEMENT_BYTES)
      for (const [k, proof] of proofs.entries()) {
        write(bytes.subarray(k * STATEMENT_BYTES, (k + 1) * STATEMENT_BYTES), proof)
      }
      return core.answer(core.wasm.verifyPoks(at, proofs.length, Number(alone))) === CODES.done
    })
  const areScalars = (bytes: Uint8Array): boolean =>
    bytes.length % SCALAR_BYTES === 0 &&
    core.run((arena) => core.wasm.areScalars(arena.put(bytes), bytes.length / SCALAR_BYTES) === 1)
  const arePoints = (bytes: Uint8Array): boolean => {
    if (bytes.length % POINT_BYTES !== 0) return false
    for (let at = 0; at < bytes.length; at += MAX_POINTS * POINT_BYTES) {
      const some = bytes.subarray(at, at + MAX_POINTS * POINT_BYTES)
      const count = some.length / POINT_BYTES
      if (core.run((arena) => core.wasm.arePoints(arena.put(some), count)) !== 1) return false
    }
    return true
  }

  return {
    verifyPok(proof) {
      checkStatement(proof)
      return poksHold([proof], true)
    },
    verifyPoks(proofs) {
      for (const proof of proofs) checkStatement(proof)
      for (let from = 0; from < proofs.length; from += MAX_STATEMENTS) {
        const some = proofs.slice(from, from + MAX_STATEMENTS)
        if (!poksHold(some, proofs.length === 1)) return false
      }
      return true
    },
    verifyFeldman: (shares, x, F, threshold) =>
      core.run((arena) => {
        checkIndex(x, 'x')
        checkU16(threshold, 'threshold')
        if (threshold === 0) throw new KernelMisuse('bug: threshold 0')
        const count = shares.length / SCALAR_BYTES
        if (!Number.isInteger(count) || F.length !== count * threshold * POINT_BYTES) return false
        const [s, at, f] = [arena.put(shares), arena.put(smallScalar(x)), arena.put(F)]
        return core.answer(core.wasm.verifyFeldman(s, count, at, f, threshold)) === CODES.done
      }),
    areMultiples: (products, factor, points) =>
      core.run((arena) => {
        checkScalar(core, factor, 'factor')
        const count = products.length / POINT_BYTES
        if (!Number.isInteger(count) || products.length !== points.length)
          throw new KernelMisuse('bug: as many products as points')
        // Polynomials product − point·X, which are zero at the factor: the equation of `verifyFeldman`.
        const F = new Uint8Array(2 * products.length)
        for (let b = 0; b < count; b++) {
          const at = b * POINT_BYTES
          F.set(products.subarray(at, at + POINT_BYTES), 2 * at)
          F.set(negated(points.subarray(at, at + POINT_BYTES)), 2 * at + POINT_BYTES)
        }
        const zeros = arena.reserve(count * SCALAR_BYTES)
        const [x, f] = [arena.put(factor), arena.put(F)]
        return core.answer(core.wasm.verifyFeldman(zeros, count, x, f, 2)) === CODES.done
      }),
    sumPoints: (points) =>
      core.run((arena) => {
        if (points.length === 0) return undefined
        const list = arena.reserve(points.length * POINT_BYTES)
        const bytes = arena.view(list, points.length * POINT_BYTES)
        for (const [k, point] of points.entries()) {
          checkBytes(point, POINT_BYTES, 'point')
          bytes.set(point, k * POINT_BYTES)
        }
        const out = arena.reserve(POINT_BYTES)
        const answer = core.answer(core.wasm.sumPoints(list, points.length, out))
        return answer === CODES.nothing ? undefined : arena.get(out, POINT_BYTES)
      }),
    evaluateCommitment: (F, x) =>
      core.run((arena) => {
        checkIndex(x, 'x')
        if (F.length < POINT_BYTES || F.length % POINT_BYTES !== 0)
          throw new KernelMisuse('bug: F is no list of points')
        const out = arena.reserve(POINT_BYTES)
        const count = F.length / POINT_BYTES
        const answer = core.answer(core.wasm.evaluateCommitment(arena.put(F), count, x, out))
        return answer === CODES.nothing ? undefined : arena.get(out, POINT_BYTES)
      }),
    tweakPoint: (P, epsilon) =>
      core.run((arena) => {
        checkBytes(P, POINT_BYTES, 'P')
        checkBytes(epsilon, SCALAR_BYTES, 'epsilon')
        const out = arena.reserve(POINT_BYTES)
        const answer = core.answer(core.wasm.tweakPoint(arena.put(P), arena.put(epsilon), out))
        return answer === CODES.nothing ? undefined : arena.get(out, POINT_BYTES)
      }),
    lagrange: (x, signers) =>
      core.run((arena) => {
        for (const signer of signers) checkIndex(signer, 'signer')
        if (!signers.includes(x) || new Set(signers).size !== signers.length)
          throw new KernelMisuse('bug: signers must be distinct and contain x')
        const list = arena.put(new Uint8Array(Uint32Array.from(signers).buffer))
        const out = arena.reserve(SCALAR_BYTES)
        core.answer(core.wasm.lagrange(x, list, signers.length, out))
        return arena.get(out, SCALAR_BYTES)
      }),
    addScalars: (a, b) =>
      core.run((arena) => {
        checkBytes(a, SCALAR_BYTES, 'a')
        checkBytes(b, SCALAR_BYTES, 'b')
        const out = arena.reserve(SCALAR_BYTES)
        core.answer(core.wasm.addScalars(arena.put(a), arena.put(b), out))
        return arena.get(out, SCALAR_BYTES)
      }),
    isPoint: (bytes) => bytes.length === POINT_BYTES && arePoints(bytes),
    arePoints,
    isScalar: (bytes) => bytes.length === SCALAR_BYTES && areScalars(bytes),
    areScalars,
    ecdsaVerify: (P, digest, { r, s, recovery }) =>
      core.run((arena) => {
        checkBytes(digest, 32, 'digest')
        checkBytes(P, POINT_BYTES, 'P')
        const whole = r.length === SCALAR_BYTES && s.length === SCALAR_BYTES
        const signature = new Uint8Array(2 * SCALAR_BYTES) // zero is refused, after P was looked at
        if (whole) {
          signature.set(r)
          signature.set(s, SCALAR_BYTES)
        }
        const id = Number.isInteger(recovery) && recovery >= 0 && recovery <= 3 ? recovery : -1
        const [point, hash] = [arena.put(P), arena.put(digest)]
        const answer = core.wasm.verifySignature(point, hash, arena.put(signature), id)
        return core.answer(answer) === CODES.done
      }),
  }
}

/** −P: the other parity. What is no point stays none. */
const negated = (point: Uint8Array): Uint8Array => point.with(0, (point[0] ?? 0) ^ 1)

/** Lays a statement out; one with a wrong length is marked, and refused when its turn comes. */
function write(at: Uint8Array, { sid, guest, index, coefficient, Y, proof }: PokStatement): void {
  at.set(sid)
  at.set(guest, AT.guest)
  at.set([index & 0xff, index >> 8, coefficient & 0xff, coefficient >> 8], AT.place)
  if (Y.length !== POINT_BYTES || proof.length !== POK_BYTES) return
  at.set(Y, AT.Y)
  at.set(proof, AT.proof)
  at[AT.whole] = 1
}

function checkStatement({ sid, guest, index, coefficient }: PokStatement): void {
  checkBytes(sid, 32, 'sid')
  checkBytes(guest, 32, 'guest')
  checkU16(index, 'index')
  checkU16(coefficient, 'coefficient')
}
