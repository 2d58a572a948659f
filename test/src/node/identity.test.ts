import assert from 'node:assert/strict'
import { chmod, mkdtemp, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createPeerSeed, peerNameOf, readPeerSeed } from '../../../src/node/identity.ts'

describe('the peer key', () => {
  let folder: string
  let path: string
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'holdfast-peer-'))
    path = join(folder, 'peer.key')
  })
  afterEach(() => rm(folder, { recursive: true }))

  it('gives the same peer id after every start, and is readable by its owner only', async () => {
    const name = await createPeerSeed(path)
    assert.equal((await stat(path)).mode & 0o777, 0o600)
    const seed = await readPeerSeed(path)
    assert.equal(seed.length, 32)
    assert.equal(await peerNameOf(seed), name)
  })

  it('is never replaced', async () => {
    await createPeerSeed(path)
    await assert.rejects(createPeerSeed(path), /EEXIST/)
  })

  it('is refused when others may read it, and when it is no seed', async () => {
    await createPeerSeed(path)
    await chmod(path, 0o640)
    await assert.rejects(readPeerSeed(path), /0600/)
    await writeFile(path, new Uint8Array(31))
    await chmod(path, 0o600)
    await assert.rejects(readPeerSeed(path), /32 bytes/)
  })
})
