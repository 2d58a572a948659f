import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Account } from '../../src/sdk/verify-account.ts'
import { hostGuests } from '../support/hosted-guests.ts'
import { developerKey, RealNetwork } from '../support/network.ts'
import { secretsOf } from '../support/open-vault.ts'
import { formsOf, found } from '../support/secret-scan.ts'
import { startWatchedHost } from '../support/watched-host.ts'

describe('shares and root keys', function () {
  this.timeout(240_000)

  const key = developerKey()
  let network: RealNetwork
  let account: Account
  let dir: string
  let secrets: ReadonlyMap<string, Uint8Array>
  /** What the host may know and does know: a scan that works finds it. */
  let control: ReadonlyMap<string, Uint8Array>

  before(async () => {
    network = await RealNetwork.create(3, 2)
    await network.start()
    const client = await network.client(key, 1, 2, 3)
    account = await client.createAccount()
    await client.signMessage({ account, message: 'before' })
    await network.stop()
    dir = (await network.node(1)).dir
    secrets = await secretsOf(dir, Buffer.from(account.keyId, 'hex'))
    control = new Map([['peer key', await readFile(join(dir, 'host/peer.key'))]])
  })

  after(() => network.remove())

  it('are found by the scan wherever they are planted, in each form', () => {
    assert.deepEqual([...secrets.keys()], ['root key', 'epoch secret', 'share'])
    for (const [name, secret] of secrets)
      for (const [form, bytes] of formsOf(secret)) {
        const planted = Buffer.concat([randomBytes(1000), bytes, randomBytes(1000)])
        const hits = found(secrets, planted)
        assert.ok(
          hits.some((hit) => hit.secret === name && hit.form === form),
          `${name} as ${form}`,
        )
      }
  })

  it('are in no file of the data directory, logs and LevelDB included', async () => {
    const entries = await readdir(dir, { recursive: true, withFileTypes: true })
    const files = entries.filter((entry) => entry.isFile())
    let controls = 0
    for (const { parentPath, name } of files) {
      const bytes = await readFile(join(parentPath, name))
      assert.deepEqual(found(secrets, bytes), [], join(parentPath, name))
      controls += found(control, bytes).length
    }
    assert.ok(files.some(({ parentPath }) => parentPath.endsWith('records')))
    assert.ok(files.some(({ name }) => name === 'node.log'))
    assert.ok(controls > 0, 'the scan finds what lies there')
  })

  it('are not in the memory of the host while its guest signs', async () => {
    await network.start([2, 3])
    const host = await startWatchedHost(network, 1)
    try {
      const client = host.client(key)
      for (const nth of [1, 2, 3]) await client.signMessage({ account, message: `watched ${nth}` })

      const snapshot = await host.heapSnapshot()
      assert.deepEqual(found(secrets, snapshot), [])
      assert.ok(snapshot.includes((await network.node(1)).peerId), 'it shows what the host knows')

      const memory = await host.memory()
      if (memory === undefined)
        process.stdout.write('      this machine shows no memory of other processes: heap only\n')
      else {
        const all = new Map([...secrets, ...control])
        const hits = new Set(memory((bytes) => found(all, bytes)).map(({ secret }) => secret))
        assert.deepEqual([...hits], ['peer key'], 'the peer key, and no secret of the guest')
      }
    } finally {
      await host.stop()
      await network.stop()
    }
  })

  it('do not cross the port', async () => {
    const guests = await hostGuests(network)
    try {
      await guests.sign(account, key)
      const traffic = guests.traffic()
      assert.ok(traffic.length > 200_000, 'pair setups and a signature crossed the port')
      assert.deepEqual(found(secrets, traffic), [])
      const named = new Map([['guest key', guests.guestSig]])
      assert.notDeepEqual(found(named, traffic), [], 'the scan finds what does cross')
    } finally {
      await guests.stop()
    }
  })
})
