import { MemoryRecordStore } from '../../../enclave-runtime/host/memory-store.ts'
import { recordStoreSuite } from '../../conformance/record-store.ts'

recordStoreSuite('MemoryRecordStore', async () => new MemoryRecordStore())
