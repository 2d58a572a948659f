import type { EpochFile } from '../../../enclave-runtime/sealing/software-backend.ts'
import { EPOCH_FILE_BYTES } from '../../../enclave-runtime/sealing/software-backend.ts'

/** The epoch file of a device that is only memory; `bytes` is what a thief of the disk would see. */
export class MemoryEpochFile implements EpochFile {
  readonly bytes: Uint8Array

  constructor(bytes: Uint8Array = new Uint8Array(EPOCH_FILE_BYTES)) {
    this.bytes = bytes
  }

  size(): number {
    return this.bytes.length
  }

  read(at: number, length: number): Uint8Array {
    return this.bytes.slice(at, at + length)
  }

  write(at: number, bytes: Uint8Array): void {
    this.bytes.set(bytes, at)
  }
}
