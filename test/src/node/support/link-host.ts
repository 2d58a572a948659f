import type { Libp2p } from '@libp2p/interface'
import { peerIdFromString } from '@libp2p/peer-id'
import type { LinkEnd, LinkTimings } from '../../../../src/node/channels/link.ts'
import type { PeerName } from '../../../../src/node/channels/links.ts'
import { PeerLinks } from '../../../../src/node/channels/peer-links.ts'
import { PeerLimits } from '../../../../src/node/limits.ts'
import { silentLog } from '../../../../src/node/log.ts'
import { createMetrics, type NetworkMetrics } from '../../../../src/node/metrics.ts'
import { bareHost } from './hosts.ts'
import { NETWORK_ID, type TestMember } from './test-network.ts'

/** A host with links and nothing that redials. */
export interface LinkHost {
  readonly name: PeerName
  readonly node: Libp2p
  readonly links: PeerLinks
  readonly limits: PeerLimits
  readonly metrics: NetworkMetrics
  readonly taken: [PeerName, Uint8Array][]
  readonly downs: LinkEnd[]
  stop(): Promise<void>
}

export async function linkHost(
  me: TestMember,
  members: readonly TestMember[],
  timings?: LinkTimings,
): Promise<LinkHost> {
  const node = await bareHost({ seed: me.seed, streams: { maxStreamWindowSize: 1 << 20 } })
  const byPeer = new Map(members.map(({ peerId, index }) => [peerId, index]))
  const limits = new PeerLimits(
    (peer) => byPeer.has(peer),
    () => {},
  )
  const metrics = createMetrics()
  const downs: LinkEnd[] = []
  const links = new PeerLinks({
    node,
    members: byPeer,
    networkId: NETWORK_ID,
    startId: new Uint8Array(8),
    limits,
    metrics,
    log: silentLog,
    now: Date.now,
    ...(timings === undefined ? {} : { timings }),
    onWant: () => {},
    onUp: () => {},
    onDown: (_peer, end) => downs.push(end),
  })
  const taken: [PeerName, Uint8Array][] = []
  links.onEnvelope(async (from, envelope) => {
    taken.push([from, envelope])
  })
  await links.start()
  const stop = async (): Promise<void> => {
    await links.stop()
    await node.stop()
  }
  return { name: me.peerId, node, links, limits, metrics, taken, downs, stop }
}

/** Whether `a` opens the links of the pair: the smaller multihash does (07 §6.1). */
export function opens(a: PeerName, b: PeerName): boolean {
  const [x, y] = [a, b].map((name) => Buffer.from(peerIdFromString(name).toMultihash().bytes))
  return x !== undefined && y !== undefined && Buffer.compare(x, y) < 0
}

/** The pair with the opener first. */
export function openerFirst(members: readonly TestMember[]): [TestMember, TestMember] {
  const [a, b] = members
  if (a === undefined || b === undefined) throw new Error('bug: two members are needed')
  return opens(a.peerId, b.peerId) ? [a, b] : [b, a]
}

/** Open link streams that this host sees to all peers. */
export const linkStreams = ({ node }: LinkHost): number =>
  node
    .getConnections()
    .flatMap(({ streams }) => streams)
    .filter(({ protocol, status }) => protocol === '/holdfast/envelope/1.0.0' && status === 'open')
    .length
