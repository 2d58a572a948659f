import { referenceKernel } from '../../../../protocols/kernel/reference/reference-kernel.ts'
import { kernelSuite } from '../../../conformance/kernel.ts'

kernelSuite('reference', referenceKernel)
