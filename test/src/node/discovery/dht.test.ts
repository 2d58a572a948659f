import assert from 'node:assert/strict'
import { noise } from '@chainsafe/libp2p-noise'
import { identify } from '@libp2p/identify'
import type { Libp2p } from '@libp2p/interface'
import { type KadDHT, kadDHT, passthroughMapper, type ValidateFn } from '@libp2p/kad-dht'
import { type Ping, ping } from '@libp2p/ping'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { createLibp2p } from 'libp2p'
import { sameBytes } from '../../../../protocols/agreement/compare-bytes.ts'
import { dhtDirectory, tableSize } from '../../../../src/node/discovery/dht-directory.ts'
import { DirectoryError, type SignedRecord } from '../../../../src/node/discovery/directory.ts'
import { nodeRecordKey, nodeRecordVerifier } from '../../../../src/node/discovery/node-records.ts'
import { keyBytes, RecordMemory } from '../../../../src/node/discovery/record-memory.ts'
import { silentLog } from '../../../../src/node/log.ts'
import { addressOf } from '../support/hosts.ts'
import { NETWORK_ID, polling, signRecord, testMembers, until } from '../support/test-network.ts'

type DhtNode = Libp2p<{
  dht: KadDHT
  ping: Ping
  identify: ReturnType<ReturnType<typeof identify>>
}>

describe('records in the DHT', function () {
  this.timeout(20_000)
  const nodes: DhtNode[] = []
  let memory: RecordMemory
  let verify: ReturnType<typeof nodeRecordVerifier>
  let older: SignedRecord
  let newer: SignedRecord

  before(async () => {
    const [author] = await testMembers(1, 'author')
    assert.ok(author)
    const now = Date.now()
    const make = (seq: number): SignedRecord => ({
      key: nodeRecordKey(author.guestSig),
      bytes: signRecord(author, {
        peerId: author.peerId,
        multiaddrs: [],
        gateway: null,
        seq,
        expiresAt: now + 60_000,
      }),
    })
    older = make(now)
    newer = make(now + 1)
    verify = nodeRecordVerifier(NETWORK_ID, (guest) => sameBytes(guest, author.guestSig))
    const none = { load: async () => new Map<string, number>(), save: async () => {} }
    memory = new RecordMemory(verify, Date.now, none, { member: () => {}, refused: () => {} })
  })
  afterEach(async () => {
    await Promise.all(nodes.splice(0).map((node) => node.stop()))
  })

  async function dhtNode(validate: ValidateFn): Promise<DhtNode> {
    const node = await createLibp2p({
      addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
      transports: [tcp()],
      connectionEncrypters: [noise()],
      streamMuxers: [yamux()],
      connectionMonitor: { enabled: false },
      services: {
        identify: identify(),
        ping: ping(),
        dht: kadDHT({
          protocol: '/holdfast/kad/1.0.0',
          clientMode: false,
          peerInfoMapper: passthroughMapper,
          validators: { 'hf-node': validate },
          selectors: { 'hf-node': memory.select },
        }),
      },
    })
    nodes.push(node)
    return node
  }

  /** A server, and an attacker whose own node accepts anything. */
  async function serverAndAttacker(validate: ValidateFn): Promise<[DhtNode, DhtNode]> {
    const [server, attacker] = [await dhtNode(validate), await dhtNode(() => {})]
    await attacker.dial(addressOf(server))
    await until(() => [server, attacker].every((n) => tableSize(n.services.dht) === 1), polling)
    return [server, attacker]
  }

  async function put(node: DhtNode, { key, bytes }: SignedRecord): Promise<void> {
    for await (const _event of node.services.dht.put(keyBytes(key), bytes, {
      signal: AbortSignal.timeout(5_000),
    })) {
      // What servers answer is not the question here: what they then say is.
    }
  }

  /** What the server itself answers for the key. */
  async function stored(
    server: DhtNode,
    asker: DhtNode,
    key: string,
  ): Promise<Uint8Array | undefined> {
    for await (const event of asker.services.dht.get(keyBytes(key), {
      signal: AbortSignal.timeout(5_000),
    }))
      if (
        event.name === 'PEER_RESPONSE' &&
        event.from.equals(server.peerId) && // the attacker answers, too
        event.record !== undefined
      )
        return new Uint8Array(event.record.value)
    return undefined
  }

  /** A fresh peer, because the attacker has its own copy. */
  async function asker(server: DhtNode): Promise<DhtNode> {
    const node = await dhtNode(() => {})
    await node.dial(addressOf(server))
    await until(() => tableSize(node.services.dht) === 1, polling)
    return node
  }

  it('are not rolled back by a stale put', async () => {
    const [server, attacker] = await serverAndAttacker(memory.validate)
    await put(attacker, newer)
    await put(attacker, older)
    const value = await stored(server, await asker(server), newer.key)
    assert.deepEqual(value, newer.bytes)
  })

  it('would be rolled back with a validator that remembers nothing (planted)', async () => {
    const plain: ValidateFn = (_key, value) => {
      if ('reason' in verify(newer.key, value, Date.now())) throw new Error('invalid')
    }
    const [server, attacker] = await serverAndAttacker(plain)
    await put(attacker, newer)
    await put(attacker, older)
    const value = await stored(server, await asker(server), newer.key)
    assert.deepEqual(value, older.bytes, 'kad-dht asks its selector now: the memory may go')
  })

  it('that servers refuse are reported as unstored', async () => {
    const [, author] = await serverAndAttacker(() => {
      throw new Error('never')
    })
    const directory = dhtDirectory({ dht: author.services.dht, memory, log: silentLog })
    await assert.rejects(
      directory.publish(newer),
      (error: unknown) => error instanceof DirectoryError && error.code === 'UNSTORED',
    )
  })

  it('that our own check refuses are never offered', async () => {
    const [server, author] = await serverAndAttacker(() => {})
    const directory = dhtDirectory({ dht: author.services.dht, memory, log: silentLog })
    await directory.publish(newer)
    await assert.rejects(
      directory.publish(older),
      (error: unknown) => error instanceof DirectoryError && error.code === 'REFUSED',
    )
    assert.deepEqual(await stored(server, await asker(server), newer.key), newer.bytes)
  })
})
