import { ed25519, x25519 } from '@noble/curves/ed25519.js'
import { produceCorrelations } from '../correlations/produce.ts'
import type { Random } from '../crypto/random.ts'
import type { Handle, Kernel, Signature } from '../kernel/kernel.ts'
import {
  type GeneratedKeys,
  generateKeys,
  type KeygenCollaborators,
  type KeyRecord,
} from '../keygen/generate-keys.ts'
import { certificateMessage } from '../keygen/key-certificate.ts'
import { openMailbox } from '../keygen/open-mailbox.ts'
import { openPart } from '../keygen/sealed-part.ts'
import { type PairSetup, setUpPair } from '../pair-setup/set-up-pair.ts'
import type { PartyIndex } from '../session/faults.ts'
import { type Guest, guestAt } from '../session/guest.ts'
import { FORMS, type InstanceFields, instanceId, KINDS } from '../session/instance.ts'
import type { Party } from '../session/round.ts'
import { derive } from '../sign/bip32.ts'
import type { SigningForm } from '../sign/prepare.ts'
import { type Presignature, presign } from '../sign/presign.ts'
import { sign } from '../sign/sign.ts'
import { signOnline } from '../sign/sign-online.ts'
import { SimulatedPool } from './pool.ts'
import { type SimulationOptions, simulate } from './simulate.ts'

/** One guest of a committee in this process, with everything that it holds. */
export interface SimulatedGuest extends Guest {
  readonly kernel: Kernel
  /** The key that certifies what it generated, Ed25519. */
  readonly signingKey: Uint8Array
  /** The secret of its epoch prekey, X25519: opens what it missed. */
  readonly prekey: Uint8Array
  readonly pairs: Map<PartyIndex, PairSetup>
  readonly correlations: SimulatedPool
}

/** All guests of a committee, and where their chance comes from. */
export interface SimulatedCommittee {
  readonly guests: readonly SimulatedGuest[]
  readonly threshold: number
  readonly random: Random
  /** Another one in every epoch; pair setups and correlations are of one epoch alone. */
  readonly epochId: Uint8Array
  /** What happens to letters, and who hears of failures, in everything that this committee does. */
  readonly options?: SimulationOptions
}

/** One guest's part of all keys that were made in one run. */
export interface SimulatedShares {
  readonly keys: readonly KeyRecord[]
  readonly shares: readonly Handle<'share'>[]
}

/** One key, with the shares of all guests that have one where their kernels are. */
export interface SimulatedKey {
  /** Its place in the run. */
  readonly index: number
  readonly held: ReadonlyMap<PartyIndex, SimulatedShares>
}

/** Keys of one run, and what members that were absent need to get their shares. */
export interface SimulatedRun {
  readonly instanceId: Uint8Array
  readonly absent: readonly PartyIndex[]
  readonly generated: ReadonlyMap<PartyIndex, GeneratedKeys>
}

export const NETWORK: Uint8Array = new Uint8Array(32).fill(0x51) // any: the same for all of a simulation
const COMMITTEE = new Uint8Array(32).fill(0xc0)
const BOOT_BYTES = 16
export const breathe = async (): Promise<void> => undefined // nothing else waits in a simulation

/** `size` guests with new ids, each with a kernel of its own; nothing is set up yet. */
export function committeeOf(
  size: number,
  threshold: number,
  random: Random,
  kernelOf: (index: PartyIndex) => Kernel,
  options: SimulationOptions = {},
): SimulatedCommittee {
  const guests = Array.from({ length: size }, (_, at) => guestWith(at + 1, random, kernelOf))
  return { guests, threshold, random, epochId: NETWORK, options }
}

/** A new guest with an id of its own. */
export function guestWith(
  index: PartyIndex,
  random: Random,
  kernelOf: (index: PartyIndex) => Kernel,
): SimulatedGuest {
  const signingKey = random(32)
  return {
    index,
    id: ed25519.getPublicKey(signingKey),
    kernel: kernelOf(index),
    signingKey,
    prekey: random(32),
    pairs: new Map(),
    correlations: new SimulatedPool(),
  }
}

/** A pair setup of every two of these guests (02 §2); of all without `indices`. */
export async function setUpPairs(
  committee: SimulatedCommittee,
  indices: readonly PartyIndex[] = indicesOf(committee),
): Promise<void> {
  for (const [a, b] of pairsOf(indices))
    await among(committee, [a, b], KINDS.pairSetup, FORMS.none, async (party, mine, [theirs]) => {
      const context = { ...contextOf(committee), attempt: 0, mine, theirs: only(theirs), breathe }
      const setup = await setUpPair(party, mine.kernel, committee.random, context)
      mine.pairs.set(only(theirs).index, setup)
    })
}

/** `count` correlations for every two of these guests (02 §4.3), in each one's pool; the smaller index begins. */
export async function produceForPairs(
  committee: SimulatedCommittee,
  count: number,
  batchNo: number,
  indices: readonly PartyIndex[] = indicesOf(committee),
): Promise<void> {
  for (const [a, b] of pairsOf(indices))
    await among(committee, [a, b], KINDS.correlations, FORMS.none, async (party, mine, [other]) => {
      const theirs = only(other)
      const { correlations } = await produceCorrelations(party, mine.kernel, committee.random, {
        ...contextOf(committee),
        mine,
        theirs,
        pair: only(mine.pairs.get(theirs.index)),
        bootId: mine.id.slice(0, BOOT_BYTES), // a simulated guest starts once
        peerBootId: theirs.id.slice(0, BOOT_BYTES),
        batchNo,
        count,
        initiator: mine.index < theirs.index,
        breathe,
      })
      mine.correlations.put(theirs.index, ...correlations)
    })
}

/** `count` keys of the whole committee in one run (02 §5). */
export const generateFor = async (
  committee: SimulatedCommittee,
  count: number,
): Promise<SimulatedKey[]> => keysOf((await generateWithout(committee, count, [])).generated)

/** `count` keys, made while these members are absent; they get their shares by `fetchFor`. */
export async function generateWithout(
  committee: SimulatedCommittee,
  count: number,
  absent: readonly PartyIndex[],
): Promise<SimulatedRun> {
  const { guests, threshold, random } = committee
  const present = guests.filter(({ index }) => !absent.includes(index))
  const faulty = Math.floor((guests.length - 1) / 3)
  const fields = {
    kind: KINDS.keygen,
    form: FORMS.none,
    participants: { dealers: present, receivers: guests },
  }
  const results = await converse(committee, present, fields, async (party, mine) => {
    const generated = await generateKeys(
      party,
      {
        kernel: mine.kernel,
        random,
        breathe,
        storePending: async () => undefined,
        storeProofs: async () => undefined,
        ...certifying(guests, mine),
      },
      {
        ...contextOf(committee),
        committeeId: COMMITTEE,
        threshold,
        count,
        guests,
        quorum: Math.max(threshold, Math.ceil((2 * guests.length) / 3)),
        absent: new Map(
          guests
            .filter(({ index }) => absent.includes(index))
            .map(({ index, prekey }) => [index, x25519.getPublicKey(prekey)]),
        ),
        holders: Math.min(guests.length, threshold + faulty),
      },
    )
    return { instanceId: party.instanceId, generated }
  })
  return {
    instanceId: only(results[0]).instanceId,
    absent,
    generated: new Map(present.map(({ index }, at) => [index, only(results[at]).generated])),
  }
}

/** The keys of a run once all who were absent opened what the others keep for them (02 §5). */
export async function fetchFor(
  { guests, threshold }: SimulatedCommittee,
  { instanceId, absent, generated }: SimulatedRun,
): Promise<SimulatedKey[]> {
  const held = new Map<PartyIndex, SimulatedShares>(generated)
  const { transcript, keys } = only(generated.values().next().value)
  const kept = new Map([...generated].map(([keeper, { mailbox }]) => [keeper, mailbox]))
  for (const me of absent) {
    const mine = only(guests.find(({ index }) => index === me))
    const opened = await openMailbox(
      {
        kernel: mine.kernel,
        breathe,
        open: (info, sealed) => openPart(mine.prekey, info, sealed),
        storePending: async () => undefined,
      },
      {
        networkId: NETWORK,
        threshold,
        count: keys.length,
        guests,
        me,
        instanceId,
        absent,
        transcript,
        kept,
      },
    )
    held.set(me, only(opened).pending)
  }
  return keysOf(held)
}

/** The keys that all these hold. */
export const keysOf = (held: ReadonlyMap<PartyIndex, SimulatedShares>): SimulatedKey[] =>
  only(held.values().next().value).keys.map((_, index) => ({ index, held }))

/** How a guest signs T, and checks the signatures of the others. */
export const certifying = (
  guests: readonly SimulatedGuest[],
  { signingKey }: SimulatedGuest,
): Pick<KeygenCollaborators, 'certify' | 'verifyCertificate'> => ({
  certify: async (transcript) => ed25519.sign(certificateMessage(NETWORK, transcript), signingKey),
  verifyCertificate: (from, transcript, signature) =>
    ed25519.verify(signature, certificateMessage(NETWORK, transcript), guestAt(guests, from).id, {
      zip215: false,
    }),
})

/** A signature by exactly t signers in form (a) or (b), as each of them got it. */
export const signWith = (
  committee: SimulatedCommittee,
  key: SimulatedKey,
  signers: readonly PartyIndex[],
  digest: Uint8Array,
  form: 'full' | 'correlated',
  path: readonly number[] = [],
): Promise<Signature[]> =>
  among(committee, signers, KINDS.signature, numberOf(form), (party, mine) =>
    sign(party, mine.kernel, committee.random, {
      ...setOf(committee, key, signers, mine, path),
      ...formOf(mine, form),
      digest,
    }),
  )

/** A presignature by exactly t signers, as each of them holds its part. */
export const presignWith = (
  committee: SimulatedCommittee,
  key: SimulatedKey,
  signers: readonly PartyIndex[],
  form: 'full' | 'correlated',
  path: readonly number[] = [],
): Promise<Presignature[]> =>
  among(committee, signers, KINDS.presignature, numberOf(form), (party, mine) =>
    presign(party, mine.kernel, committee.random, {
      ...setOf(committee, key, signers, mine, path),
      ...formOf(mine, form),
      keyId: recordOf(key, mine).keyId,
    }),
  )

/** Form (c): the one message that makes a presignature a signature. */
export const signPresigned = (
  committee: SimulatedCommittee,
  presignatures: readonly Presignature[],
  digest: Uint8Array,
): Promise<Signature[]> => {
  const signers = only(presignatures[0]).signers
  return among(committee, signers, KINDS.signature, FORMS.presigned, (party, { kernel, index }) =>
    signOnline(party, kernel, only(presignatures[signers.indexOf(index)]), digest, NETWORK),
  )
}

const contextOf = ({ epochId }: SimulatedCommittee) => ({ networkId: NETWORK, epochId })

/** Runs one conversation among these guests of a committee; the values in their order, or the first failure. */
const among = <T>(
  committee: SimulatedCommittee,
  indices: readonly PartyIndex[],
  kind: InstanceFields['kind'],
  form: InstanceFields['form'],
  run: (party: Party, mine: SimulatedGuest, others: readonly SimulatedGuest[]) => Promise<T>,
): Promise<T[]> => {
  const everyone = [...indices].sort((a, b) => a - b)
  const present = everyone.map((index) =>
    only(committee.guests.find((guest) => guest.index === index)),
  )
  return converse(committee, present, { kind, form, participants: present }, run)
}

/** Runs one conversation among these guests, in party order; the values in their order, or the first failure. */
export async function converse<T>(
  committee: SimulatedCommittee,
  present: readonly SimulatedGuest[],
  fields: Pick<InstanceFields, 'kind' | 'form' | 'participants' | 'keyIds'>,
  run: (party: Party, mine: SimulatedGuest, others: readonly SimulatedGuest[]) => Promise<T>,
): Promise<T[]> {
  const { random, options } = committee
  const coordinatorNonce = random(32)
  const results = await simulate(
    present.map(({ index }) => index),
    instanceId({ ...fields, ...contextOf(committee), attempt: 0, coordinatorNonce }),
    (party) => {
      const mine = only(present.find(({ index }) => index === party.me))
      return run(
        party,
        mine,
        present.filter((guest) => guest !== mine),
      )
    },
    options,
  )
  return results.map((result) => {
    if (result.status === 'rejected') throw result.reason
    return result.value
  })
}

/** Key, path, share, signers and setups of one guest. */
function setOf(
  committee: SimulatedCommittee,
  key: SimulatedKey,
  signers: readonly PartyIndex[],
  mine: SimulatedGuest,
  path: readonly number[],
) {
  const { publicKey, chainCode } = recordOf(key, mine)
  return {
    ...contextOf(committee),
    keyPublic: publicKey,
    derived: derive(publicKey, chainCode, path),
    share: only(partOf(key, mine).shares[key.index]),
    guests: signers.map((index) => guestAt(committee.guests, index)),
    pairs: mine.pairs,
  }
}

const partOf = ({ held }: SimulatedKey, { index }: SimulatedGuest) => only(held.get(index))

const recordOf = (key: SimulatedKey, mine: SimulatedGuest) =>
  only(partOf(key, mine).keys[key.index])

const formOf = (mine: SimulatedGuest, form: 'full' | 'correlated'): SigningForm =>
  form === 'full' ? { form } : { form, correlations: mine.correlations }

const numberOf = (form: 'full' | 'correlated') => (form === 'full' ? FORMS.full : FORMS.correlated)

const indicesOf = ({ guests }: SimulatedCommittee): PartyIndex[] => guests.map(({ index }) => index)

const pairsOf = (indices: readonly PartyIndex[]): [PartyIndex, PartyIndex][] =>
  indices.flatMap((a) => indices.filter((b) => b > a).map((b): [PartyIndex, PartyIndex] => [a, b]))

export function only<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('bug: not set up, or no guest of this committee')
  return value
}
