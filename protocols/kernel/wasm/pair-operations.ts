import type { Kernel } from '../kernel.ts'
import { checkBytes, POINT_BYTES } from './arguments.ts'
import { CODES } from './codes.ts'
import type { Core } from './core.ts'

const PHI_BYTES = 256 * 2 * POINT_BYTES
const PPRF_BYTES = 64 * 320
const M1_BYTES = 9232
const M2_BYTES = 49_248

type PairOperations = Pick<
  Kernel,
  | 'pairSend'
  | 'pairReceiveBegin'
  | 'pairReceiveStep'
  | 'pairBuildBegin'
  | 'pairBuildStep'
  | 'pairEvaluate'
  | 'zetaNew'
  | 'rvoleBob'
  | 'rvoleAlice'
  | 'rvoleBobFinish'
  | 'corrPack'
>

/** Pair setup, multiplication and correlations (02 §2 to §4). */
export const pairOperations = (core: Core): PairOperations => ({
  pairSend: () =>
    core.run((arena) => {
      const A = arena.reserve(POINT_BYTES)
      const sender = core.made<'sender'>(core.wasm.pairSend(A))
      return { A: arena.get(A, POINT_BYTES), sender }
    }),
  pairReceiveBegin: (sid, A) =>
    core.run((arena) => {
      checkBytes(sid, 32, 'sid')
      if (A.length !== POINT_BYTES) return 'malformed'
      const answer = core.answer(core.wasm.pairReceiveBegin(arena.put(sid), arena.put(A)))
      return answer === CODES.malformed ? 'malformed' : core.made(answer)
    }),
  pairReceiveStep: (receiving) =>
    core.run((arena) => {
      core.check(receiving, 'receiving')
      const phi = arena.reserve(PHI_BYTES)
      const answer = core.wasm.pairReceiveStep(receiving, phi)
      if (answer === CODES.goesOn) return undefined
      return core.consume(receiving, 'receiving', () => {
        const receiver = core.made<'receiver'>(answer)
        return { phi: arena.get(phi, PHI_BYTES), receiver }
      })
    }),
  pairBuildBegin: (sender, sid, phi) =>
    core.consume(sender, 'sender', () =>
      core.run((arena) => {
        checkBytes(sid, 32, 'sid')
        if (phi.length !== PHI_BYTES) return 'malformed'
        return core.made(core.wasm.pairBuildBegin(sender, arena.put(sid), arena.put(phi)))
      }),
    ),
  pairBuildStep: (building) =>
    core.run((arena) => {
      core.check(building, 'building')
      const pprf = arena.reserve(PPRF_BYTES)
      const answer = core.wasm.pairBuildStep(building, pprf)
      if (answer === CODES.goesOn) return undefined
      return core.consume(building, 'building', () => {
        if (answer === CODES.malformed) return 'malformed'
        const bob = core.made<'bob'>(answer)
        return { pprf: arena.get(pprf, PPRF_BYTES), bob }
      })
    }),
  pairEvaluate: (receiver, sid, pprf) =>
    core.consume(receiver, 'receiver', () =>
      core.run((arena) => {
        checkBytes(sid, 32, 'sid')
        const own = arena.put(sid)
        core.answer(core.wasm.isOfSetup(receiver, own))
        if (pprf.length !== PPRF_BYTES) return 'malformed'
        const answer = core.answer(core.wasm.pairEvaluate(receiver, own, arena.put(pprf)))
        return answer === CODES.pprf ? 'pprf' : core.made(answer)
      }),
    ),
  zetaNew: (pairSid, zLo, zHi) =>
    core.run((arena) => {
      checkBytes(pairSid, 32, 'pairSid')
      checkBytes(zLo, 32, 'zLo')
      checkBytes(zHi, 32, 'zHi')
      return core.made(core.wasm.zetaNew(arena.put(pairSid), arena.put(zLo), arena.put(zHi)))
    }),

  rvoleBob: (bob, sid) =>
    core.run((arena) => {
      checkBytes(sid, 32, 'sid')
      core.check(bob, 'bob')
      const m1 = arena.reserve(M1_BYTES)
      const choice = core.made<'choice'>(core.wasm.rvoleBob(bob, arena.put(sid), m1))
      return { m1: arena.get(m1, M1_BYTES), choice }
    }),
  rvoleAlice: (alice, sid, m1, input) =>
    core.run((arena) => {
      checkBytes(sid, 32, 'sid')
      core.check(alice, 'alice')
      if (input !== undefined) {
        core.check(input.nonce, 'nonce')
        core.check(input.key, 'key')
      }
      const m2 = arena.reserve(M2_BYTES)
      const given = m1.length === M1_BYTES ? arena.put(m1) : 0 // refused after the draws, as everywhere
      const [nonce, key] = [input?.nonce ?? 0, input?.key ?? 0]
      const answer = core.answer(core.wasm.rvoleAlice(alice, arena.put(sid), given, nonce, key, m2))
      if (answer === CODES.malformed) return 'malformed'
      if (answer === CODES.cote) return 'cote'
      return { m2: arena.get(m2, M2_BYTES), product: core.made(answer) }
    }),
  rvoleBobFinish: (choice, m2) =>
    core.consume(choice, 'choice', () =>
      core.run((arena) => {
        if (m2.length !== M2_BYTES) return 'malformed'
        const answer = core.answer(core.wasm.rvoleBobFinish(choice, arena.put(m2)))
        if (answer === CODES.malformed) return 'malformed'
        return answer === CODES.mu ? 'mu' : core.made(answer)
      }),
    ),
  corrPack: (product, received) =>
    core.consume(product, 'alice-product', () =>
      core.consume(received, 'bob-product', () => core.made(core.wasm.corrPack(product, received))),
    ),
})
