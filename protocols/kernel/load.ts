import type { Random } from '../crypto/random.ts'
import { type Kernel, KernelMisuse } from './kernel.ts'
import { Core } from './wasm/core.ts'
import { instantiate } from './wasm/instantiate.ts'
import { pairOperations } from './wasm/pair-operations.ts'
import { publicOperations } from './wasm/public-operations.ts'
import { sharingOperations } from './wasm/sharing-operations.ts'
import { signingOperations } from './wasm/signing-operations.ts'

/**
 * The kernel in WebAssembly (02 §14): every operation gives, byte for byte, what the reference gives for the
 * same randomness. Each kernel has a memory of its own.
 * @throws SimdMissing where the engine cannot run it.
 */
export function wasmKernel(random: Random): Kernel {
  const wasm = instantiate(random)
  const core = new Core(wasm)
  return {
    name: 'wasm',
    ...pairOperations(core),
    ...signingOperations(core),
    ...sharingOperations(core),
    ...publicOperations(core),

    wipe(handle) {
      const whole = handle >>> 0 === handle
      if (!whole || wasm.wipe(handle) !== 1) throw new KernelMisuse('bug: stale handle')
    },
    wipeAll: () => wasm.wipeAll(),
    get held() {
      return wasm.heldCount()
    },
  }
}
