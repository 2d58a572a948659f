import { wasmKernel } from '../../../../protocols/kernel/load.ts'
import { kernelSuite } from '../../../conformance/kernel.ts'

kernelSuite('wasm', wasmKernel)
