import type { Random } from '../../crypto/random.ts'
import { KernelMisuse } from '../kernel.ts'
import type { Exports } from './exports.ts'
import { MODULE } from './module.ts'
import { type WasmModule, type WebAssemblyApi, webAssembly } from './web-assembly.ts'

/** This engine has no WebAssembly with SIMD, or it was given up already: nothing here runs on it (02 §14). */
export class SimdMissing extends Error {
  override readonly name = 'SimdMissing'
}

/** A module of one function: i8x16.popcnt of a splat. Asked instead of the kernel, which `Module` validates anyway. */
const SIMD_PROBE: Uint8Array = Uint8Array.of(
  ...[0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00, 0x01, 0x05, 0x01, 0x60, 0x00, 0x01, 0x7b],
  ...[0x03, 0x02, 0x01, 0x00, 0x0a, 0x0a, 0x01, 0x08, 0x00, 0x41, 0x00, 0xfd, 0x0f, 0xfd, 0x62],
  0x0b,
)

let compiled: WasmModule | undefined

/** A fresh instance over `random`, laid out. @throws SimdMissing; a plain Error when a known answer comes out wrong. */
export function instantiate(random: Random): Exports {
  const api = webAssembly()
  if (api === undefined) throw new SimdMissing('there is no WebAssembly here')
  compiled ??= compile(api)
  return instance(api, compiled, random)
}

function instance(api: WebAssemblyApi, module: WasmModule, random: Random): Exports {
  const { exports } = new api.Instance(module, {
    env: {
      entropy(at = 0, length = 0): void {
        const drawn = random(length)
        if (drawn.length !== length) throw new KernelMisuse('bug: too little randomness')
        new Uint8Array(wasm.memory.buffer, at, length).set(drawn)
        drawn.fill(0)
      },
    },
  })
  const wasm = exports as unknown as Exports
  if (wasm.init() !== 1) throw new KernelMisuse('bug: the slots do not fit')
  return wasm
}

/** Once for all instances; the first one only answers what is known, and has its step of a setup compiled by that. */
function compile(api: WebAssemblyApi): WasmModule {
  if (!api.validate(SIMD_PROBE)) throw new SimdMissing('this engine has no WebAssembly SIMD')
  const text = atob(MODULE)
  const bytes = new Uint8Array(text.length)
  for (let at = 0; at < text.length; at++) bytes[at] = text.charCodeAt(at)
  const module = new api.Module(bytes)
  const trial = instance(api, module, (length) => new Uint8Array(length).fill(1))
  const wrong = trial.knownAnswers()
  if (wrong !== 0) throw new Error(`bug: known answer ${wrong} of the kernel is wrong`)
  return module
}
