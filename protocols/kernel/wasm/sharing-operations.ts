import { concatBytes } from '@noble/hashes/utils.js'
import { type Handle, type Kernel, KernelMisuse } from '../kernel.ts'
import {
  checkBytes,
  checkIndex,
  checkScalar,
  checkU16,
  POINT_BYTES,
  SCALAR_BYTES,
  smallScalar,
} from './arguments.ts'
import type { Core } from './core.ts'

const MAX_COEFFICIENTS = 2048 // B·t of one chunk (02 §5)
const POK_BYTES = 65 // T ‖ z
const HANDLE_BYTES = 4
const ONE = smallScalar(1)

type SharingOperations = Pick<
  Kernel,
  | 'dealBegin'
  | 'dealProve'
  | 'dealShare'
  | 'shareSum'
  | 'shareProve'
  | 'sharePublic'
  | 'shareOut'
  | 'shareIn'
>

/** Sharing (02 §5), and the vault's two doors. */
export const sharingOperations = (core: Core): SharingOperations => ({
  dealBegin: (threshold, count, constants, weight = ONE) =>
    core.run((arena) => {
      const whole = Number.isInteger(threshold) && Number.isInteger(count)
      if (!whole || threshold < 1 || count < 1 || threshold * count > MAX_COEFFICIENTS)
        throw new KernelMisuse('bug: too many coefficients, or none')
      if (constants !== undefined && constants.length !== count)
        throw new KernelMisuse('bug: one constant per key')
      checkScalar(core, weight, 'weight')
      if (weight.every((byte) => byte === 0)) throw new KernelMisuse('bug: the weight is 0')
      for (const share of constants ?? []) core.check(share, 'share')
      const bytes = threshold * count * POINT_BYTES
      const F = arena.reserve(bytes)
      const handles = Uint32Array.from(constants ?? [])
      const fixed =
        constants === undefined ? 0 : arena.put(concatBytes(weight, new Uint8Array(handles.buffer)))
      const deal = core.made<'deal'>(core.wasm.dealBegin(threshold, count, fixed, F))
      return { F: arena.get(F, bytes), deal }
    }),
  dealProve: (deal, sid, dealer) =>
    core.run((arena) => {
      core.check(deal, 'deal')
      checkBytes(sid, 32, 'sid')
      checkBytes(dealer, 32, 'dealer')
      const [s, d] = [arena.put(sid), arena.put(dealer)]
      const bytes = core.wasm.dealTotal(deal) * POK_BYTES
      const out = arena.reserve(bytes)
      core.answer(core.wasm.dealProve(deal, s, d, out))
      return arena.get(out, bytes)
    }),
  dealShare: (deal, x) =>
    core.run((arena) => {
      core.check(deal, 'deal')
      checkIndex(x, 'x')
      const bytes = core.wasm.dealCount(deal) * SCALAR_BYTES
      const out = arena.reserve(bytes)
      core.answer(core.wasm.dealShare(deal, x, out))
      return arena.get(out, bytes)
    }),
  shareSum(buffers, count) {
    try {
      if (!Number.isInteger(count) || count < 0 || count > MAX_COEFFICIENTS)
        throw new KernelMisuse('bug: too many shares')
      for (const buffer of buffers) checkBytes(buffer, count * SCALAR_BYTES, 'share buffer')
      for (const buffer of buffers)
        core.run((arena) => core.answer(core.wasm.shareAdd(arena.put(buffer), count)))
      return core.run((arena) => {
        const out = arena.reserve(count * HANDLE_BYTES)
        core.answer(core.wasm.shareFinish(count, out))
        const handles = arena.get(out, count * HANDLE_BYTES)
        return [...new Uint32Array(handles.buffer)] as Handle<'share'>[]
      })
    } finally {
      core.wasm.shareForget()
      for (const buffer of buffers) buffer.fill(0)
    }
  },
  shareProve: (share, sid, guest, index) =>
    core.run((arena) => {
      core.check(share, 'share')
      checkBytes(sid, 32, 'sid')
      checkBytes(guest, 32, 'guest')
      checkU16(index, 'index')
      const out = arena.reserve(POK_BYTES)
      core.answer(core.wasm.shareProve(share, arena.put(sid), arena.put(guest), index, out))
      return arena.get(out, POK_BYTES)
    }),
  sharePublic: (share) =>
    core.run((arena) => {
      const out = arena.reserve(POINT_BYTES)
      core.check(share, 'share')
      core.answer(core.wasm.sharePublic(share, out))
      return arena.get(out, POINT_BYTES)
    }),
  shareOut: (share) =>
    core.run((arena) => {
      core.check(share, 'share')
      const out = arena.reserve(SCALAR_BYTES)
      core.answer(core.wasm.shareOut(share, out))
      return arena.get(out, SCALAR_BYTES)
    }),
  shareIn(bytes) {
    try {
      return core.run((arena) => {
        checkBytes(bytes, SCALAR_BYTES, 'share')
        return core.made<'share'>(core.wasm.shareIn(arena.put(bytes)))
      })
    } finally {
      bytes.fill(0)
    }
  },
})
