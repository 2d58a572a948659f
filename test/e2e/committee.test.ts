import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { recoverMessageAddress } from 'viem'
import { TestnetWorld } from '../../scripts/chaos/testnet-world.ts'
import { EXIT } from '../../src/cli/exit-codes.ts'
import type { OperatorStatus } from '../../src/node/operator/messages.ts'
import type { Account } from '../../src/sdk/verify-account.ts'
import { acceptEverywhere } from '../../src/testnet/change-committee.ts'
import { developerKey, RealNetwork } from '../support/network.ts'

const CLI = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url))
const SETTLE_MS = 120_000
const PASSPHRASE = 'correct horse battery'

interface Ran {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/** Runs `holdfast` as a process of its own. */
const holdfast = (...args: string[]): Promise<Ran> =>
  new Promise((resolve) => {
    execFile(process.execPath, [CLI, ...args], { env: {} }, (error, stdout, stderr) =>
      resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr }),
    )
  })

describe('a committee of five real processes, changed by its operators', function () {
  this.timeout(300_000)

  const key = developerKey()
  let network: RealNetwork
  let world: TestnetWorld
  let account: Account

  before(async () => {
    network = await RealNetwork.create(5, 3)
    await network.start()
    world = new TestnetWorld(network.dir)
    account = await (await network.client(key, 1, 2, 3)).createAccount()
  })
  after(() => network.remove())

  const dirOf = async (node: number): Promise<string> => (await network.node(node)).dir
  const done = async (...args: string[]): Promise<string> => {
    const { code, stdout, stderr } = await holdfast(...args)
    assert.equal(code, 0, stderr)
    return stdout
  }
  const statusOf = async (node: number): Promise<OperatorStatus> =>
    JSON.parse((await holdfast('epoch', 'status', '--dir', await dirOf(node), '--json')).stdout)
  const epochOf = async (node: number): Promise<number> => (await statusOf(node)).epoch?.e ?? -1
  const settled = () => world.settled(AbortSignal.timeout(SETTLE_MS))
  const signs = async (node: number, message: string): Promise<void> => {
    const client = await network.client(key, node)
    const signature = await client.signMessage({ account, message })
    const signer = await recoverMessageAddress({ message, signature: signature as `0x${string}` })
    assert.equal(signer, account.address)
  }

  it('refresh their shares, and sign with the same key', async () => {
    await done('refresh', '--dir', await dirOf(1))
    while ((await epochOf(3)) < 1);
    await settled()
    for (const node of [1, 3, 5]) await signs(node, `refreshed ${node}`)
    const history = await done('epoch', 'history', '--verify', '--dir', await dirOf(4), '--json')
    const { verified, epochs } = JSON.parse(history)
    assert.equal(verified, true)
    assert.deepEqual(
      epochs.map((epoch: { e: number; kind: string }) => [epoch.e, epoch.kind]),
      [
        [0, 'genesis'],
        [1, 'refresh'],
      ],
    )
  })

  it('let a sixth node in, that signs', async () => {
    await done('testnet', 'add-node', '--dir', network.dir)
    await settled()
    assert.equal((await statusOf(6)).me, 6)
    await signs(6, 'newcomer')
  })

  it('remove a member that is lost, with the yes of each operator', async () => {
    await network.kill(5)
    const proposed = await done(
      'epoch',
      'propose',
      'remove',
      '5',
      '--threshold',
      '3',
      '--dir',
      await dirOf(1),
      '--json',
    )
    const { proposalHash } = JSON.parse(proposed)
    const waiting = await holdfast('epoch', 'status', '--dir', await dirOf(2))
    assert.equal(waiting.code, EXIT.needsOperators)
    const digits = proposalHash.slice(0, 8)
    await done('epoch', 'accept', digits, '--yes-digits', digits, '--dir', await dirOf(2))
    await acceptEverywhere(await network.state(), proposalHash, AbortSignal.timeout(SETTLE_MS))
    while ((await epochOf(1)) < 3);
    assert.deepEqual(
      (await statusOf(1)).members.map(({ index }) => index),
      [1, 2, 3, 4, 6],
    )
    await signs(6, 'without the fifth')
  })

  it('have a backup of one node refused once an epoch has followed, and let a member leave', async () => {
    const file = join(network.dir, '..', 'member-2.backup')
    const passphrase = join(network.dir, '..', 'passphrase')
    await writeFile(passphrase, PASSPHRASE, { mode: 0o600 })
    const secret = ['--passphrase-file', passphrase]
    const { rpc } = await network.node(1)
    await done('backup', 'create', '--dir', await dirOf(2), '--out', file, ...secret)
    assert.equal((await stat(file)).mode & 0o777, 0o600)
    assert.doesNotMatch(await readFile(file, 'utf8'), /PRIVATE KEY/)
    await done('backup', 'verify', file, '--rpc', rpc ?? '', ...secret)
    await done('leave', '--dir', await dirOf(6))
    await signs(1, 'without the sixth')
    const refused = await holdfast('backup', 'verify', file, '--rpc', rpc ?? '', ...secret)
    assert.equal(refused.code, EXIT.refused)
    assert.match(refused.stderr, /superseded/)
  })
})
