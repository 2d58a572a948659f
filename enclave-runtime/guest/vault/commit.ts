import type { SealedRow, SealedStore } from './sealed-store.ts'
import { VaultError } from './vault-error.ts'

export const MAX_BATCH_ROWS = 256 // of one question to the store (04 §2)
const MAX_BATCH_BYTES: number = 1024 * 1024

/** All of it or nothing, durable when it resolves. Throws `VaultError` STORE_FAILED; larger batches than the store takes are a defect. */
export async function commit(
  store: SealedStore,
  puts: readonly SealedRow[],
  deletes: readonly string[],
): Promise<void> {
  const size = puts.reduce((sum, [, record]) => sum + record.length, 0)
  if (puts.length > MAX_BATCH_ROWS || deletes.length > MAX_BATCH_ROWS || size > MAX_BATCH_BYTES)
    throw new Error(`bug: a batch of ${puts.length} records, ${size} bytes`)
  try {
    await store.batch({ puts, deletes })
  } catch (cause) {
    throw new VaultError('STORE_FAILED', 'the store did not take a write', { cause })
  }
}
