import assert from 'node:assert/strict'
import type { Connection, Libp2p } from '@libp2p/interface'
import type {
  CommitteeView,
  EpochStatus,
  Standing,
} from '../../../../enclave-runtime/host/guest.ts'
import { EpochChain } from '../../../../protocols/agreement/chain/epoch-chain.ts'
import { EpochCert } from '../../../../protocols/agreement/objects/certificates.ts'
import { ChainFollower } from '../../../../src/node/committee/follow-chain.ts'
import { Roster } from '../../../../src/node/committee/roster.ts'
import { serveCommittee } from '../../../../src/node/committee/serve-committee.ts'
import { PeerLimits } from '../../../../src/node/limits.ts'
import { silentLog } from '../../../../src/node/log.ts'
import { addressOf, bareHost } from '../support/hosts.ts'
import { first, second, third, twin } from '../support/published.ts'
import { polling, testMembers, until, viewOf } from '../support/test-network.ts'

const encoded = (...epochs: readonly (typeof first | typeof second)[]): Uint8Array[] =>
  epochs.map(({ cert }) => EpochCert.encode(cert))

describe('ChainFollower', function () {
  this.timeout(20_000)
  const nodes: Libp2p[] = []
  let follower: ChainFollower | undefined
  afterEach(async () => {
    follower?.stop()
    await Promise.all(nodes.splice(0).map((node) => node.stop()))
  })

  /** A guest that verifies, and peers that each have some certificates. */
  async function setUp(peers: readonly (() => readonly Uint8Array[])[], standing: Standing) {
    const chain = new EpochChain(first.genesis)
    const asked: number[] = []
    const guest = {
      status: async () => {
        const record = chain.newest?.record
        const epoch = record === undefined ? null : { e: record.e, k: record.k }
        return { epoch } as EpochStatus
      },
      learn: async (cert: Uint8Array) => chain.add(EpochCert.decode(cert)).added,
    }
    const client = await bareHost()
    nodes.push(client)
    const connections: Connection[] = []
    for (const certs of peers) {
      const node = await bareHost()
      nodes.push(node)
      const limits = new PeerLimits(
        () => true,
        () => {},
      )
      const source = {
        genesis: first.genesis,
        newest: () => null,
        cert: async (e: number) => {
          asked.push(e)
          return certs()[e] ?? null
        },
        takeJoin: () => false,
        takeLetter: async () => {},
        hint: () => {},
      }
      await serveCommittee(node, source, limits, silentLog)
      connections.push(await client.dial(addressOf(node)))
    }
    const members = await testMembers(3, 'followers')
    let looks = 0
    const roster = new (class extends Roster {
      override get view(): CommitteeView {
        looks++
        return super.view
      }
    })(viewOf(members, { standing }), null)
    follower = new ChainFollower({
      roster,
      guest,
      connections: () => connections,
      log: silentLog,
      everyMs: 50,
    })
    follower.start()
    return { chain, asked, roster, members, looks: () => looks }
  }
  const epochOf = (chain: EpochChain) => chain.newest?.record.e

  it('brings every epoch to a guest that is joining, and later ones too', async () => {
    const certs = encoded(first, second)
    const { chain } = await setUp([() => certs], 'joining')
    await until(() => epochOf(chain) === 1, polling)
    certs.push(...encoded(third))
    await until(() => epochOf(chain) === 2, polling)
  })

  it('asks the next peer where the guest refuses what one has', async () => {
    const lies = () => encoded(first, third)
    const { chain } = await setUp([lies, () => encoded(first, second, third)], 'joining')
    await until(() => epochOf(chain) === 2, polling)
  })

  it('keeps what the guest took first where a peer shows another epoch', async () => {
    const { chain, asked } = await setUp(
      [() => encoded(first, second), () => encoded(first, twin, third)],
      'joining',
    )
    await until(() => asked.length > 8, polling)
    assert.equal(epochOf(chain), 2)
    assert.deepEqual(chain.get(1)?.record, second.record)
  })

  it('asks nothing for a member, which hears of epochs by itself', async () => {
    const { asked, roster, members, looks } = await setUp([() => encoded(first)], 'member')
    await until(() => looks() > 3, polling)
    assert.deepEqual(asked, [])
    roster.follow(viewOf(members, { standing: 'joining' }))
    await until(() => asked.length > 0, polling)
  })
})
