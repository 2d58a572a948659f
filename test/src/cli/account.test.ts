import assert from 'node:assert/strict'
import { chmod, mkdir, mkdtemp, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { AccountFile } from '../../../src/cli/account-file.ts'
import type { SignWhat } from '../../../src/cli/actions.ts'
import { EXIT } from '../../../src/cli/exit-codes.ts'
import { type Testnet, writeState } from '../../../src/testnet/state.ts'
import { runWith } from './fake-context.ts'

const ACCOUNT: AccountFile = {
  version: 1,
  networkId: 'ab'.repeat(32),
  accountId: '3f0cf3c1-1f1a-8f43-9f65-f6a0e5a3c001',
  address: '0x1111111111111111111111111111111111111111',
  keyId: 'cd'.repeat(32),
  publicKey: `02${'ef'.repeat(32)}`,
  credential: { alg: 'ES256', privateKey: 'AAAA' },
}
const RPC = 'http://127.0.0.1:4567'

describe('account create and sign', () => {
  let home = ''
  beforeEach(async () => {
    home = await mkdtemp(join(tmpdir(), 'holdfast-home-'))
  })
  afterEach(() => rm(home, { recursive: true }))

  const create = (...args: string[]) =>
    runWith(
      ['account', 'create', '--json', ...args],
      { createAccount: async () => ACCOUNT },
      { home },
    )
  const signed: { nodes: readonly string[]; account: AccountFile; what: SignWhat }[] = []
  const sign = (...args: string[]) => {
    signed.length = 0
    return runWith(
      ['sign', ...args],
      {
        sign: async (nodes, account, what) => {
          signed.push({ nodes, account, what })
          return '0xsigned'
        },
      },
      { home, stdin: async () => '{"from":"stdin"}' },
    )
  }

  it('prints the account and keeps its key in a file that only its owner can read', async () => {
    const { code, json } = await create('--rpc', RPC)
    assert.equal(code, 0)
    const keyFile = join(home, 'accounts', `${ACCOUNT.accountId}.json`)
    const { accountId, address, keyId, publicKey, networkId } = ACCOUNT
    assert.deepEqual(json(), { accountId, address, keyId, publicKey, networkId, keyFile })
    assert.equal((await stat(keyFile)).mode & 0o777, 0o600)
    assert.deepEqual(JSON.parse(await readFile(keyFile, 'utf8')), ACCOUNT)
  })

  it('never prints the private key', async () => {
    const { stdout, stderr } = await create('--rpc', RPC)
    assert.ok(!stdout.includes(ACCOUNT.credential.privateKey) && stderr === '')
  })

  it('never replaces a key file', async () => {
    await create('--rpc', RPC)
    const { code, stderr } = await create('--rpc', RPC)
    assert.equal(code, EXIT.failed)
    assert.match(stderr, /EEXIST/)
  })

  it('lets sign find the key by itself, also one that was made with --dir', async () => {
    const dir = join(home, 'elsewhere')
    assert.equal((await create('--rpc', RPC, '--dir', dir)).code, 0)
    const { code, stdout } = await sign(
      'message',
      'hi',
      '--account',
      ACCOUNT.accountId,
      '--rpc',
      RPC,
    )
    assert.equal(code, 0)
    assert.equal(stdout, '0xsigned\n')
    assert.deepEqual(signed, [
      { nodes: [RPC], account: ACCOUNT, what: { kind: 'message', data: '0x6869' } },
    ])
  })

  it('finds a key file by its name', async () => {
    const { json } = await create('--rpc', RPC, '--dir', join(home, 'a'))
    const file = String(json()['keyFile'])
    await rm(join(home, 'accounts'), { recursive: true })
    const args = ['--account', ACCOUNT.accountId, '--rpc', RPC]
    assert.equal((await sign('message', 'x', ...args)).code, EXIT.refused)
    assert.equal((await sign('message', 'x', ...args, '--key-file', file)).code, 0)
  })

  it('refuses a key file that others can read, and says what to do', async () => {
    const { json } = await create('--rpc', RPC)
    await chmod(String(json()['keyFile']), 0o644)
    const { code, stderr } = await sign('message', 'x', '--account', ACCOUNT.accountId)
    assert.equal(code, EXIT.refused)
    assert.match(stderr, /chmod 600/)
    assert.deepEqual(signed, [])
  })

  it('refuses an account id that is none', async () => {
    const { code } = await sign('message', 'x', '--account', '../../etc/passwd')
    assert.equal(code, EXIT.refused)
  })

  it('takes bytes, typed data and transactions as text or from standard input', async () => {
    await create('--rpc', RPC)
    const args = ['--account', ACCOUNT.accountId, '--rpc', RPC, '--json']
    const message = await sign('message', '0xAb01', ...args)
    assert.deepEqual(message.json(), {
      accountId: ACCOUNT.accountId,
      address: ACCOUNT.address,
      signature: '0xsigned',
    })
    assert.deepEqual(signed[0]?.what, { kind: 'message', data: '0xAb01' })
    await sign('typed-data', '{"types":{}}', ...args)
    assert.deepEqual(signed[0]?.what, { kind: 'typed-data', json: '{"types":{}}' })
    const transaction = await sign('transaction', '-', ...args)
    assert.deepEqual(signed[0]?.what, { kind: 'transaction', transaction: { from: 'stdin' } })
    assert.equal(transaction.json()['rawTransaction'], '0xsigned')
  })

  it('refuses what is neither JSON nor a file', async () => {
    await create('--rpc', RPC)
    const { code, stderr } = await sign('typed-data', '/no/such', '--account', ACCOUNT.accountId)
    assert.equal(code, EXIT.refused)
    assert.match(stderr, /neither JSON nor a file/)
  })

  it('asks the nodes of a local network when only its directory is named', async () => {
    await create('--rpc', RPC)
    const dir = join(home, 'testnet')
    const node = { dir: '/n', peerId: 'p', host: null, guest: null }
    const state: Testnet = {
      version: 1,
      networkId: 'ab'.repeat(32),
      threshold: 2,
      nodes: [
        { ...node, node: 1, rpc: 'http://127.0.0.1:1' },
        { ...node, node: 2, rpc: null },
        { ...node, node: 3, rpc: 'http://127.0.0.1:3' },
      ],
    }
    await mkdir(dir)
    await writeState(dir, state)
    await sign('message', 'x', '--account', ACCOUNT.accountId, '--dir', dir)
    assert.deepEqual(signed[0]?.nodes, ['http://127.0.0.1:1', 'http://127.0.0.1:3'])
    await sign('message', 'x', '--account', ACCOUNT.accountId) // the default one under home
    assert.deepEqual(signed[0]?.nodes, ['http://127.0.0.1:1', 'http://127.0.0.1:3'])
  })

  it('asks the default port where nothing else is known', async () => {
    await create('--rpc', RPC)
    await sign('message', 'x', '--account', ACCOUNT.accountId)
    assert.deepEqual(signed[0]?.nodes, ['http://127.0.0.1:9545'])
  })
})
