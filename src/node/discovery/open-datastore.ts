import { readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { LevelDatastore } from 'datastore-level'

/** Above it libp2p's store is wiped at start: strangers fill it, and all of it can be learnt again (07 §2.3). */
const MAX_BYTES = 64 << 20

/** Opens libp2p's own LevelDB, which is never that of the sealed records. */
export async function openDatastore(path: string): Promise<LevelDatastore> {
  if ((await bytesIn(path)) > MAX_BYTES) await rm(path, { recursive: true })
  const store = new LevelDatastore(path)
  await store.open()
  return store
}

async function bytesIn(path: string): Promise<number> {
  let names: string[]
  try {
    names = await readdir(path)
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return 0
    throw error
  }
  const files = await Promise.all(names.map((name) => stat(join(path, name))))
  return files.reduce((sum, { size }) => sum + size, 0)
}
