import type { Random } from '../../crypto/random.ts'
import { KernelMisuse } from '../kernel.ts'
import type { Exports } from './exports.ts'
import { MODULE } from './module.ts'
import { type WasmModule, webAssembly } from './web-assembly.ts'

/** This engine has no WebAssembly with SIMD, or it was given up already: nothing here runs on it (02 §14). */
export class SimdMissing extends Error {
  override readonly name = 'SimdMissing'
}

let compiled: WasmModule | undefined

/** A fresh instance over `random`, laid out. Throws `SimdMissing`. */
export function instantiate(random: Random): Exports {
  const api = webAssembly()
  if (api === undefined) throw new SimdMissing('there is no WebAssembly here')
  compiled ??= compile(api)
  const { exports } = new api.Instance(compiled, {
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

function compile(api: NonNullable<ReturnType<typeof webAssembly>>): WasmModule {
  const bytes = Uint8Array.from(atob(MODULE), (character) => character.charCodeAt(0))
  if (!api.validate(bytes)) throw new SimdMissing('this engine has no WebAssembly SIMD')
  return new api.Module(bytes)
}
