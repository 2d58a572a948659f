import { ed25519 } from '@noble/curves/ed25519.js'
import { equalBytes } from '@noble/curves/utils.js'
import type { Handle } from '../../protocols/kernel/kernel.ts'
import { wasmKernel } from '../../protocols/kernel/load.ts'
import { Slots } from '../../protocols/kernel/reference/slots.ts'
import { certificateMessage } from '../../protocols/keygen/key-certificate.ts'
import type { OldKey } from '../../protocols/reshare/old-keys.ts'
import {
  type ReshareCollaborators,
  type ResharedChunk,
  type ReshareParameters,
  reshareKeys,
} from '../../protocols/reshare/reshare-keys.ts'
import { type SimulationOptions, simulate } from '../../protocols/simulation/simulate.ts'
import { guestOf, NETWORK, runKeygen, type TestGuest, valuesOf } from './run-keygen.ts'
import { seeded } from './seeded.ts'
import type { OpenKernel } from './trusted-setup.ts'

/** A kernel in WebAssembly in the place of one whose slots are open. */
export const fastKernel = (seed: string): OpenKernel => ({
  kernel: wasmKernel(seeded(seed)),
  slots: new Slots(),
})

/** A committee that holds shares of some keys. */
export interface TestEpoch {
  readonly members: readonly TestGuest[]
  readonly threshold: number
  readonly keys: readonly OldKey[]
  /** By index: where the member's own kernel has them. */
  readonly shares: ReadonlyMap<number, readonly Handle<'share'>[]>
}

export async function firstEpoch(
  members: readonly TestGuest[],
  threshold: number,
  count: number,
  seed: string,
): Promise<TestEpoch> {
  const generated = valuesOf(await runKeygen(members, { threshold, count, seed }))
  const keys = (generated[0]?.keys ?? []).map((key) => ({ ...key, deviceKey: new Uint8Array() }))
  const shares = new Map(members.map(({ index }, at) => [index, generated[at]?.shares ?? []]))
  return { members, threshold, keys, shares }
}

export interface ReshareRun extends SimulationOptions {
  readonly from: TestEpoch
  readonly to: readonly TestGuest[]
  readonly threshold: number
  readonly dealers: readonly number[]
  /** Members of the old committee that lost what they had; who joins is a newcomer anyway. */
  readonly lost?: readonly number[]
  readonly seed: string
  readonly instance?: Uint8Array
  /** What a party does differently. */
  readonly alter?: (me: number, honest: ReshareCollaborators) => ReshareCollaborators
  readonly shape?: (me: number, honest: ReshareParameters) => ReshareParameters
}

/** Stores nothing; a newcomer believes what the old epoch's keys are. */
const collaboratorsOf = (
  everyone: readonly TestGuest[],
  keys: readonly OldKey[],
  me: number,
  seed: string,
): ReshareCollaborators => ({
  kernel: guestOf(everyone, me).kernel,
  random: seeded(`${seed}/party ${me}`),
  breathe: async () => undefined,
  mark: async () => undefined,
  vouched: async ({ keyId, commitment, chainCode }) =>
    keys.find(
      (key) =>
        equalBytes(key.keyId, keyId) &&
        equalBytes(key.commitment, commitment) &&
        equalBytes(key.chainCode, chainCode),
    ),
  storePending: async () => undefined,
  storeProofs: async () => undefined,
  certify: async (transcript) =>
    ed25519.sign(certificateMessage(NETWORK, transcript), guestOf(everyone, me).secret),
  verifyCertificate: (from, transcript, signature) =>
    ed25519.verify(signature, certificateMessage(NETWORK, transcript), guestOf(everyone, from).id, {
      zip215: false,
    }),
})

/** The results in party order of dealers and receivers. */
export function runReshare({
  from,
  to,
  threshold,
  dealers: dealing,
  lost = [],
  seed,
  instance,
  alter = (_, same) => same,
  shape = (_, same) => same,
  ...options
}: ReshareRun): Promise<PromiseSettledResult<ResharedChunk>[]> {
  const dealers = dealing.map((index) => guestOf(from.members, index))
  const everyone = participants(from, to, dealing)
  const old = from.members.map(({ index }) => index)
  const newcomers = to
    .map(({ index }) => index)
    .filter((index) => !old.includes(index) || lost.includes(index))
  const keyIds = from.keys.map(({ keyId }) => keyId)
  const parametersOf = (me: number): ReshareParameters => ({
    oldThreshold: from.threshold,
    threshold,
    dealers,
    receivers: to,
    newcomers,
    keyIds,
    ...(newcomers.includes(me) ? {} : { keys: from.keys }),
    ...(dealing.includes(me) ? { shares: from.shares.get(me) ?? [] } : {}),
  })
  return simulate(
    everyone.map(({ index }) => index),
    instance ?? seeded(`${seed}/instance`)(32),
    ({ me, ...party }) =>
      reshareKeys(
        { me, ...party },
        alter(me, collaboratorsOf(everyone, from.keys, me, seed)),
        shape(me, parametersOf(me)),
      ),
    options,
  )
}

/** Dealers and receivers in party order. */
export const participants = (
  from: TestEpoch,
  to: readonly TestGuest[],
  dealing: readonly number[],
): TestGuest[] =>
  [
    ...to,
    ...from.members.filter(
      ({ index }) => dealing.includes(index) && !to.some((guest) => guest.index === index),
    ),
  ].sort((a, b) => a.index - b.index)

/** What the new committee holds after a run that everyone finished. */
export function nextEpoch(
  run: Pick<ReshareRun, 'from' | 'to' | 'threshold' | 'dealers'>,
  results: readonly PromiseSettledResult<ResharedChunk>[],
): TestEpoch {
  const chunks = valuesOf(results)
  const everyone = participants(run.from, run.to, run.dealers)
  const shares = new Map(
    run.to.map(({ index }) => [
      index,
      chunks[everyone.findIndex((guest) => guest.index === index)]?.shares ?? [],
    ]),
  )
  return { members: run.to, threshold: run.threshold, keys: chunks[0]?.keys ?? [], shares }
}
