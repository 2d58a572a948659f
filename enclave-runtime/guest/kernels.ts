import type { Genesis } from '../../protocols/agreement/genesis.ts'
import type { Random } from '../../protocols/crypto/random.ts'
import type { Kernel } from '../../protocols/kernel/kernel.ts'
import { wasmKernel } from '../../protocols/kernel/load.ts'
import { referenceKernel } from '../../protocols/kernel/reference/reference-kernel.ts'
import { SimdMissing } from '../../protocols/kernel/wasm/instantiate.ts'
import { EXIT_CODES, GuestEnd } from './exit-codes.ts'
import { failedSelfTest } from './self-tests.ts'

/** What a guest may compute with (02 §14). */
export interface Kernels {
  /** Undefined where the engine has no WebAssembly SIMD. */
  readonly wasm: Kernel | undefined
  /** A fresh one: for a development network whose operator asks for it. */
  reference(): Kernel
}

/**
 * Made at boot, while there still is WebAssembly (04 §4.1), and tested (04 §1).
 * @throws GuestEnd with exit code 73 when this machine does not compute rightly.
 */
export function bootKernels(random: Random): Kernels {
  const reference = (): Kernel => referenceKernel(random)
  const wasm = wasmOf(random)
  assertRight(wasm ?? reference())
  return { wasm, reference }
}

/**
 * The kernel that hello names. @throws GuestEnd with exit code 73 when it is not here, not for this network, or
 * does not compute rightly.
 */
export function chosenKernel(
  { wasm, reference }: Kernels,
  name: 'wasm' | 'reference',
  genesis: Genesis | null,
): Kernel {
  if (name === 'wasm') {
    if (wasm === undefined) throw new GuestEnd(EXIT_CODES.selfTest, 'SIMD_MISSING')
    return wasm
  }
  if (genesis !== null && genesis.environment !== 'development')
    throw new GuestEnd(EXIT_CODES.selfTest, 'KERNEL_NOT_FOR_PRODUCTION')
  const kernel = reference()
  assertRight(kernel)
  return kernel
}

function wasmOf(random: Random): Kernel | undefined {
  try {
    return wasmKernel(random)
  } catch (cause) {
    if (cause instanceof SimdMissing) return undefined
    throw new GuestEnd(EXIT_CODES.selfTest, 'SELF_TEST_FAILED test=wasm', { cause })
  }
}

function assertRight(kernel: Kernel): void {
  const failed = failedSelfTest(kernel)
  if (failed !== undefined)
    throw new GuestEnd(EXIT_CODES.selfTest, `SELF_TEST_FAILED test=${failed.toLowerCase()}`)
}
