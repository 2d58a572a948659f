import assert from 'node:assert/strict'
import { appendFile, cp, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { openLevelStore } from '../../enclave-runtime/host/level-store.ts'
import type { Row } from '../../enclave-runtime/host/record-store.ts'
import { decodeGenesis, encodeGenesis } from '../../protocols/agreement/genesis.ts'
import { decodeCanonical, encodeCanonical } from '../../protocols/session/canonical-cbor.ts'
import type { Account } from '../../src/sdk/verify-account.ts'
import { childrenOf } from '../../src/testnet/process.ts'
import { developerKey, RealNetwork } from '../support/network.ts'
import { runStart } from '../support/run-start.ts'

const SHARES = 'e/00000001/s/' // class s of epoch 0, made by the first attempt (spec 04 §6)
const CRITICAL = 'n/c/'
const REFUSED = 2
const SEALING = 71
const ROLLBACK = 72

describe('a node that is not as it should be', function () {
  this.timeout(240_000)

  const key = developerKey()
  let network: RealNetwork
  let other: RealNetwork
  let accounts: readonly Account[]
  let dir: string

  before(async () => {
    network = await RealNetwork.create(3, 2)
    other = await RealNetwork.create(3, 2)
    await network.start()
    const client = await network.client(key, 1, 2, 3)
    accounts = [await client.createAccount(), await client.createAccount()]
    await network.stop()
    dir = (await network.node(1)).dir
    await cp(dir, `${dir}.good`, { recursive: true })
  })

  beforeEach(async () => {
    await rm(dir, { recursive: true })
    await cp(`${dir}.good`, dir, { recursive: true })
  })

  afterEach(() => network.stop())

  after(async () => {
    await network.remove()
    await other.remove()
  })

  /** It ends with this code, says this, and leaves no process and no open record store. */
  const refuses = async (expected: number, ...words: readonly RegExp[]): Promise<void> => {
    const { code, said } = await runStart(dir)
    assert.equal(code, expected, said)
    for (const word of words) assert.match(said, word)
    assert.doesNotMatch(said, /\n\s+at /, 'no stack for an operator')
    assert.deepEqual(await childrenOf(process.pid), [])
    await (await openLevelStore(join(dir, 'records'))).close()
  }

  const change = async (prefix: string, edit: (rows: readonly Row[]) => Row[]): Promise<void> => {
    const store = await openLevelStore(join(dir, 'records'))
    const { rows } = await store.scan(prefix, '')
    const own = rows.filter(([name]) => name.startsWith(prefix))
    assert.ok(own.length > 0, `there are records ${prefix}`)
    await store.batch({ puts: edit(own), deletes: [] })
    await store.close()
  }

  const flipped = ([name, record]: Row): Row => [name, record.with(-1, (record.at(-1) ?? 0) ^ 1)]

  it('refuses a genesis file with another threshold: no such network was agreed on', async () => {
    const file = join(dir, 'genesis.cbor')
    const genesis = decodeGenesis(new Uint8Array(await readFile(file)))
    const more = { ...genesis.params, maxMembers: genesis.params.maxMembers - 1 }
    await writeFile(file, encodeGenesis({ ...genesis, params: more }))
    await refuses(REFUSED, /genesis\.cbor is of network/, /put the right one back/)

    // A threshold that no network may have has to be written past the encoder, which refuses it as well.
    const bytes = encodeGenesis(genesis)
    const fields = decodeCanonical(bytes, bytes.length) as unknown[]
    const params = fields.find((field) => Array.isArray(field)) as unknown[]
    params[params.indexOf(genesis.params.t)] = 1
    await writeFile(file, encodeCanonical(fields))
    await refuses(REFUSED, /not a genesis this version accepts/, /threshold/)
  })

  it('refuses a port that something else uses', async () => {
    const server = createServer()
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const address = server.address()
    assert.ok(address !== null && typeof address === 'object')
    const settings = await readFile(join(dir, 'node.toml'), 'utf8')
    await writeFile(
      join(dir, 'node.toml'),
      settings.replace(/(\[rpc\][^[]*?port = )\d+|(\bport = )0\b/, `$1$2${address.port}`),
    )
    await refuses(REFUSED, new RegExp(`port ${address.port} .*used by another program`))
    await new Promise((resolve) => server.close(resolve))
  })

  it('refuses settings that it does not know, all at once', async () => {
    const settings = await readFile(join(dir, 'node.toml'), 'utf8')
    await writeFile(join(dir, 'node.toml'), `colour = "red"\nlisten = "nowhere"\n${settings}`)
    await refuses(REFUSED, /colour/, /listen/)
    await appendFile(join(dir, 'node.toml'), '\n= broken')
    await refuses(REFUSED, /node\.toml/)
  })

  it('refuses the records of another network', async () => {
    const foreign = (await other.node(1)).dir
    await rm(join(dir, 'records'), { recursive: true })
    await cp(join(foreign, 'records'), join(dir, 'records'), { recursive: true })
    await refuses(SEALING, /record/i)
  })

  it('refuses the records of another node of the same network', async () => {
    const neighbour = (await network.node(2)).dir
    await rm(join(dir, 'records'), { recursive: true })
    await cp(join(neighbour, 'records'), join(dir, 'records'), { recursive: true })
    await refuses(SEALING, /record|key/i)
  })

  it('refuses a critical record that was changed, and one that is gone', async () => {
    await change(CRITICAL, (rows) => rows.map(flipped))
    await refuses(ROLLBACK, /./)
    await rm(dir, { recursive: true })
    await cp(`${dir}.good`, dir, { recursive: true })
    const store = await openLevelStore(join(dir, 'records'))
    const { rows } = await store.scan(CRITICAL, '')
    const [first] = rows.filter(([name]) => name.startsWith(CRITICAL))
    await store.batch({ puts: [], deletes: [first?.[0] ?? ''] })
    await store.close()
    await refuses(ROLLBACK, /./)
  })

  it('refuses to begin anew where its records should be', async () => {
    await rename(join(dir, 'records'), join(dir, 'elsewhere'))
    const { code, said } = await runStart(dir)
    assert.notEqual(code, 0)
    assert.match(said, /records/)
  })

  for (const [what, edit] of [
    ['a share that was changed', (rows: readonly Row[]) => rows.map(flipped)],
    [
      'shares of two keys in each other’s place',
      (rows: readonly Row[]) =>
        rows.map(([name], at): Row => [name, (rows[(at + 1) % rows.length] as Row)[1]]),
    ],
  ] as const)
    it(`does not sign with ${what}; the others do, and nothing is lost`, async () => {
      await change(SHARES, edit)
      await network.start()
      const [account] = accounts as [Account]
      const through = await network.client(key, 1)
      await through.signMessage({ account, message: 'the others sign' })
      await network.kill(3)
      await assert.rejects(
        (await network.client(key, 2)).signMessage(
          { account, message: 'node 1 cannot' },
          { deadlineMs: 20_000 },
        ),
      )
      await network.stop()

      await rm(dir, { recursive: true })
      await cp(`${dir}.good`, dir, { recursive: true })
      await network.start([1, 2])
      const restored = await network.client(key, 1)
      for (const account of accounts)
        await restored.signMessage({ account, message: 'node 1 can again' })
      await network.stop()
    })
})
