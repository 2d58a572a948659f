import { x25519 } from '@noble/curves/ed25519.js'
import {
  type GeneratedKeys,
  generateKeys,
  type KeygenCollaborators,
} from '../../protocols/keygen/generate-keys.ts'
import type { Mailbox } from '../../protocols/keygen/mailbox.ts'
import {
  type MailboxCollaborators,
  type MailboxParameters,
  openMailbox,
} from '../../protocols/keygen/open-mailbox.ts'
import { openPart } from '../../protocols/keygen/sealed-part.ts'
import { type SimulationOptions, simulate } from '../../protocols/simulation/simulate.ts'
import { COMMITTEE, collaboratorsOf, guestOf, NETWORK, type TestGuest } from './run-keygen.ts'
import { seeded } from './seeded.ts'

export interface AbsentRun extends SimulationOptions {
  readonly guests: readonly TestGuest[]
  readonly absent: readonly number[]
  readonly threshold: number
  readonly count: number
  readonly quorum: number
  readonly holders: number
  readonly seed: string
  readonly alter?: (me: number, honest: KeygenCollaborators) => KeygenCollaborators
}

const prekeySecret = (index: number): Uint8Array => seeded(`prekey ${index}`)(32)
const instanceOf = (seed: string): Uint8Array => seeded(`${seed}/instance`)(32)

/** A key generation of the members present; the results are theirs, in party order. */
export const runWithAbsent = ({
  guests,
  absent,
  threshold,
  count,
  quorum,
  holders,
  seed,
  alter = (_, same) => same,
  ...options
}: AbsentRun): Promise<PromiseSettledResult<GeneratedKeys>[]> =>
  simulate(
    guests.map(({ index }) => index).filter((index) => !absent.includes(index)),
    instanceOf(seed),
    (party) =>
      generateKeys(party, alter(party.me, collaboratorsOf(guests, party.me, seed)), {
        networkId: NETWORK,
        committeeId: COMMITTEE,
        epochId: NETWORK,
        threshold,
        count,
        guests,
        quorum,
        absent: new Map(absent.map((index) => [index, x25519.getPublicKey(prekeySecret(index))])),
        holders,
      }),
    options,
  )

/** What opens the parts that were sealed to this member. */
export const opener =
  (me: number): MailboxCollaborators['open'] =>
  (info, sealed) =>
    openPart(prekeySecret(me), info, sealed)

export type Fetched = Pick<MailboxParameters, 'transcript' | 'kept'>

/** An absent member opens what it fetched from these keepers. */
export const openAs = (
  me: number,
  { guests, absent, threshold, count, seed }: AbsentRun,
  fetched: Fetched,
  change: Partial<MailboxCollaborators> = {},
): ReturnType<typeof openMailbox> =>
  openMailbox(
    {
      kernel: guestOf(guests, me).kernel,
      breathe: async () => undefined,
      open: opener(me),
      storePending: async () => undefined,
      ...change,
    },
    {
      networkId: NETWORK,
      threshold,
      count,
      guests,
      me,
      instanceId: instanceOf(seed),
      absent,
      ...fetched,
    },
  )

/** What all who dealt keep, and the T that they named. */
export function fetchedFrom(
  { guests, absent }: AbsentRun,
  generated: readonly GeneratedKeys[],
): Fetched {
  const dealers = guests.filter(({ index }) => !absent.includes(index))
  const kept = new Map<number, Mailbox>(
    dealers.map(({ index }, at) => [index, generated[at]?.mailbox ?? new Map()]),
  )
  return { transcript: generated[0]?.transcript ?? new Uint8Array(), kept }
}
