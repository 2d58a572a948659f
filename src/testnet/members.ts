import { join, resolve } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { formatNetworkAddress } from '../../protocols/agreement/network-address.ts'
import { Leave, SignedJoin } from '../../protocols/agreement/objects/join.ts'
import { signed, signObject } from '../../protocols/agreement/objects/signed.ts'
import { bootstrapJoin } from '../node/bootstrap-join.ts'
import { ConfigError } from '../node/config.ts'
import { initialiseNode } from '../node/initialise-node.ts'
import { silentLog } from '../node/log.ts'
import { nodeFiles } from '../node/node-files.ts'
import { baseOf, decoded, fromHex, toHex } from '../node/operator/base-of.ts'
import { nearestThreshold } from '../node/operator/nearest-threshold.ts'
import { sendSignedJoin } from '../node/operator/send-join.ts'
import { readRunning } from '../node/running-file.ts'
import { acceptEverywhere, changeCommittee } from './change-committee.ts'
import { atDoor, genesisOf, operatorOf, runningOf } from './doors.ts'
import { childrenOf } from './process.ts'
import { spawnNode } from './spawn-node.ts'
import { readState, type Testnet, type TestnetNode, writeState } from './state.ts'
import { endNodes } from './stop.ts'

export interface MemberOptions {
  readonly signal: AbortSignal
  /** Whether a node that is started ends when this process does. */
  readonly lifeline: boolean
}

const JOIN_MS = 3_600_000
const LISTEN_MS = 30_000
const LOOK_MS = 500

/** Every member gets a new share of every key. */
export async function refreshShares(dir: string, signal: AbortSignal): Promise<void> {
  const state = await readState(dir)
  await changeCommittee(state, ({ t }) => ({ kind: 2, t }), signal)
}

/** Makes a node on this machine and lets it join; resolves once it is a member. */
export async function addNode(dir: string, options: MemberOptions): Promise<Testnet> {
  const { signal, lifeline } = options
  const before = await readState(dir)
  const number = Math.max(...before.nodes.map(({ node }) => node)) + 1
  const label = `node-${number}`
  const nodeDir = join(resolve(dir), label)
  const entrance = await entranceOf(before)
  const { member } = await initialiseNode({
    dir: nodeDir,
    label,
    settings: { profile: 'local', allowPlain: true, rpc: { host: '127.0.0.1', port: 0 } },
  })
  const networkId = fromHex(before.networkId)
  await bootstrapJoin(nodeDir, { networkId, multiaddr: entrance }, { signal, log: silentLog })
  const node: TestnetNode = {
    node: number,
    dir: nodeDir,
    peerId: member.peerId,
    host: null,
    guest: null,
    rpc: null,
  }
  await writeState(dir, { ...before, nodes: [...before.nodes, node] })
  const running = await startOne(dir, node, entrance, lifeline)
  const { guestSig } = await askToJoin(running, label, signal)
  const state = await readState(dir)
  await changeCommittee(
    state,
    (status, base) => {
      const joins = status.joins.filter((join) => guestOf(join) === guestSig)
      return { joins, t: nearestThreshold(base.members.length + joins.length, base.t) }
    },
    signal,
  )
  await untilMember(running, signal)
  return await readState(dir)
}

/** Lets a node go: by its own wish where it runs, else by that of the others; then ends its processes. Its directory stays. */
export async function removeNode(
  dir: string,
  number: number,
  signal: AbortSignal,
): Promise<Testnet> {
  const state = await readState(dir)
  const node = state.nodes.find((one) => one.node === number)
  if (node === undefined) throw new ConfigError([`there is no node ${number}`])
  const runs = (await runningOf(state)).includes(node)
  const others: Testnet = { ...state, nodes: state.nodes.filter((one) => one !== node) }
  if (runs) await leaveByItself(state, node, signal)
  else
    await changeCommittee(
      others,
      (_, base) => {
        const index = base.members.find(({ peerId }) => peerId === node.peerId)?.index
        if (index === undefined) throw new ConfigError([`node ${number} is no member`])
        return {
          leaves: [{ index, reason: 1 }],
          t: nearestThreshold(base.members.length - 1, base.t),
        }
      },
      signal,
    )
  await endNodes([node])
  const now = { ...(await readState(dir)), nodes: others.nodes }
  await writeState(dir, now)
  return now
}

/**
 * Starts nodes again, one after the other, with whatever version is installed now; one whose bundle is another than
 * its entry says is updated by a join of its own.
 */
export async function upgradeNodes(
  dir: string,
  numbers: readonly number[],
  options: MemberOptions,
): Promise<Testnet> {
  const { signal, lifeline } = options
  for (const number of numbers) {
    const state = await readState(dir)
    const node = state.nodes.find((one) => one.node === number)
    if (node === undefined) throw new ConfigError([`there is no node ${number}`])
    const others = { ...state, nodes: state.nodes.filter((one) => one !== node) }
    const entrance = await entranceOf(others)
    await endNodes([node])
    const running = await startOne(dir, node, entrance, lifeline)
    await untilMember(running, signal)
    const { guestSig, measurement } = await askToJoin(running, `node-${number}`, signal)
    await updateEntry(dir, guestSig, measurement, signal)
  }
  return await readState(dir)
}

async function updateEntry(
  dir: string,
  guestSig: string,
  measurement: Uint8Array,
  signal: AbortSignal,
): Promise<void> {
  const state = await readState(dir)
  const [first] = await runningOf(state)
  if (first === undefined) throw new ConfigError(['no node runs'])
  const base = await atDoor(first, signal, async (door) =>
    baseOf(await door.ask('status', {}, signal), genesisOf(first)),
  )
  const entry = base.members.find((member) => toHex(member.guestSig) === guestSig)
  if (entry === undefined || toHex(entry.measurement) === toHex(measurement)) return
  await changeCommittee(
    state,
    (status, { t }) => ({
      joins: status.joins.filter((join) => guestOf(join) === guestSig),
      t,
    }),
    signal,
  )
}

async function leaveByItself(
  state: Testnet,
  node: TestnetNode,
  signal: AbortSignal,
): Promise<void> {
  const key = await operatorOf(node)
  await atDoor(node, signal, async (door) => {
    const status = await door.ask('status', {}, signal)
    const base = await baseOf(status, genesisOf(node))
    if (status.me === null || status.epoch === null)
      throw new ConfigError([`node ${node.node} is no member`])
    const leave = signObject(
      Leave,
      { committeeId: base.committeeId, e: status.epoch.e, index: status.me },
      base.networkId,
      key.sign,
    )
    const t = nearestThreshold(base.members.length - 1, base.t)
    const expiresAt = Date.now() + JOIN_MS
    const wish = { leave: toHex(signed(Leave).encode(leave)), t, expiresAt }
    const { proposalHash } = await door.ask('leave', wish, signal)
    await acceptEverywhere(state, proposalHash, signal) // another threshold needs every operator
    await untilStanding(door, ['left'], signal)
  })
}

/** An address under which others find this network. */
async function entranceOf(state: Testnet): Promise<string> {
  for (const { dir } of await runningOf(state)) {
    const said = await readRunning(nodeFiles({ dir, dataDir: dir }).running)
    const [address] = said?.multiaddrs ?? []
    if (address !== undefined) {
      formatNetworkAddress({ networkId: fromHex(state.networkId), multiaddr: address })
      return address
    }
  }
  throw new ConfigError(['no node of this network runs: "holdfast testnet up"'])
}

async function startOne(
  dir: string,
  node: TestnetNode,
  entrance: string,
  lifeline: boolean,
): Promise<TestnetNode> {
  const spawned = await spawnNode({ dir: node.dir, bootstrap: [entrance], lifeline })
  const { rpc } = await spawned.listening(LISTEN_MS)
  const [guest = null] = await childrenOf(spawned.process.pid)
  const running = { ...node, host: spawned.process, guest, rpc }
  const state = await readState(dir)
  const nodes = state.nodes.map((one) => (one.node === node.node ? running : one))
  await writeState(dir, { ...state, nodes })
  return running
}

/** Asks again until a member took it: a node that has just started has no connections yet. */
async function askToJoin(
  node: TestnetNode,
  label: string,
  signal: AbortSignal,
): Promise<{ readonly guestSig: string; readonly measurement: Uint8Array }> {
  const operator = await operatorOf(node)
  return await atDoor(node, signal, async (door) => {
    for (;;) {
      try {
        const status = await door.ask('status', {}, signal)
        const expiresAt = Date.now() + JOIN_MS
        const sent = await sendSignedJoin(door, status, { operator, label, expiresAt }, signal)
        return { guestSig: sent.guestSig, measurement: sent.join.measurement }
      } catch (error) {
        if (!isWaiting(error)) throw error
      }
      await pause(LOOK_MS, undefined, { signal })
    }
  })
}

const isWaiting = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && error.code === 'waiting'

const untilMember = (node: TestnetNode, signal: AbortSignal): Promise<void> =>
  atDoor(node, signal, (door) => untilStanding(door, ['member'], signal))

async function untilStanding(
  door: Parameters<Parameters<typeof atDoor>[2]>[0],
  wanted: readonly string[],
  signal: AbortSignal,
): Promise<void> {
  for (;;) {
    try {
      const { standing } = await door.ask('status', {}, signal)
      if (wanted.includes(standing)) return
    } catch (error) {
      if (!isWaiting(error)) throw error
    }
    await pause(LOOK_MS, undefined, { signal })
  }
}

const guestOf = (join: string): string =>
  toHex(decoded(() => SignedJoin.decode(fromHex(join))).object.guestSig)
