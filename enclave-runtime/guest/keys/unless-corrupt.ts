import { VaultError } from '../vault/vault-error.ts'

/** What a share's record says; undefined where it cannot be read: that costs its key, not the guest (04 §6). */
export async function unlessCorrupt<T>(read: Promise<T>): Promise<T | undefined> {
  try {
    return await read
  } catch (error) {
    if (error instanceof VaultError && error.code === 'RECORD_CORRUPT') return undefined
    throw error
  }
}
