import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { ed25519, x25519 } from '@noble/curves/ed25519.js'
import type { MemberFields } from '../../../enclave-runtime/host/guest.ts'
import { adoptGenesis } from '../../../src/node/adopt-genesis.ts'
import { assembleGenesis, type GenesisPlan } from '../../../src/node/assemble-genesis.ts'
import { ConfigError, readConfig } from '../../../src/node/config.ts'
import { createPeerSeed } from '../../../src/node/identity.ts'
import { silentLog } from '../../../src/node/log.ts'
import { formatMemberFile, parseMemberFile } from '../../../src/node/member-file.ts'
import { createNode } from '../../../src/node/node.ts'
import { nodeFiles } from '../../../src/node/node-files.ts'
import { seeded } from '../../support/seeded.ts'

const SETTINGS = 'allowPlain = true\n[rpc]\nport = 0\n'

const random = seeded('node')
const memberOf = (peerId: string, label: string): MemberFields => ({
  guestSig: ed25519.getPublicKey(random(32)),
  guestEnc: x25519.getPublicKey(random(32)),
  peerId,
  operatorKey: ed25519.getPublicKey(random(32)),
  measurement: new Uint8Array(32).fill(7),
  evidenceHash: new Uint8Array(32),
  label,
})

describe('createNode()', () => {
  let root = ''
  let dir = ''
  let members: MemberFields[] = []
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'holdfast-node-'))
    dir = join(root, 'node')
    const files = nodeFiles({ dir, dataDir: dir })
    await mkdir(dirname(files.peerKey), { recursive: true })
    const operator = generateKeyPairSync('ed25519')
    const operatorKey = new Uint8Array(
      operator.publicKey.export({ type: 'spki', format: 'der' }).subarray(-32),
    )
    await writeFile(
      files.operatorKey,
      operator.privateKey.export({ type: 'pkcs8', format: 'pem' }),
      { mode: 0o600 },
    )
    const mine = { ...memberOf(await createPeerSeed(files.peerKey), 'mine'), operatorKey }
    const others = await Promise.all(
      ['a', 'b'].map(async (name) => memberOf(await createPeerSeed(join(root, name)), name)),
    )
    members = [mine, ...others]
    await writeFile(files.member, formatMemberFile(mine))
    await writeFile(files.config, SETTINGS)
  })
  afterEach(() => rm(root, { recursive: true }))

  const genesis = (change: Partial<GenesisPlan> = {}): Uint8Array =>
    assembleGenesis({
      name: 'test',
      members,
      threshold: 2,
      environment: 'development',
      salt: random(16),
      createdAt: 1_800_000_000_000,
      ...change,
    }).file

  /** The problems that keep the node from starting. Nothing may have been started or written for it. */
  const problems = async (env: Record<string, string> = {}): Promise<readonly string[]> => {
    const before = (await readdir(dir, { recursive: true })).toSorted()
    const config = await readConfig(dir, env)
    let found: readonly string[] = []
    await assert.rejects(createNode(config, silentLog), (error) => {
      assert.ok(error instanceof ConfigError, String(error))
      found = error.problems
      return true
    })
    assert.deepEqual((await readdir(dir, { recursive: true })).toSorted(), before)
    return found
  }
  const oneOf = (found: readonly string[], says: RegExp): void =>
    assert.equal(found.filter((problem) => says.test(problem)).length, 1, found.join('\n'))

  it('says how to get a genesis where there is none', async () => {
    oneOf(await problems(), /there is no .*genesis\.cbor.*holdfast genesis adopt/)
  })

  it('refuses a genesis that is cut off, and a file that is none', async () => {
    const { genesis: path } = nodeFiles({ dir, dataDir: dir })
    await writeFile(path, genesis().subarray(0, 100))
    oneOf(await problems(), /genesis\.cbor is not a genesis/)
    await writeFile(path, 'hello')
    oneOf(await problems(), /genesis\.cbor is not a genesis/)
  })

  it('refuses the genesis of another network than the one node.toml names', async () => {
    await adoptGenesis(dir, genesis())
    await writeFile(nodeFiles({ dir, dataDir: dir }).genesis, genesis())
    oneOf(await problems(), /is of network .* node\.toml says networkId/)
  })

  it('refuses a genesis it is not in', async () => {
    const strangers = await Promise.all(
      ['c', 'd', 'e'].map(async (name) => memberOf(await createPeerSeed(join(root, name)), name)),
    )
    await writeFile(nodeFiles({ dir, dataDir: dir }).genesis, genesis({ members: strangers }))
    oneOf(await problems(), /is not a member of the network/)
  })

  it('refuses a guest bundle that the network does not allow', async () => {
    await adoptGenesis(dir, genesis())
    oneOf(await problems(), /is not allowed by genesis\.cbor/)
  })

  it('keeps the reference kernel and unsealed requests out of production networks', async () => {
    await adoptGenesis(dir, genesis({ environment: 'production' }))
    const found = await problems({ HOLDFAST_KERNEL: 'reference' })
    oneOf(found, /kernel = "reference" is for development networks/)
    oneOf(found, /allowPlain is for development networks/)
    oneOf(found, /starts its guest without a sandbox/)
  })

  it('refuses a peer key that others can read, and one that is missing', async () => {
    await adoptGenesis(dir, genesis())
    const { peerKey } = nodeFiles({ dir, dataDir: dir })
    await rm(peerKey)
    oneOf(await problems(), /there is no .*peer\.key/)
    await writeFile(peerKey, random(32), { mode: 0o644 })
    oneOf(await problems(), /readable by its owner only/)
  })

  it('does not begin anew where the records of its shares are missing', async () => {
    await adoptGenesis(dir, genesis())
    oneOf(await problems(), /there is no .*records\/CURRENT: the sealed records .* are missing/)
  })

  it('names a used port, the setting it came from, and what to do', async () => {
    await adoptGenesis(dir, genesis())
    const server = createServer()
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    try {
      const { port } = server.address() as AddressInfo
      const found = await problems({
        HOLDFAST_RPC_PORT: String(port),
        HOLDFAST_LISTEN: `/ip4/127.0.0.1/tcp/${port}`,
      })
      oneOf(found, new RegExp(`port ${port} of 127.0.0.1 \\(rpc\\) is used.*choose another port`))
      oneOf(found, new RegExp(`port ${port} of 127.0.0.1 \\(listen .*\\) is used`))
    } finally {
      server.close()
    }
  })

  it('reports everything that is wrong at once', async () => {
    const { peerKey } = nodeFiles({ dir, dataDir: dir })
    await rm(peerKey)
    const found = await problems()
    oneOf(found, /there is no .*genesis\.cbor/)
    oneOf(found, /there is no .*peer\.key/)
  })
})

describe('the genesis of a new network', () => {
  it('is refused with the broken rule in words', async () => {
    const member = memberOf('12D3KooWEyoppNCUx8Yx66oV9fJnriXwCcXwDDUA2kj6vnc6iDEp', 'x')
    assert.throws(
      () =>
        assembleGenesis({
          name: 'test',
          members: [member, member],
          threshold: 2,
          environment: 'development',
          salt: random(16),
          createdAt: 0,
        }),
      { name: 'ConfigError', message: /2 members/ },
    )
  })

  it('reads member files back as they were written, and nothing else', () => {
    const member = memberOf('12D3KooWEyoppNCUx8Yx66oV9fJnriXwCcXwDDUA2kj6vnc6iDEp', 'one')
    const text = formatMemberFile(member)
    assert.deepEqual(parseMemberFile(text, 'm'), member)
    assert.throws(() => parseMemberFile(text.slice(1), 'm'), /m is not JSON/)
    assert.throws(() => parseMemberFile(text.replace('"label"', '"lable"'), 'm'), ConfigError)
    assert.throws(
      () => parseMemberFile(text.replace('guestSig": "', 'guestSig": "x'), 'm'),
      /guestSig/,
    )
  })
})
