import { ed25519 } from '@noble/curves/ed25519.js'
import type { Registry } from 'prom-client'
import type { CommitteeView, ViewMember } from '../../../../enclave-runtime/host/guest.ts'
import {
  encodeNodeRecord,
  encodeSignedNodeRecord,
  nodeRecordMessage,
} from '../../../../protocols/agreement/node-record.ts'
import type { LinkTimings } from '../../../../src/node/channels/link.ts'
import { Roster } from '../../../../src/node/committee/roster.ts'
import type { NodeRecordFields } from '../../../../src/node/discovery/node-records.ts'
import type { RedialTimings } from '../../../../src/node/discovery/redial.ts'
import { peerNameOf } from '../../../../src/node/identity.ts'
import { silentLog } from '../../../../src/node/log.ts'
import { createNetwork, type Network, type NetworkConfig } from '../../../../src/node/network.ts'
import { seeded } from '../../../support/seeded.ts'

export interface TestMember extends ViewMember {
  readonly seed: Uint8Array
  readonly guestSecret: Uint8Array
}

export const NETWORK_ID: Uint8Array = new Uint8Array(32).fill(7)

/** `count` members with seeded peer keys and guest keys. */
export async function testMembers(count: number, seed: string): Promise<TestMember[]> {
  const random = seeded(seed)
  const members: TestMember[] = []
  for (let index = 1; index <= count; index++) {
    const peerSeed = random(32)
    const guestSecret = random(32)
    const guestSig = ed25519.getPublicKey(guestSecret)
    members.push({
      index,
      seed: peerSeed,
      guestSecret,
      guestSig,
      peerId: await peerNameOf(peerSeed),
      label: `node ${index}`,
    })
  }
  return members
}

/** The record that a member's guest would sign. */
export function signRecord(
  member: Pick<TestMember, 'guestSig' | 'guestSecret'>,
  fields: NodeRecordFields,
  networkId: Uint8Array = NETWORK_ID,
): Uint8Array {
  const object = encodeNodeRecord({ guestSig: member.guestSig, ...fields })
  return encodeSignedNodeRecord(
    object,
    ed25519.sign(nodeRecordMessage(networkId, object), member.guestSecret),
  )
}

/** What a guest would say of these members. */
export const viewOf = (
  members: readonly ViewMember[],
  {
    others = [],
    epoch = null,
    networkId = NETWORK_ID,
    standing = 'member',
  }: Partial<Pick<CommitteeView, 'others' | 'epoch' | 'standing'>> & {
    readonly networkId?: Uint8Array
  } = {},
): CommitteeView => ({
  epoch,
  epochId: networkId,
  t: Math.max(1, members.length - 1),
  members: members.map(entryOf),
  others: others.map(entryOf),
  standing,
})
const entryOf = ({ index, guestSig, peerId, label }: ViewMember): ViewMember => ({
  index,
  guestSig,
  peerId,
  label,
})

export interface TestNetworkOptions {
  readonly roster?: Roster
  readonly bootstrap?: readonly string[]
  readonly networkId?: Uint8Array
  readonly genesis?: Uint8Array
  readonly linkTimings?: LinkTimings
  readonly redialTimings?: RedialTimings
  readonly config?: Partial<NetworkConfig>
  readonly registry?: Registry
}

/** Short delays, so that a suite does not wait for what it does not measure. */
export const QUICK_REDIAL: RedialTimings = {
  firstMs: 100,
  maxMs: 1_000,
  jitter: 0.25,
  dialMs: 5_000,
  steadyMs: 30_000,
}

/** One member's network on loopback, with ports that the system chooses; not started. */
export function testNetwork(
  me: TestMember,
  members: readonly TestMember[],
  options: TestNetworkOptions = {},
): Promise<Network> {
  const networkId = options.networkId ?? NETWORK_ID
  return createNetwork(
    {
      profile: 'local',
      bootstrap: options.bootstrap ?? [],
      seed: me.seed,
      ...options.config,
    },
    {
      networkId,
      roster: options.roster ?? new Roster(viewOf(members, { networkId }), me.guestSig),
      genesis: options.genesis ?? new Uint8Array([1, 2, 3]),
      guestSig: me.guestSig,
      signNodeRecord: async (fields) => signRecord(me, fields, networkId),
      now: Date.now,
      log: silentLog,
      redialTimings: options.redialTimings ?? QUICK_REDIAL,
      ...(options.registry === undefined ? {} : { registry: options.registry }),
      ...(options.linkTimings === undefined ? {} : { linkTimings: options.linkTimings }),
    },
  )
}

/** Resolves when the condition holds; asked after every change that `subscribe` tells of. */
export function until(
  holds: () => boolean,
  subscribe: (changed: () => void) => () => void,
  timeoutMs = 10_000,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = (): void => {
      clearTimeout(timer)
      unsubscribe()
    }
    const check = (): void => {
      if (!holds()) return
      stop()
      resolve()
    }
    const timer = setTimeout(() => {
      unsubscribe()
      reject(new Error(`did not happen within ${timeoutMs} ms: ${holds.toString()}`))
    }, timeoutMs)
    const unsubscribe = subscribe(check)
    check()
  })
}

/** For conditions that tell nobody when they change. */
export const polling = (changed: () => void): (() => void) => {
  const timer = setInterval(changed, 20)
  return () => clearInterval(timer)
}
