import { kernelSuite } from '../../../conformance/kernel.ts'
import { twinKernel } from '../../../support/twin-kernel.ts'

kernelSuite('wasm and reference, compared at every operation,', twinKernel)
