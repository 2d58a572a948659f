import assert from 'node:assert/strict'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type { Libp2p } from '@libp2p/interface'
import { EpochCert } from '../../../../protocols/agreement/objects/certificates.ts'
import { bootstrapJoin, type JoinedNetwork } from '../../../../src/node/bootstrap-join.ts'
import { CommitteeFile } from '../../../../src/node/committee/committee-file.ts'
import { type JoinRefusal, JoinRefused } from '../../../../src/node/committee/fetch-network.ts'
import {
  type CommitteeSource,
  serveCommittee,
} from '../../../../src/node/committee/serve-committee.ts'
import { ConfigError, readConfig } from '../../../../src/node/config.ts'
import { createPeerSeed } from '../../../../src/node/identity.ts'
import { PeerLimits } from '../../../../src/node/limits.ts'
import { silentLog } from '../../../../src/node/log.ts'
import { formatMemberFile } from '../../../../src/node/member-file.ts'
import { nodeFiles } from '../../../../src/node/node-files.ts'
import { preflight } from '../../../../src/node/preflight.ts'
import { exampleFirst, TIME } from '../../../protocols/agreement/example-epochs.ts'
import { exampleMember } from '../../../protocols/agreement/example-genesis.ts'
import { addressOf, bareHost } from '../support/hosts.ts'
import { first, networkId, publishedOf, second, third, twin } from '../support/published.ts'

const NOW = TIME + 3_600_000
const certs = [first, second, third].map(({ cert }) => EpochCert.encode(cert))

/** A member of the network of the examples, as far as strangers see it. */
const source: CommitteeSource = {
  genesis: first.genesis,
  newest: () => publishedOf(third, NOW),
  cert: async (e) => certs[e] ?? null,
  takeJoin: () => false,
  takeLetter: async () => {},
  hint: () => {},
}

describe('joining a network on a fresh machine', function () {
  this.timeout(30_000)
  let dir = ''
  const nodes: Libp2p[] = []

  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'holdfast-join-'))
    await writeFile(
      join(dir, 'node.toml'),
      'allowPlain = true\nbootstrap = ["/ip4/127.0.0.1/tcp/9"]\n[rpc]\nport = 0\n',
    )
  })
  afterEach(async () => {
    await Promise.all(nodes.splice(0).map((node) => node.stop()))
    await rm(dir, { recursive: true })
  })

  async function serving(change: Partial<CommitteeSource> = {}, node?: Libp2p): Promise<string> {
    const host = node ?? (await bareHost())
    nodes.push(host)
    const limits = new PeerLimits(
      () => false,
      () => {},
    )
    await serveCommittee(host, { ...source, ...change }, limits, silentLog)
    return addressOf(host).toString()
  }
  const joined = (address: string, signal = AbortSignal.timeout(20_000)): Promise<JoinedNetwork> =>
    bootstrapJoin(
      dir,
      { networkId, multiaddr: address },
      { signal, log: silentLog, now: () => NOW, firstRetryMs: 20 },
    )
  const files = () => nodeFiles({ dir, dataDir: dir })
  const refuses = async (code: JoinRefusal, change: Partial<CommitteeSource>): Promise<void> => {
    const address = await serving(change)
    await assert.rejects(joined(address), (error: unknown) => {
      assert.ok(error instanceof JoinRefused, String(error))
      assert.equal(error.code, code, error.message)
      return true
    })
    await assert.rejects(readFile(files().genesis), { code: 'ENOENT' }) // nothing was written
  }

  it('verifies the chain from the id alone, and keeps genesis, newest committee and address', async () => {
    const address = await serving()
    const network = await joined(address)
    assert.deepEqual([network.e, network.t, network.members.length], [2, 3, 5])
    assert.deepEqual(new Uint8Array(await readFile(files().genesis)), first.genesis)
    const config = await readConfig(dir, {})
    assert.equal(config.networkId, Buffer.from(networkId).toString('hex'))
    assert.deepEqual(config.bootstrap, ['/ip4/127.0.0.1/tcp/9', address])
    const { published } = await new CommitteeFile(files().committee, networkId).load()
    assert.deepEqual(published, publishedOf(third, NOW))
    assert.equal((await joined(address)).e, 2) // again is the same
  })

  it('takes a committee one epoch behind its chain: the root key may still be signing', async () => {
    assert.equal((await joined(await serving({ newest: () => publishedOf(second, NOW) }))).e, 2)
  })

  it('dials until somebody answers', async () => {
    const host = await bareHost()
    const address = addressOf(host).toString()
    const waiting = joined(address) // nobody serves there yet
    await new Promise((resolve) =>
      host.addEventListener('connection:close', resolve, { once: true }),
    )
    await serving({}, host)
    assert.equal((await waiting).e, 2)
  })

  it('ends at the signal', async () => {
    const ending = new AbortController()
    const waiting = joined('/ip4/127.0.0.1/tcp/1', ending.signal)
    setTimeout(() => ending.abort(new Error('enough')), 50)
    await assert.rejects(waiting, /enough|abort/i)
  })

  it('refuses the genesis file of another network', async () => {
    await refuses('other-network', { genesis: exampleFirst(4, 3).genesis })
  })

  it('refuses a network without an epoch', () => refuses('no-epoch', { cert: async () => null }))

  const altered: readonly [what: string, certs: readonly Uint8Array[]][] = [
    ['a byte of a signature', [certs[0], flipped(certs[1]), certs[2]] as Uint8Array[]],
    ['an epoch left out', [certs[0], certs[2]] as Uint8Array[]],
    ['an epoch twice', [certs[0], certs[0]] as Uint8Array[]],
    [
      'another epoch 1 before it',
      [certs[0], EpochCert.encode(twin.cert), certs[2]] as Uint8Array[],
    ],
    ['a certificate of another network', [EpochCert.encode(exampleFirst(4, 3).cert)]],
    ['bytes that are none', [certs[0], new Uint8Array(200)] as Uint8Array[]],
  ]
  for (const [what, given] of altered)
    it(`refuses a chain with ${what}`, () =>
      refuses('altered-chain', { cert: async (e) => given[e] ?? null }))

  const unbelieved: readonly [what: string, newest: () => Uint8Array | null][] = [
    ['no newest committee', () => null],
    ['a stamp that ended', () => publishedOf(third, NOW - 3 * 3_600_000)],
    ['a committee two epochs behind', () => publishedOf(first, NOW)],
    ['a committee that is not of the chain', () => publishedOf(twin, NOW)],
    ['bytes that are none', () => new Uint8Array(9)],
  ]
  for (const [what, newest] of unbelieved)
    it(`refuses to start from ${what}`, () => refuses('stale', { newest }))

  it('takes no node away from another network', async () => {
    const toml = await readFile(join(dir, 'node.toml'), 'utf8')
    await writeFile(join(dir, 'node.toml'), `networkId = "${'ab'.repeat(32)}"\n${toml}`)
    await assert.rejects(joined('/ip4/127.0.0.1/tcp/1'), ConfigError)
  })

  it('makes a node that may start though no genesis names it; without it, it may not', async () => {
    const { index: _, evidenceHash, ...fields } = exampleMember(9)
    const peerKey = files().peerKey
    await mkdir(dirname(peerKey), { recursive: true })
    const peerId = await createPeerSeed(peerKey)
    await writeFile(files().member, formatMemberFile({ ...fields, evidenceHash, peerId }))
    await joined(await serving())
    const problems = async (): Promise<string> => {
      try {
        await preflight(await readConfig(dir, {}))
      } catch (error) {
        assert.ok(error instanceof ConfigError)
        return error.problems.join('\n')
      }
      return ''
    }
    assert.doesNotMatch(await problems(), /not a member/)
    await rm(files().committee)
    assert.match(await problems(), /not a member of the network in genesis\.cbor/)
  })
})

function flipped(bytes: Uint8Array | undefined): Uint8Array {
  assert.ok(bytes)
  return bytes.with(bytes.length - 40, (bytes[bytes.length - 40] ?? 0) ^ 1)
}
