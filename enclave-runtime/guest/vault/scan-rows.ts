import type { SealedRow, SealedStore } from './sealed-store.ts'
import { VaultError } from './vault-error.ts'

/**
 * Every row whose name starts with `prefix`, page by page. The store lies if it does not give them in order of their
 * names, or without end. Throws `VaultError` RECORD_CORRUPT.
 */
export async function* scanRows(
  store: SealedStore,
  prefix: string,
  most: number,
): AsyncGenerator<readonly SealedRow[]> {
  let [after, count] = ['', 0]
  for (let more = true; more; ) {
    const page = await store.scan(prefix, after)
    for (const [name] of page.rows) {
      if (!name.startsWith(prefix) || name <= after)
        throw new VaultError('RECORD_CORRUPT', 'the store gives rows out of order')
      after = name
    }
    count += page.rows.length
    more = page.more
    if ((more && page.rows.length === 0) || count > most)
      throw new VaultError('RECORD_CORRUPT', 'the store gives rows without end')
    yield page.rows
  }
}
