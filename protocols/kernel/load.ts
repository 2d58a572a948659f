import type { Random } from '../crypto/random.ts'
import { type Kernel, KernelMisuse } from './kernel.ts'
import { Core } from './wasm/core.ts'
import type { Exports } from './wasm/exports.ts'
import { instantiate } from './wasm/instantiate.ts'
import { oracleOf } from './wasm/oracle.ts'
import { pairOperations } from './wasm/pair-operations.ts'
import { publicOperations } from './wasm/public-operations.ts'
import { sharingOperations } from './wasm/sharing-operations.ts'
import { signingOperations } from './wasm/signing-operations.ts'

/**
 * The kernel in WebAssembly (02 §14), the same module in Node, in the guest's one file and in browsers: every
 * operation gives, byte for byte, what the reference gives for the same randomness. Each kernel has a memory of
 * its own, of 8 MiB.
 * @throws SimdMissing where the engine cannot run it.
 */
export const wasmKernel = (random: Random): Kernel => kernelOf(instantiate(random))

/** The operations over one instance. */
export function kernelOf(wasm: Exports): Kernel {
  const core = new Core(wasm)
  return {
    name: 'wasm',
    ...pairOperations(core),
    ...signingOperations(core),
    ...sharingOperations(core),
    ...publicOperations(core),
    oracle: oracleOf(core),

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
