import { randomBytes, randomInt } from 'node:crypto'
import { peerIdFromPrivateKey, peerIdFromString } from '@libp2p/peer-id'
import type { Registry } from 'prom-client'
import { sameBytes } from '../../protocols/agreement/compare-bytes.ts'
import { parseAddress, peerOfAddress } from './addresses.ts'
import { LINK_TIMINGS, type LinkEnd, type LinkTimings } from './channels/link.ts'
import type { LinkState, Links, PeerName } from './channels/links.ts'
import { PeerLinks } from './channels/peer-links.ts'
import { CommitteeExchange, type CommitteeNetwork } from './committee/committee-exchange.ts'
import { CommitteeFile, type KnownAddresses } from './committee/committee-file.ts'
import { COMMITTEE_NAMESPACE, NET_NAMESPACE } from './committee/committee-records.ts'
import type { Published } from './committee/known-committee.ts'
import { CommitteePublisher } from './committee/publish-committee.ts'
import type { Roster } from './committee/roster.ts'
import { dhtDirectory, tableSize } from './discovery/dht-directory.ts'
import type { Directory } from './discovery/directory.ts'
import { highMarks } from './discovery/high-marks.ts'
import { nodeRecordKey, nodeRecordVerifier, type SignNodeRecord } from './discovery/node-records.ts'
import { openDatastore } from './discovery/open-datastore.ts'
import { OwnRecord } from './discovery/own-record.ts'
import { PeerFinder } from './discovery/peer-finder.ts'
import {
  NODE_NAMESPACE,
  type RecordKeeper,
  RecordMemory,
  type Verified,
} from './discovery/record-memory.ts'
import {
  REDIAL_TIMINGS,
  Redial,
  type RedialTarget,
  type RedialTimings,
} from './discovery/redial.ts'
import { StoringPeer } from './discovery/storing-peer.ts'
import { createGater } from './gater.ts'
import { guardStreams } from './guard-streams.ts'
import { peerKeyOf } from './identity.ts'
import { createHost, type Host, KAD_PROTOCOL } from './libp2p.ts'
import { PeerLimits } from './limits.ts'
import type { Log } from './log.ts'
import { createMetrics } from './metrics.ts'
import { type ProfileName, profiles } from './profiles.ts'
import type { Rpc } from './rpc.ts'
import { StreamRpc } from './stream-rpc.ts'
import { closeIdle, type IdleSince } from './sweep.ts'

export interface NetworkConfig {
  readonly profile: ProfileName
  /** Multiaddrs; absent: those of the profile (07 §2.2). */
  readonly listen?: readonly string[]
  /** Multiaddrs that replace everything advertised. */
  readonly announce?: readonly string[]
  /** Multiaddrs, dialled for ever (07 §3.6). */
  readonly bootstrap: readonly string[]
  /** Ed25519 seed, 32 bytes (identity.ts). */
  readonly seed: Uint8Array
  /** Folder of libp2p's own LevelDB, never that of the record store. Absent: memory. */
  readonly datastore?: string
  /** File of what this host knows of its committee. Absent: memory. */
  readonly committeeFile?: string
  /** Public URL of this node's gateway, published in its record. */
  readonly gateway?: string | null
}

export interface NetworkDeps {
  readonly networkId: Uint8Array
  /** Who takes part now; followed. */
  readonly roster: Roster
  /** Served to whoever asks: a joiner or client checks its hash. */
  readonly genesis: Uint8Array
  /** This node's guest key, or null when it has no guest, publishes nothing and sends no letters. */
  readonly guestSig: Uint8Array | null
  /** The guest signs this node's record; it alone has the key. */
  readonly signNodeRecord: SignNodeRecord
  readonly now: () => number
  readonly log: Log
  readonly registry?: Registry
  /** Shorter ones for tests. */
  readonly linkTimings?: LinkTimings
  readonly redialTimings?: RedialTimings
}

export interface NetworkStatus {
  readonly peerId: PeerName
  readonly addresses: readonly string[]
  readonly members: readonly { index: number; peerId: PeerName; state: LinkState }[]
  readonly up: number
  readonly connections: number
  /** Peers in the DHT's routing table. */
  readonly table: number
  readonly blocked: number
}

/** Everything that this node says to other nodes (spec "Network", 07). */
export interface Network {
  readonly peerId: PeerName
  multiaddrs(): readonly string[]
  readonly links: Links
  readonly directory: Directory
  readonly rpc: Rpc
  readonly committee: CommitteeNetwork
  /** Publishes what the own guest says, unless this host knows of something newer. */
  adopt(published: Uint8Array): Promise<void>
  /** The newest committee that was ever verified here. */
  newest(): Published | undefined
  status(): NetworkStatus
  /** Ends every connection with these peers and makes none, until the next call; for tests of development networks. */
  cutOff(peers: readonly PeerName[]): void
  start(): Promise<void>
  /** BYE to every peer, then libp2p within 10 s, then its datastore (07 §2.5). */
  stop(): Promise<void>
}

const STOP_MS = 10_000 // libp2p's stop has hung before (07 §2.5)
const SWEEP_MS = 10_000 // how often idle connections and gauges are looked at
const OTHER_NETWORK_MS = 600_000 // a peer that says another network id is left alone for so long
const STALE_OWN_MS = 10_000 // at most one extra publication in this time

/** Composes one node's network; nothing listens before `start`. */
export async function createNetwork(config: NetworkConfig, deps: NetworkDeps): Promise<Network> {
  const privateKey = await peerKeyOf(config.seed)
  const profile = profiles[config.profile]
  const me = peerIdFromPrivateKey(privateKey).toString()
  const metrics = createMetrics(deps.registry)
  const { log, now, roster } = deps
  const isMember = (peer: PeerName): boolean => roster.isKnown(peer)
  const limits = new PeerLimits(isMember, (peer, member) => {
    if (member) log.error('member-blocked', { peer })
    else log.warn('peer-blocked', { peer })
  })
  const bootstrap = config.bootstrap.map((text) => {
    const address = parseAddress(text)
    if (address === undefined) throw new Error(`${text} is no multiaddr`)
    return { text, address, peer: peerOfAddress(address) }
  })
  const store = config.datastore === undefined ? undefined : await openDatastore(config.datastore)
  const ownKey = deps.guestSig === null ? undefined : nodeRecordKey(deps.guestSig)
  let staleAt = Number.NEGATIVE_INFINITY
  const storing = new StoringPeer()
  const memory = new RecordMemory(
    nodeRecordVerifier(deps.networkId, (guestSig) => roster.ofGuest(guestSig) !== undefined),
    now,
    highMarks(store),
    {
      member: (verified) => learn(verified),
      refused: (key, reason) => {
        metrics.dhtRefused.inc({ namespace: NODE_NAMESPACE, reason })
        // Somebody still has an older record of ours: the newest one is published again.
        if (key !== ownKey || reason !== 'stale') return
        if (performance.now() - staleAt < STALE_OWN_MS) return
        staleAt = performance.now()
        own?.refresh()
      },
    },
    { peer: () => storing.name, isKnown: isMember },
  )
  let cut: ReadonlySet<PeerName> = new Set()
  const file = new CommitteeFile(config.committeeFile, deps.networkId)
  const publisher = new CommitteePublisher({
    networkId: deps.networkId,
    file,
    metrics,
    log,
    now,
    directory: () => directory,
    isReady: () => tableSize(dht) > 0,
    askNewest: (signal) => committee.askNewest(signal),
  })
  const { records, known } = publisher
  const host: Host = await createHost({
    privateKey,
    profile,
    listen: config.listen ?? profile.listen,
    announce: config.announce ?? [],
    datastore: store,
    gater: createGater(
      limits,
      () => host.getConnections(),
      profile.dialPrivate,
      bootstrap.map(({ address }) => address),
      (peer) => cut.has(peer),
    ),
    validators: {
      [NODE_NAMESPACE]: memory.validate,
      [NET_NAMESPACE]: records.validate,
      [COMMITTEE_NAMESPACE]: records.validate,
    },
    selectors: {
      [NODE_NAMESPACE]: memory.select,
      [NET_NAMESPACE]: records.select,
      [COMMITTEE_NAMESPACE]: records.select,
    },
  })
  const { dht } = host.services
  storing.watch(dht)
  const keeper: RecordKeeper = {
    accept: (record) => (records.owns(record.key) ? records : memory).accept(record),
    best: (key) => (records.owns(key) ? records : memory).best(key),
  }
  const directory = dhtDirectory({ dht, memory: keeper, log })
  const redialTimings = deps.redialTimings ?? REDIAL_TIMINGS
  const finder = new PeerFinder({
    node: host,
    dht,
    directory,
    metrics,
    dialPrivate: profile.dialPrivate,
    dialMs: redialTimings.dialMs,
    guestOf: (peer) => roster.ofPeer(peer)?.guestSig,
    ensure: async (peer) => (await links.ensure(peer)) || isConnected(peer),
  })
  const isConnected = (peer: PeerName | undefined): boolean =>
    peer === me ||
    host
      .getConnections()
      .some(({ remotePeer, status }) => remotePeer.toString() === peer && status === 'open')
  const redial = new Redial(
    {
      reach: (target, signal) => finder.reach(target, signal),
      isReached: (target) =>
        'address' in target
          ? isConnected(peerOf(target.address))
          : roster.linked.has(target.peer)
            ? links.state(target.peer).up
            : isConnected(target.peer),
      failed: (error) =>
        log.warn('reach-failed', { reason: error instanceof Error ? error.message : 'unknown' }),
      random: () => randomInt(2 ** 32) / 2 ** 32,
    },
    redialTimings,
  )
  const peerOf = (address: string): PeerName | undefined =>
    bootstrap.find(({ text }) => text === address)?.peer ?? finder.peerAt(address)
  const links = new PeerLinks({
    node: host,
    members: roster.linked,
    epoch: () => roster.epoch?.e ?? 0,
    networkId: deps.networkId,
    startId: new Uint8Array(randomBytes(8)),
    limits,
    metrics,
    log,
    now,
    timings: deps.linkTimings ?? LINK_TIMINGS,
    onWant: (peers) => want(peers),
    onUp: (peer) => redial.reached({ peer }),
    onDown: (peer, end) => down(peer, end),
  })
  const rpc = new StreamRpc(host, limits, log)
  const own: OwnRecord | undefined =
    ownKey === undefined
      ? undefined
      : new OwnRecord({
          key: ownKey,
          peerId: me,
          gateway: config.gateway ?? null,
          directory,
          sign: deps.signNodeRecord,
          log,
          now,
          addresses: () => host.getMultiaddrs().map((address) => address.toString()),
          highest: () => memory.highest(ownKey),
          isReady: () => tableSize(dht) > 0,
        })

  function learn({ facts }: Verified): void {
    const { peerId: peer, guestSig, multiaddrs } = facts
    // The committee says which peer a guest lives behind; a record of another one is no address of it.
    const known = roster.ofPeer(peer)
    if (known === undefined || peer === me || !sameBytes(known.guestSig, guestSig)) return
    if (finder.learn(peer, multiaddrs)) redial.hint({ peer })
  }

  /** Members changed: links, dials, limits and records follow. */
  function follow(): void {
    const gone = [...wanted].filter((peer) => !roster.isKnown(peer))
    for (const peer of gone) void keep(host, peer, false, log)
    links.follow(roster.linked)
    wantAll()
    memory.reconsider().catch((error: Error) => log.error('marks-unsaved', { reason: error.name }))
  }
  const wanted = new Set<PeerName>()
  /** Everybody, first where they were before this process started (03 §9.5). */
  const wantAll = (): void => {
    const { addresses } = file.memory
    want(new Map(roster.everybody.map(({ peerId }) => [peerId, addresses.get(peerId) ?? []])))
  }

  /** Where everybody is, for the next start. */
  async function keepAddresses(): Promise<void> {
    const before = file.memory.addresses
    const addresses = new Map(
      roster.everybody.map(({ peerId }) => {
        const seen = finder.lastKnown(peerId)
        return [peerId, seen.length > 0 ? seen : (before.get(peerId) ?? [])]
      }),
    )
    if (!sameAddresses(before, addresses)) await file.save({ addresses })
  }
  const tryKeepAddresses = (): Promise<void> =>
    keepAddresses().catch((error: Error) =>
      log.error('addresses-unsaved', { reason: error.message }),
    )

  function want(peers: ReadonlyMap<PeerName, readonly string[]>): void {
    const configured = new Map([...peers].filter(([peer]) => peer !== me))
    for (const { text, peer } of bootstrap)
      if (peer !== undefined && configured.has(peer))
        configured.set(peer, [...(configured.get(peer) ?? []), text])
    finder.configure(configured)
    const strangers = bootstrap.filter(
      ({ peer }) => peer !== me && (peer === undefined || !configured.has(peer)),
    )
    const targets: RedialTarget[] = [
      ...[...configured.keys()].map((peer) => ({ peer })),
      ...strangers.map(({ text }) => ({ address: text })),
    ]
    redial.want(targets)
    wanted.clear()
    for (const peer of configured.keys()) {
      wanted.add(peer)
      void keep(host, peer, true, log)
    }
  }

  function down(peer: PeerName, end: LinkEnd): void {
    if (end === 'network') redial.defer({ peer }, OTHER_NETWORK_MS)
    else redial.lost({ peer })
  }

  host.addEventListener('peer:disconnect', ({ detail }) => {
    const peer = detail.toString()
    for (const { text } of bootstrap) if (peerOf(text) === peer) redial.lost({ address: text })
    if (!roster.linked.has(peer)) redial.lost({ peer })
  })
  host.addEventListener('peer:connect', ({ detail }) => {
    const peer = detail.toString()
    for (const { text } of bootstrap) if (peerOf(text) === peer) redial.reached({ address: text })
    if (!roster.linked.has(peer)) redial.reached({ peer })
  })
  host.addEventListener('peer:identify', () => own?.changed())
  host.addEventListener('self:peer:update', () => own?.changed())

  const committee = new CommitteeExchange({
    node: host,
    roster,
    genesis: deps.genesis,
    guestSig: deps.guestSig,
    known,
    limits,
    metrics,
    log,
    reach: (peer, signal) => finder.reach({ peer }, signal),
    records: {
      at: (key) => memory.best(key)?.facts.peerId,
      ask: async (key, signal) =>
        (await directory.find(key, signal)) && memory.best(key)?.facts.peerId,
    },
  })

  const seen: IdleSince = new WeakMap()
  let sweeper: NodeJS.Timeout | undefined
  let unfollow = (): void => {}
  const sweep = (): void => {
    closeIdle(host.getConnections(), isMember, limits.idleMs, seen, performance.now(), log)
    links.measure()
    metrics.tableSize.set(tableSize(dht))
    metrics.peersBlocked.set(limits.blocked)
    metrics.dhtRecords.set({ namespace: NODE_NAMESPACE }, memory.size)
    void tryKeepAddresses()
    own?.changed() // a first peer may have entered the table without another event
  }

  return {
    peerId: me,
    multiaddrs: () => host.getMultiaddrs().map((address) => address.toString()),
    links,
    directory,
    rpc,
    committee,
    adopt: (published) => publisher.adopt(published),
    newest: () => known.newest,
    status: () => statusOf(host, links, roster, limits),
    cutOff: (peers) => {
      cut = new Set(peers)
      for (const connection of host.getConnections())
        if (cut.has(connection.remotePeer.toString())) connection.abort(new Error('cut off'))
      log.warn('cut-off', { count: cut.size })
    },
    start: async () => {
      await memory.load()
      await publisher.load()
      await links.start()
      await rpc.start()
      await committee.start()
      guardStreams(host, KAD_PROTOCOL, limits)
      await host.start()
      links.follow(roster.linked) // it may have changed since the links were made
      unfollow = roster.onChange(follow)
      wantAll()
      redial.start()
      own?.start()
      publisher.start()
      sweeper = setInterval(sweep, SWEEP_MS)
      log.info('network-started', { peer: me, count: roster.members.length })
    },
    stop: async () => {
      clearInterval(sweeper)
      unfollow()
      own?.stop()
      publisher.stop()
      committee.stop()
      await tryKeepAddresses()
      redial.stop()
      await links.stop()
      try {
        await stopHost(host, log)
      } finally {
        await store?.close()
      }
      log.info('network-stopped', { peer: me })
    },
  }
}

/** Members are the last to be closed when libp2p has too many connections; whoever left is one of many (07 §3.6). */
async function keep(host: Host, peer: PeerName, isMember: boolean, log: Log): Promise<void> {
  try {
    const tags = { 'keep-alive-holdfast': isMember ? { value: 100 } : undefined }
    await host.peerStore.merge(peerIdFromString(peer), { tags })
  } catch (error) {
    log.warn('tag-failed', { peer, reason: error instanceof Error ? error.name : 'unknown' })
  }
}

function statusOf(
  host: Host,
  links: Links,
  { members }: Roster,
  limits: PeerLimits,
): NetworkStatus {
  const others = members.filter(({ peerId }) => peerId !== host.peerId.toString())
  const states = others.map(({ index, peerId }) => ({ index, peerId, state: links.state(peerId) }))
  return {
    peerId: host.peerId.toString(),
    addresses: host.getMultiaddrs().map((address) => address.toString()),
    members: states,
    up: states.filter(({ state }) => state.up).length,
    connections: host.getConnections().length,
    table: tableSize(host.services.dht),
    blocked: limits.blocked,
  }
}

const sameAddresses = (a: KnownAddresses, b: KnownAddresses): boolean =>
  a.size === b.size && [...b].every(([peer, texts]) => a.get(peer)?.join() === texts.join())

async function stopHost(host: Host, log: Log): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<'late'>((resolve) => {
    timer = setTimeout(() => resolve('late'), STOP_MS)
  })
  const outcome = await Promise.race([Promise.resolve(host.stop()), late])
  clearTimeout(timer)
  if (outcome === 'late') log.error('stop-hangs', { ms: STOP_MS })
}
