import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Level } from 'level'
import { openLevelStore } from '../../../enclave-runtime/host/level-store.ts'
import { recordStoreSuite } from '../../conformance/record-store.ts'

let made: string[] = []
const folder = async () => {
  const path = await mkdtemp(join(tmpdir(), 'holdfast-store-'))
  made.push(path)
  return path
}
const removeAll = async () => {
  for (const path of made) await rm(path, { recursive: true })
  made = []
}

recordStoreSuite('the LevelDB store', async () => openLevelStore(join(await folder(), 'records')))
after(removeAll)

describe('openLevelStore()', () => {
  it('finds the records again after it was closed', async () => {
    const path = join(await folder(), 'records')
    const first = await openLevelStore(path)
    await first.batch({ puts: [['n/c/0123', Uint8Array.of(1)]], deletes: [] })
    await first.close()
    const second = await openLevelStore(path)
    assert.deepEqual(await second.get('n/c/0123'), Uint8Array.of(1))
    await second.close()
  })

  it('says that the folder is in use, instead of opening it twice', async () => {
    const path = join(await folder(), 'records')
    const first = await openLevelStore(path)
    await assert.rejects(openLevelStore(path), {
      code: 'STORE_IN_USE',
      message: /in use by another process/,
    })
    await first.close()
  })

  it('says what is wrong with a path that is a file', async () => {
    const path = join(await folder(), 'records')
    await writeFile(path, 'not a folder')
    await assert.rejects(openLevelStore(path), { code: 'STORE_FAILED' })
  })

  it('leaves another program’s database alone', async () => {
    for (const name of ['/local/datastore', 'n/c/UPPER', 'zzz']) {
      const path = join(await folder(), 'records')
      const theirs = new Level<string, string>(path)
      await theirs.put('n/c/0123', 'x')
      await theirs.put(name, 'x')
      await theirs.close()
      await assert.rejects(openLevelStore(path), { code: 'STORE_FOREIGN', message: /not a node/ })
      await assert.rejects(openLevelStore(path), { code: 'STORE_FOREIGN' }) // and it is closed again
    }
  })

  it('makes nothing when it is told to find something', async () => {
    const path = join(await folder(), 'records')
    await assert.rejects(openLevelStore(path, { create: false }), { code: 'STORE_FAILED' })
  })
})
