import assert from 'node:assert/strict'
import { mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  findState,
  parseState,
  readState,
  stateFile,
  type Testnet,
  TestnetStateError,
  writeState,
} from '../../../src/testnet/state.ts'

const STATE: Testnet = {
  version: 1,
  networkId: 'ab'.repeat(32),
  threshold: 2,
  nodes: [1, 2, 3].map((node) => ({
    node,
    dir: `/srv/node-${node}`,
    peerId: `12D3KooW${node}`,
    host: node === 1 ? { pid: 100, started: '12345' } : null,
    guest: null,
    rpc: node === 1 ? 'http://127.0.0.1:4000' : null,
  })),
}

describe('the state file of a local network', () => {
  let dir = ''
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'holdfast-state-'))
  })
  afterEach(() => rm(dir, { recursive: true }))

  it('comes back as it was written', async () => {
    await writeState(dir, STATE)
    assert.deepEqual(await readState(dir), STATE)
    assert.deepEqual(await readdir(dir), ['testnet.json'])
    assert.equal((await stat(stateFile(dir))).mode & 0o077, 0)
  })

  it('replaces what was there', async () => {
    await writeState(dir, STATE)
    await writeState(dir, { ...STATE, threshold: 3 })
    assert.equal((await readState(dir)).threshold, 3)
  })

  it('says how to start a network where there is none', async () => {
    assert.equal(await findState(dir), undefined)
    await assert.rejects(readState(dir), /holdfast testnet up --dir/)
  })

  it('refuses a file that is cut off', async () => {
    await writeFile(stateFile(dir), JSON.stringify(STATE).slice(0, -5))
    await assert.rejects(readState(dir), TestnetStateError)
  })

  for (const [what, change] of [
    ['another version', { version: 2 }],
    ['no nodes', { nodes: [] }],
    ['a network id that is none', { networkId: 'x' }],
    ['a setting it does not know', { colour: 'red' }],
    ['a process id that is none', { nodes: [{ ...STATE.nodes[0], host: { pid: -1 } }] }],
  ] as const)
    it(`refuses one with ${what}, and names the place`, () => {
      const text = JSON.stringify({ ...STATE, ...change })
      assert.throws(() => parseState(text, '/srv/testnet.json'), {
        name: 'TestnetStateError',
        message: /\/srv\/testnet\.json is not a state file \(at .+\)/,
      })
    })
})
