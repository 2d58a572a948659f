import {
  type CorrelatedOpening,
  type Kernel,
  KernelMisuse,
  type Signature,
  type SignOpening,
} from '../kernel.ts'
import type { Arena } from './arena.ts'
import { checkBytes, POINT_BYTES, SCALAR_BYTES } from './arguments.ts'
import { CODES } from './codes.ts'
import type { Core } from './core.ts'

const OMEGA_BYTES = 16 // 128 bits
const PART_BYTES = 2 * SCALAR_BYTES // u ‖ w

type SigningOperations = Pick<
  Kernel,
  | 'signBegin'
  | 'signKey'
  | 'signOpen'
  | 'signCheck'
  | 'signOpenCorrelated'
  | 'signCheckCorrelated'
  | 'presign'
  | 'online'
  | 'combine'
>

/** Signing (02 §6). */
export const signingOperations = (core: Core): SigningOperations => ({
  signBegin: () =>
    core.run((arena) => {
      const R = arena.reserve(POINT_BYTES)
      const nonce = core.made<'nonce'>(core.wasm.signBegin(R))
      return { R: arena.get(R, POINT_BYTES), nonce }
    }),
  signKey: (share, lambda, epsilon, zetas, sid1) =>
    core.run((arena) => {
      core.check(share, 'share')
      checkBytes(sid1, 32, 'sid1')
      checkBytes(lambda, SCALAR_BYTES, 'lambda')
      checkBytes(epsilon, SCALAR_BYTES, 'epsilon')
      const list = new Uint32Array(zetas.flatMap(({ zeta, negative }) => [zeta, Number(negative)]))
      const pk = arena.reserve(POINT_BYTES)
      const key = core.made<'key'>(
        core.wasm.signKey(
          share,
          arena.put(lambda),
          arena.put(epsilon),
          arena.put(new Uint8Array(list.buffer)),
          zetas.length,
          arena.put(sid1),
          pk,
        ),
      )
      return { pk: arena.get(pk, POINT_BYTES), key }
    }),
  signOpen: (nonce, product, choice) =>
    core.run((arena) => {
      const out = openingAt(arena)
      core.answer(core.wasm.signOpen(nonce, product, choice, out.u, out.v, out.psi))
      return openingOf(arena, out)
    }),
  signCheck: (nonce, product, received, peer, omega) =>
    core.consume(product, 'alice-product', () =>
      core.consume(received, 'bob-product', () =>
        core.run((arena) => {
          core.check(nonce, 'nonce')
          checkOmega(omega)
          const opening = putOpening(arena, peer)
          if (opening === undefined) return 'malformed'
          return verdict(core.wasm.signCheck(nonce, product, received, opening, arena.put(omega)))
        }),
      ),
    ),
  signOpenCorrelated: (nonce, key, correlation) =>
    core.consume(correlation, 'correlation', () =>
      core.run((arena) => {
        const out = openingAt(arena)
        const u = arena.reserve(SCALAR_BYTES)
        const v = arena.reserve(SCALAR_BYTES)
        const answer = core.wasm.signOpenCorrelated(
          nonce,
          key,
          correlation,
          u,
          v,
          out.u,
          out.v,
          out.psi,
        )
        const opened = core.made<'opened'>(answer)
        const deltas = { deltaU: arena.get(u, SCALAR_BYTES), deltaV: arena.get(v, SCALAR_BYTES) }
        return { ...deltas, ...openingOf(arena, out), opened }
      }),
    ),
  signCheckCorrelated: (nonce, opened, peer, omega) =>
    core.consume(opened, 'opened', () =>
      core.run((arena) => {
        core.check(nonce, 'nonce')
        checkOmega(omega)
        const opening = putOpening(arena, peer)
        const deltas = putDeltas(arena, peer)
        if (opening === undefined || deltas === undefined) return 'malformed'
        const at = arena.put(omega)
        return verdict(core.wasm.signCheckCorrelated(nonce, opened, opening, deltas, at))
      }),
    ),
  presign: (nonce, key, R) =>
    core.consume(nonce, 'nonce', () =>
      core.consume(key, 'key', () =>
        core.run((arena) => {
          checkBytes(R, POINT_BYTES, 'R')
          const answer = core.answer(core.wasm.presign(nonce, key, arena.put(R)))
          return answer === CODES.signature ? 'signature' : core.made(answer)
        }),
      ),
    ),
  online: (presignature, digest) =>
    core.consume(presignature, 'presignature', () =>
      core.run((arena) => {
        checkBytes(digest, 32, 'digest')
        const [u, w] = [arena.reserve(SCALAR_BYTES), arena.reserve(SCALAR_BYTES)]
        core.answer(core.wasm.online(presignature, arena.put(digest), u, w))
        return { u: arena.get(u, SCALAR_BYTES), w: arena.get(w, SCALAR_BYTES) }
      }),
    ),
  combine: (R, parts) =>
    core.run((arena): Signature | undefined => {
      checkBytes(R, POINT_BYTES, 'R')
      const at = arena.put(R)
      const joined = new Uint8Array(parts.length * PART_BYTES)
      let good = true
      for (const [k, { u, w }] of parts.entries()) {
        good &&= u.length === SCALAR_BYTES && w.length === SCALAR_BYTES
        if (!good) break
        joined.set(u, k * PART_BYTES)
        joined.set(w, k * PART_BYTES + SCALAR_BYTES)
      }
      const out = arena.reserve(PART_BYTES + 1)
      const count = good ? parts.length : 0 // R is looked at first
      const answer = core.answer(core.wasm.combine(at, arena.put(joined), count, out))
      if (!good || answer === CODES.nothing) return undefined
      const r = arena.get(out, SCALAR_BYTES)
      const s = arena.get(out + SCALAR_BYTES, SCALAR_BYTES)
      const [recovery = 0] = arena.get(out + PART_BYTES, 1)
      return { r, s, recovery }
    }),
})

function checkOmega(omega: Uint8Array): void {
  checkBytes(omega, OMEGA_BYTES, 'omega')
}

interface OpeningAt {
  readonly u: number
  readonly v: number
  readonly psi: number
}

const openingAt = (arena: Arena): OpeningAt => ({
  u: arena.reserve(POINT_BYTES),
  v: arena.reserve(POINT_BYTES),
  psi: arena.reserve(SCALAR_BYTES),
})

const openingOf = (arena: Arena, { u, v, psi }: OpeningAt) => ({
  gammaU: arena.get(u, POINT_BYTES),
  gammaV: arena.get(v, POINT_BYTES),
  psi: arena.get(psi, SCALAR_BYTES),
})

/** R ‖ pk ‖ Γ^u ‖ Γ^v ‖ ψ in a row; `undefined` when a length is wrong. */
function putOpening(arena: Arena, peer: SignOpening): number | undefined {
  const points = [peer.R, peer.pk, peer.gammaU, peer.gammaV]
  if (points.some(({ length }) => length !== POINT_BYTES)) return undefined
  if (peer.psi.length !== SCALAR_BYTES) return undefined
  const joined = new Uint8Array(4 * POINT_BYTES + SCALAR_BYTES)
  for (const [k, point] of points.entries()) joined.set(point, k * POINT_BYTES)
  joined.set(peer.psi, 4 * POINT_BYTES)
  return arena.put(joined)
}

function putDeltas(arena: Arena, { deltaU, deltaV }: CorrelatedOpening): number | undefined {
  if (deltaU.length !== SCALAR_BYTES || deltaV.length !== SCALAR_BYTES) return undefined
  const joined = new Uint8Array(2 * SCALAR_BYTES)
  joined.set(deltaU)
  joined.set(deltaV, SCALAR_BYTES)
  return arena.put(joined)
}

function verdict(answer: number): 'ok' | 'check1' | 'check2' | 'malformed' {
  if (answer === CODES.done) return 'ok'
  if (answer === CODES.check1) return 'check1'
  if (answer === CODES.check2) return 'check2'
  if (answer === CODES.malformed) return 'malformed'
  throw new KernelMisuse('bug: a handle or an argument is wrong')
}
