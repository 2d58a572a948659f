import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DecodeError } from '../../../../protocols/session/codec.ts'
import {
  CommitteeFile,
  decodeMemory,
  encodeMemory,
} from '../../../../src/node/committee/committee-file.ts'
import { ConfigError } from '../../../../src/node/config.ts'

const NETWORK = new Uint8Array(32).fill(1)
const memory = {
  published: Uint8Array.of(1, 2, 3),
  listed: { e: 3, issuedAt: 99 },
  addresses: new Map([
    ['alice', ['/ip4/127.0.0.1/tcp/1']],
    ['bob', []],
  ]),
}

describe('what a host keeps of its committee', () => {
  let folder = ''
  let path = ''
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'holdfast-committee-'))
    path = join(folder, 'committee')
  })
  afterEach(() => rm(folder, { recursive: true }))

  it('is read as it was written, and refused with any byte changed', () => {
    const bytes = encodeMemory(NETWORK, memory)
    assert.deepEqual(decodeMemory(NETWORK, bytes), memory)
    for (let at = 0; at < bytes.length; at++) {
      const other = bytes.with(at, (bytes[at] ?? 0) ^ 0x20)
      try {
        assert.notDeepEqual(decodeMemory(NETWORK, other), memory)
      } catch (error) {
        if (!(error instanceof DecodeError)) throw error
      }
    }
    assert.throws(() => decodeMemory(new Uint8Array(32), bytes), DecodeError)
  })

  it('is there after a restart, every save whole and in order', async () => {
    const file = new CommitteeFile(path, NETWORK)
    assert.deepEqual(await file.load(), { published: null, listed: null, addresses: new Map() })
    await Promise.all([
      file.save({ published: Uint8Array.of(9) }),
      file.save({ listed: memory.listed }),
      file.save({ published: memory.published, addresses: memory.addresses }),
    ])
    assert.deepEqual(await new CommitteeFile(path, NETWORK).load(), memory)
  })

  it('that is damaged or of another network stops the start, and says what to do', async () => {
    await new CommitteeFile(path, NETWORK).save(memory)
    await assert.rejects(new CommitteeFile(path, new Uint8Array(32)).load(), ConfigError)
    const bytes = await readFile(path)
    await writeFile(path, bytes.subarray(0, 20))
    await assert.rejects(new CommitteeFile(path, NETWORK).load(), /put it back from a backup/)
  })

  it('is forgotten with the process where there is no file', async () => {
    const file = new CommitteeFile(undefined, NETWORK)
    await file.save(memory)
    assert.deepEqual(file.memory, memory)
    const again = await new CommitteeFile(undefined, NETWORK).load()
    assert.equal(again.published, null)
  })

  it('holds no more addresses than it could read again', () => {
    const many = new Map(
      Array.from({ length: 100 }, (_, i) => [
        `peer ${i}`,
        Array(20).fill(`/dns4/${'x'.repeat(300)}`),
      ]),
    )
    const read = decodeMemory(NETWORK, encodeMemory(NETWORK, { ...memory, addresses: many }))
    assert.equal(read.addresses.size, 64)
  })
})
