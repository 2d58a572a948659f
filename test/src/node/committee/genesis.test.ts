import assert from 'node:assert/strict'
import type { Libp2p } from '@libp2p/interface'
import { ed25519 } from '@noble/curves/ed25519.js'
import { encodeGenesis, networkIdOf } from '../../../../protocols/agreement/genesis.ts'
import { encodeCanonical } from '../../../../protocols/session/canonical-cbor.ts'
import { FrameChannel } from '../../../../src/node/channels/frame-channel.ts'
import { askGenesis } from '../../../../src/node/committee/ask-committee.ts'
import { COMMITTEE_PROTOCOL } from '../../../../src/node/committee/exchange.ts'
import { serveCommittee } from '../../../../src/node/committee/serve-committee.ts'
import { fetchGenesis, GenesisNotFound } from '../../../../src/node/fetch-genesis.ts'
import { PeerLimits } from '../../../../src/node/limits.ts'
import { silentLog } from '../../../../src/node/log.ts'
import { addressOf, bareHost } from '../support/hosts.ts'
import { testMembers } from '../support/test-network.ts'

/** A host that knows nothing but a genesis file. */
const nothing = {
  newest: () => null,
  cert: async () => null,
  takeJoin: () => false,
  takeLetter: async () => {},
  hint: () => {},
}
const soon = (): AbortSignal => AbortSignal.timeout(5_000)

describe('the genesis file', () => {
  let genesis: Uint8Array
  const nodes: Libp2p[] = []

  before(async () => {
    const members = await testMembers(4, 'genesis')
    const measurement = new Uint8Array(32).fill(1)
    genesis = encodeGenesis({
      name: 'test',
      salt: new Uint8Array(16),
      createdAt: 1_800_000_000_000,
      environment: 'development',
      params: {
        t: 3,
        maxMembers: 16,
        refreshS: 86_400,
        stampS: 3600,
        drainMs: 30_000,
        acceptTtlMs: 60_000,
        attestPolicyHash: null,
        setupsPerHour: 600,
      },
      members: members.map(({ index, guestSig, peerId, seed }) => ({
        index,
        guestSig,
        guestEnc: new Uint8Array(32).fill(index),
        peerId,
        operatorKey: ed25519.getPublicKey(seed),
        measurement,
        evidenceHash: new Uint8Array(32),
        label: `node ${index}`,
      })),
      allow: [measurement],
      protocol: 1,
    })
  })
  afterEach(async () => {
    await Promise.all(nodes.splice(0).map((node) => node.stop()))
  })

  async function serving(bytes: Uint8Array): Promise<{ node: Libp2p; limits: PeerLimits }> {
    const node = await bareHost()
    nodes.push(node)
    const limits = new PeerLimits(
      () => false,
      () => {},
    )
    await serveCommittee(node, { ...nothing, genesis: bytes }, limits, silentLog)
    return { node, limits }
  }

  it('is fetched from the first address that has it, and its hash is checked', async () => {
    const { node: wrong } = await serving(Uint8Array.from(genesis).fill(0, 60, 61))
    const { node: right } = await serving(genesis)
    const dead = '/ip4/127.0.0.1/tcp/1'
    const addresses = [dead, addressOf(wrong).toString(), addressOf(right).toString()]
    assert.deepEqual(await fetchGenesis(networkIdOf(genesis), addresses, soon()), genesis)
  })

  it('of another network is not taken', async () => {
    const { node } = await serving(genesis)
    const other = new Uint8Array(32)
    await assert.rejects(fetchGenesis(other, [addressOf(node).toString()], soon()), GenesisNotFound)
  })

  it('is not given to a request of another form, which counts against its sender', async () => {
    const { node, limits } = await serving(genesis)
    const client = await bareHost()
    nodes.push(client)
    for (let i = 0; i < 3; i++) {
      const channel = new FrameChannel(
        await client.dialProtocol(addressOf(node), COMMITTEE_PROTOCOL),
      )
      await channel.write(encodeCanonical(['genesis', i === 0 ? 2 : 'x'.repeat(i * 100)]))
      await assert.rejects(channel.read(soon()))
    }
    assert.ok(limits.isBlocked(client.peerId.toString()))
    const [connection] = client.getConnections()
    assert.ok(connection)
    await assert.rejects(askGenesis(connection, soon()))
  })
})
