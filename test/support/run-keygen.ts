import { ed25519 } from '@noble/curves/ed25519.js'
import type { Kernel } from '../../protocols/kernel/kernel.ts'
import {
  type GeneratedKeys,
  generateKeys,
  type KeygenCollaborators,
} from '../../protocols/keygen/generate-keys.ts'
import { certificateMessage } from '../../protocols/keygen/key-certificate.ts'
import type { Guest } from '../../protocols/session/guest.ts'
import { type SimulationOptions, simulate } from '../../protocols/simulation/simulate.ts'
import { seeded } from './seeded.ts'
import { type OpenKernel, openKernel } from './trusted-setup.ts'

/** A guest of a test committee, with a kernel of its own. */
export interface TestGuest extends Guest, OpenKernel {
  readonly secret: Uint8Array
}

export const NETWORK: Uint8Array = new Uint8Array(32).fill(9)
export const COMMITTEE: Uint8Array = new Uint8Array(32).fill(3)

/** `kernels` seeds the guests' randomness alone: the same guests in another session. */
export function committee(
  n: number,
  seed: string,
  kernels: string = seed,
  open: (seed: string) => OpenKernel = (name) => openKernel(seeded(name)),
): TestGuest[] {
  return Array.from({ length: n }, (_, at) => {
    const secret = seeded(`${seed}/guest ${at + 1}`)(32)
    const id = ed25519.getPublicKey(secret)
    return { index: at + 1, id, secret, ...open(`${kernels}/kernel ${at + 1}`) }
  })
}

export const guestOf = (guests: readonly TestGuest[], index: number): TestGuest => {
  const found = guests.find((guest) => guest.index === index)
  if (found === undefined) throw new Error(`no guest ${index}`)
  return found
}

/** Stores nothing; signs and verifies with the test guests' keys. */
export const collaboratorsOf = (
  guests: readonly TestGuest[],
  me: number,
  seed: string,
  kernel: Kernel = guestOf(guests, me).kernel,
): KeygenCollaborators => ({
  kernel,
  random: seeded(`${seed}/party ${me}`),
  breathe: async () => undefined,
  storePending: async () => undefined,
  storeProofs: async () => undefined,
  certify: async (transcript) =>
    ed25519.sign(certificateMessage(NETWORK, transcript), guestOf(guests, me).secret),
  verifyCertificate: (from, transcript, signature) =>
    ed25519.verify(signature, certificateMessage(NETWORK, transcript), guestOf(guests, from).id, {
      zip215: false,
    }),
})

export interface KeygenRun extends SimulationOptions {
  readonly threshold: number
  readonly count?: number
  readonly seed: string
  readonly instance?: Uint8Array
  /** What a party does differently. */
  readonly alter?: (me: number, honest: KeygenCollaborators) => KeygenCollaborators
}

export const runKeygen = (
  guests: readonly TestGuest[],
  { threshold, count = 1, seed, instance, alter = (_, same) => same, ...options }: KeygenRun,
): Promise<PromiseSettledResult<GeneratedKeys>[]> =>
  simulate(
    guests.map(({ index }) => index),
    instance ?? seeded(`${seed}/instance`)(32),
    (party) =>
      generateKeys(party, alter(party.me, collaboratorsOf(guests, party.me, seed)), {
        networkId: NETWORK,
        committeeId: COMMITTEE,
        epochId: NETWORK,
        threshold,
        count,
        guests,
        quorum: Math.max(threshold, Math.ceil((2 * guests.length) / 3)),
      }),
    options,
  )

/** The values of runs that all succeeded; the first reason of one that did not. */
export function valuesOf<T>(results: readonly PromiseSettledResult<T>[]): T[] {
  return results.map((result) => {
    if (result.status === 'rejected') throw result.reason
    return result.value
  })
}
