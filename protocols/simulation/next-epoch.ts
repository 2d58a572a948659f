import { equalBytes } from '@noble/curves/utils.js'
import type { Kernel } from '../kernel/kernel.ts'
import type { OldKey } from '../reshare/old-keys.ts'
import { type ResharedChunk, reshareKeys } from '../reshare/reshare-keys.ts'
import type { PartyIndex } from '../session/faults.ts'
import { FORMS, KINDS } from '../session/instance.ts'
import {
  breathe,
  certifying,
  converse,
  guestWith,
  keysOf,
  only,
  type SimulatedCommittee,
  type SimulatedGuest,
  type SimulatedKey,
} from './committee.ts'
import { SimulatedPool } from './pool.ts'

/** Who is in the next epoch; without a field as it was. */
export interface NextEpoch {
  readonly leave?: readonly PartyIndex[]
  /** How many join; indices go on. */
  readonly join?: number
  readonly threshold?: number
}

/**
 * The committee of the next epoch, without keys, setups or correlations: both epochs are there side by side, in the
 * same kernels.
 */
export function nextEpoch(
  committee: SimulatedCommittee,
  { leave = [], join = 0, threshold = committee.threshold }: NextEpoch,
  kernelOf: (index: PartyIndex) => Kernel,
): SimulatedCommittee {
  const { guests, random } = committee
  const last = Math.max(...guests.map(({ index }) => index))
  const staying = guests
    .filter(({ index }) => !leave.includes(index))
    .map((guest) => ({
      ...guest,
      prekey: random(32),
      pairs: new Map(),
      correlations: new SimulatedPool(),
    }))
  const joining = Array.from({ length: join }, (_, at) =>
    guestWith(last + 1 + at, random, kernelOf),
  )
  return { ...committee, guests: [...staying, ...joining], threshold, epochId: random(32) }
}

/** Gives the keys of one committee to another, dealt by exactly t members of the old one (02 §8). */
export async function reshareTo(
  next: SimulatedCommittee,
  from: SimulatedCommittee,
  keys: readonly SimulatedKey[],
  dealing: readonly PartyIndex[],
): Promise<SimulatedKey[]> {
  const dealers = from.guests.filter(({ index }) => dealing.includes(index))
  const isIn = ({ guests }: SimulatedCommittee, { index }: SimulatedGuest) =>
    guests.some((guest) => guest.index === index)
  const newcomers = next.guests.filter((guest) => !isIn(from, guest))
  const present = [...next.guests, ...dealers.filter((guest) => !isIn(next, guest))].sort(
    (a, b) => a.index - b.index,
  )
  const old = keys.map((key) => oldKey(key, only(dealers[0])))
  const parameters = {
    oldThreshold: from.threshold,
    threshold: next.threshold,
    dealers,
    receivers: next.guests,
    newcomers: newcomers.map(({ index }) => index),
    keyIds: old.map(({ keyId }) => keyId),
  }
  const fields = {
    kind: KINDS.reshare,
    form: FORMS.none,
    keyIds: parameters.keyIds,
    participants: { dealers, receivers: next.guests },
  }
  const chunks = await converse(next, present, fields, (party, mine): Promise<ResharedChunk> => {
    const shares = keys.map(({ index, held }) => held.get(mine.index)?.shares[index])
    return reshareKeys(
      party,
      {
        kernel: mine.kernel,
        random: next.random,
        breathe,
        mark: async () => undefined,
        // A simulated newcomer knows what the old epoch's certificates say.
        vouched: async ({ keyId, commitment, chainCode }) =>
          old.find(
            (key) =>
              equalBytes(key.keyId, keyId) &&
              equalBytes(key.commitment, commitment) &&
              equalBytes(key.chainCode, chainCode),
          ),
        storePending: async () => undefined,
        storeProofs: async () => undefined,
        ...certifying(present, mine),
      },
      {
        ...parameters,
        ...(newcomers.includes(mine) ? {} : { keys: old }),
        ...(dealers.some(({ index }) => index === mine.index) ? { shares: shares.map(only) } : {}),
      },
    )
  })
  return keysOf(
    new Map(
      next.guests.map((guest) => [guest.index, only(chunks[present.indexOf(guest)])] as const),
    ),
  )
}

const oldKey = ({ held, index }: SimulatedKey, knows: SimulatedGuest): OldKey => ({
  ...only(only(held.get(knows.index)).keys[index]),
  deviceKey: new Uint8Array(),
})
