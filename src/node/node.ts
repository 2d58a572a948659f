import { mkdir } from 'node:fs/promises'
import { Registry } from 'prom-client'
import { FINAL_EXIT_CODES } from '../../enclave-runtime/host/exit-reason.ts'
import type { CommitteeView, Guest } from '../../enclave-runtime/host/guest.ts'
import { sameBytes } from '../../protocols/agreement/compare-bytes.ts'
import type { Committee, CoordinatorLog } from '../coordinator/collaborators.ts'
import { createCoordinator } from '../coordinator/coordinate.ts'
import { createGateway } from '../gateway/http.ts'
import { PastEpochs } from '../gateway/past-epochs.ts'
import type { NodeHint } from '../wire/network.ts'
import type { NodeStatus } from '../wire/status.ts'
import { answerGenesis } from './answer-genesis.ts'
import { ChainFollower } from './committee/follow-chain.ts'
import { genesisView, Roster, recordView } from './committee/roster.ts'
import { committeeMetrics } from './committee-metrics.ts'
import { ConfigError, type NodeConfig } from './config.ts'
import { readGenesisAnswer } from './genesis-answer.ts'
import { guestMetrics } from './guest-metrics.ts'
import { joinGuest } from './join-guest.ts'
import type { Log } from './log.ts'
import { serveMetrics } from './metrics-server.ts'
import { createNetwork, type Network } from './network.ts'
import { nodeFiles } from './node-files.ts'
import { openGuest } from './open-guest.ts'
import { openOperator } from './operator/open-operator.ts'
import { type Preflight, preflight, type Self } from './preflight.ts'
import { requestMetrics } from './request-metrics.ts'
import { type RunningFile, removeRunning, writeRunning } from './running-file.ts'
import { Undo } from './undo.ts'
import { version } from './version.ts'

/** How a node ended that nobody asked to stop. `code` is that of its guest (04 §1). */
export interface NodeEnd {
  readonly code: number
  readonly reason: string
}

/** One node: host and guest, listening. */
export interface Node {
  readonly running: RunningFile
  status(signal: AbortSignal): Promise<NodeStatus>
  /** Resolves only when the node ends although nobody asked it to; what still runs of it is to be stopped. */
  readonly ended: Promise<NodeEnd>
  /** Stops everything in order, each part within its deadline. Never rejects. */
  stop(): Promise<void>
}

const STOP_LIMITS = {
  stepMs: 11_000, // above the 10 s that libp2p may take (07 §2.5)
  allMs: 16_000, // below the 20 s after which whoever asked it to stop kills it
}
const METRICS_MS = 1_000 // a scrape is not held up by a guest that hangs
const BUDGET_FACTOR = { wasm: 1, reference: 2 } // of attempts; bigints need more than the rounds themselves take
const GUEST_LOST = 75 // exit codes 70 to 74 are the guest's own

export interface StartOptions {
  /** The records were put back to an older state, and the operator knows it (03 §9.4). */
  readonly isRejoining?: boolean
}

/**
 * Checks everything, then starts the guest, the network, the coordinator and the gateway. The one place
 * that constructs them. When something fails, what was started before it is stopped again.
 * @throws ConfigError when a setting or a file is wrong, and whatever a part says that cannot start.
 */
export async function createNode(
  config: NodeConfig,
  log: Log,
  { isRejoining = false }: StartOptions = {},
): Promise<Node> {
  const known = await preflight(config)
  const undo = new Undo(log, STOP_LIMITS)
  try {
    return await start(config, known, log, undo, isRejoining)
  } catch (error) {
    await undo.run()
    throw error
  }
}

async function start(
  config: NodeConfig,
  known: Preflight,
  log: Log,
  undo: Undo,
  isRejoining: boolean,
): Promise<Node> {
  const files = nodeFiles(config)
  const { genesis, genesisFile, networkId, me, seed } = known
  const { guest, store, close } = await openGuest({
    bundle: known.bundle,
    records: files.records,
    keysDir: config.keysDir,
    genesis: genesisFile,
    kernel: known.kernel,
    peerId: me.peerId,
    settings: config.guest,
    isRejoining,
  })
  undo.add('guest', close)
  guest.onEvent(({ code, party, number }) =>
    log.info('guest', {
      code,
      ...(party === undefined ? {} : { party }),
      ...(number === undefined ? {} : { count: number }),
    }),
  )
  assertSame(guest, me, networkId)
  const genesisAnswer = await readGenesisAnswer(files.genesisAnswer)
  const roster = new Roster(firstView(known), guest.hello.guestSig)

  const registry = new Registry()
  const requests = requestMetrics(registry)
  guestMetrics(registry, () => guest.status(AbortSignal.timeout(METRICS_MS)))
  await mkdir(files.libp2p, { recursive: true, mode: 0o700 })
  const network = await createNetwork(
    {
      profile: config.profile,
      listen: config.listen,
      announce: config.announce,
      bootstrap: config.bootstrap,
      seed,
      datastore: files.libp2p,
      committeeFile: files.committee,
      gateway: null, // unsealed requests are taken on loopback only: no address for others
    },
    {
      networkId,
      roster,
      genesis: genesisFile,
      guestSig: me.guestSig,
      signNodeRecord: (fields, signal) => guest.signNode(fields, signal),
      now: Date.now,
      log,
      registry,
    },
  )
  undo.add('network', () => network.stop())
  answerGenesis(guest.committee, roster, networkId, genesisAnswer, log)
  joinGuest(guest, network, roster, log)

  const coordinator = createCoordinator({
    guest,
    links: network.links,
    rpc: network.rpc,
    committee: serving(roster),
    now: Date.now,
    log: coordinatorLog(log),
    budgetFactor: BUDGET_FACTOR[known.kernel],
    onSigned: (form) => requests.made(form),
  })
  undo.add('coordinator', () => coordinator.close())
  const follower = new ChainFollower({
    roster,
    guest: guest.committee,
    connections: () => network.committee.connections(),
    log,
  })
  undo.add('chain', async () => follower.stop())
  await network.start()
  follower.start()

  const status = (signal: AbortSignal): Promise<NodeStatus> =>
    statusOf(guest, network, roster, known, signal)
  const past = new PastEpochs({
    history: (e, signal) => guest.committee.history(e, signal),
    monotonic: () => performance.now(),
    failed: (error) => coordinatorLog(log).warn({ error }, 'no past epochs'),
  })
  const gateway = createGateway({
    coordinator,
    network: {
      genesis: genesisFile,
      nodes: () => hints(network, roster, me),
      published: () => network.newest()?.committee ?? null,
      past: (newest) => past.of(newest),
    },
    status,
    allowPlain: config.allowPlain,
    limits: config.gateway.limits,
    onPhases: (ms, wholeMs) => requests.signed(ms, wholeMs),
    log: { warn: coordinatorLog(log).warn },
  })
  const { url } = await gateway.listen(config.rpc)
  undo.add('gateway', () => gateway.close())
  const operator = await openOperator({
    socket: files.operatorSocket,
    guest,
    store,
    network,
    genesis,
    networkId,
    alerts: config.alerts,
    now: Date.now,
    log,
  })
  undo.add('operator', () => operator.close())
  committeeMetrics(
    registry,
    () => operator.actions.status(AbortSignal.timeout(METRICS_MS)),
    Date.now,
  )
  if (config.metrics !== null) {
    const metrics = await serveMetrics(registry, config.metrics)
    undo.add('metrics', () => metrics.close())
  }

  const running: RunningFile = {
    pid: process.pid,
    peerId: me.peerId,
    index: me.index,
    networkId: Buffer.from(networkId).toString('hex'),
    rpc: url,
    multiaddrs: network.multiaddrs(),
  }
  await writeRunning(files.running, running)
  undo.add('running file', () => removeRunning(files.running))
  log.info('node-started', { party: me.index, peer: me.peerId, url, version: version() })
  return {
    running,
    status,
    ended: endOf(guest),
    stop: async () => {
      await undo.run()
      log.info('node-stopped', { party: me.index })
    },
  }
}

/** The guest has the identity that this node is known by. */
function assertSame(guest: Guest, me: Self, networkId: Uint8Array): void {
  const { hello } = guest
  if (
    hello.networkId !== null &&
    sameBytes(hello.networkId, networkId) &&
    sameBytes(hello.guestSig, me.guestSig)
  )
    return
  const who = me.index === 0 ? 'the one in member.json' : `member ${me.index}`
  throw new ConfigError([
    `the records and keys of this node are of another guest than ${who}: restore those of this node; never use those of another`,
  ])
}

/** Whom to dial before the guest says who takes part: the newest committee that this host verified, else the first one. */
function firstView({ genesis, networkId, newest, me }: Preflight): CommitteeView {
  if (newest === null) return genesisView(networkId, genesis)
  const isMember = newest.members.some(({ guestSig }) => sameBytes(guestSig, me.guestSig))
  return recordView(newest, isMember ? 'asking' : 'joining')
}

/** The epoch that serves, for whoever picks signers. */
const serving = (roster: Roster): Committee => ({
  get threshold() {
    return roster.threshold
  },
  get members() {
    return roster.members
  },
  get me() {
    return indexIn(roster)
  },
})

/** Own index in the epoch that serves; 0 for no member of it. */
const indexIn = ({ me, members }: Roster): number =>
  members.find(({ peerId }) => peerId === me?.peerId)?.index ?? 0

/** What the node says about itself; without an answer of the guest, that it does not answer. */
async function statusOf(
  guest: Guest,
  { links }: Network,
  roster: Roster,
  { me, kernel }: Preflight,
  signal: AbortSignal,
): Promise<NodeStatus> {
  const index = indexIn(roster)
  const others = roster.members.filter(({ peerId }) => peerId !== me.peerId)
  return {
    index,
    peerId: me.peerId,
    label: me.label,
    version: version(),
    members: roster.members.length,
    threshold: roster.threshold,
    epoch: roster.epoch,
    standing: roster.view.standing,
    kernel,
    guest: await guestOf(guest, signal),
    links: others.map(({ index, peerId }) => {
      const { up, suspect, rttMs } = links.state(peerId)
      return { party: index, up, suspect, rttMs: rttMs ?? null }
    }),
  }
}

async function guestOf(guest: Guest, signal: AbortSignal): Promise<NodeStatus['guest']> {
  try {
    const known = await guest.status(signal)
    const { ready, pairs, bans, keys, held } = known
    const presignatures = known.presignatures.own
    const correlations = known.correlations.pools
    return { alive: true, ready, pairs, bans, keys, presignatures, correlations, held }
  } catch (error) {
    if (!(error instanceof Error)) throw error
    const keys = { active: 0, pending: 0, ready: 0 }
    const nothing = { pairs: [], bans: [], keys, presignatures: 0, correlations: [], held: 0 }
    return { alive: false, ready: false, ...nothing }
  }
}

/** Where the members' nodes are, as far as this one knows without asking. */
function hints(network: Network, { members }: Roster, me: Self): readonly NodeHint[] {
  return members.map(({ peerId }) => ({
    peerId,
    multiaddrs: peerId === me.peerId ? network.multiaddrs() : [],
  }))
}

/** A guest is never restarted behind the operator's back: its end is the node's. */
async function endOf(guest: Guest): Promise<NodeEnd> {
  const { code, reason, detail } = await guest.exited
  const known = code !== null && FINAL_EXIT_CODES.has(code)
  const said = detail === null ? '' : ` (${detail})`
  return { code: known ? code : GUEST_LOST, reason: `its guest ended: ${reason}${said}` }
}

/** The coordinator's lines in the node's log: its events, and of its fields those that a log may carry. */
const coordinatorLog = (log: Log): CoordinatorLog => {
  const fieldsOf = (fields: Readonly<Record<string, unknown>>): Record<string, string | number> => {
    const { error, fault, leader } = fields
    return {
      ...(fields as Record<string, string | number>), // the log keeps known names of known kinds only
      ...(error instanceof Error ? { reason: error.message } : {}),
      ...(typeof fault === 'string' ? { reason: fault } : {}),
      ...(typeof leader === 'number' ? { party: leader } : {}),
    }
  }
  return {
    info: (fields, message) => log.info(message.replaceAll(' ', '-'), fieldsOf(fields)),
    warn: (fields, message) => log.warn(message.replaceAll(' ', '-'), fieldsOf(fields)),
  }
}
