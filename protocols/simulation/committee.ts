import { ed25519 } from '@noble/curves/ed25519.js'
import { produceCorrelations } from '../correlations/produce.ts'
import type { Random } from '../crypto/random.ts'
import type { Kernel, Signature } from '../kernel/kernel.ts'
import { type GeneratedKeys, generateKeys } from '../keygen/generate-keys.ts'
import { certificateMessage } from '../keygen/key-certificate.ts'
import { type PairSetup, setUpPair } from '../pair-setup/set-up-pair.ts'
import type { PartyIndex } from '../session/faults.ts'
import { type Guest, guestAt } from '../session/guest.ts'
import { FORMS, instanceId, KINDS } from '../session/instance.ts'
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
  readonly pairs: Map<PartyIndex, PairSetup>
  readonly correlations: SimulatedPool
}

/** All guests of a committee, and where their chance comes from. */
export interface SimulatedCommittee {
  readonly guests: readonly SimulatedGuest[]
  readonly threshold: number
  readonly random: Random
  /** What happens to letters, and who hears of failures, in everything that this committee does. */
  readonly options?: SimulationOptions
}

/** One generated key, with the shares of all guests where their kernels are. */
export interface SimulatedKey {
  readonly index: number
  /** By position of the guest. */
  readonly generated: readonly GeneratedKeys[]
}

const NETWORK = new Uint8Array(32).fill(0x51) // any: the same for all of a simulation
const COMMITTEE = new Uint8Array(32).fill(0xc0)
const BOOT_BYTES = 16
const breathe = async (): Promise<void> => undefined // nothing else waits in a simulation

/** `size` guests with new ids, each with a kernel of its own; nothing is set up yet. */
export function committeeOf(
  size: number,
  threshold: number,
  random: Random,
  kernelOf: (index: PartyIndex) => Kernel,
  options: SimulationOptions = {},
): SimulatedCommittee {
  const guests = Array.from({ length: size }, (_, at): SimulatedGuest => {
    const signingKey = random(32)
    return {
      index: at + 1,
      id: ed25519.getPublicKey(signingKey),
      kernel: kernelOf(at + 1),
      signingKey,
      pairs: new Map(),
      correlations: new SimulatedPool(),
    }
  })
  return { guests, threshold, random, options }
}

/** A pair setup of every two of these guests (02 §2); of all without `indices`. */
export async function setUpPairs(
  committee: SimulatedCommittee,
  indices: readonly PartyIndex[] = indicesOf(committee),
): Promise<void> {
  for (const [a, b] of pairsOf(indices))
    await among(committee, [a, b], KINDS.pairSetup, FORMS.none, async (party, mine, [theirs]) => {
      const context = { ...EVERYWHERE, attempt: 0, mine, theirs: only(theirs), breathe }
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
        ...EVERYWHERE,
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
export async function generateFor(
  committee: SimulatedCommittee,
  count: number,
): Promise<SimulatedKey[]> {
  const { guests, threshold, random } = committee
  const generated = await among(
    committee,
    indicesOf(committee),
    KINDS.keygen,
    FORMS.none,
    (party, { kernel, signingKey }) =>
      generateKeys(
        party,
        {
          kernel,
          random,
          breathe,
          storePending: async () => undefined,
          storeProofs: async () => undefined,
          certify: async (transcript) =>
            ed25519.sign(certificateMessage(NETWORK, transcript), signingKey),
          verifyCertificate: (from, transcript, signature) =>
            ed25519.verify(
              signature,
              certificateMessage(NETWORK, transcript),
              guestAt(guests, from).id,
              { zip215: false },
            ),
        },
        { ...EVERYWHERE, committeeId: COMMITTEE, threshold, count, guests, quorum: guests.length },
      ),
  )
  return Array.from({ length: count }, (_, index) => ({ index, generated }))
}

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

const EVERYWHERE = { networkId: NETWORK, epochId: NETWORK }

/** Runs one conversation among these guests; the values in their order, or the first failure. */
async function among<T>(
  { guests, random, options }: SimulatedCommittee,
  indices: readonly PartyIndex[],
  kind: (typeof KINDS)[keyof typeof KINDS],
  form: (typeof FORMS)[keyof typeof FORMS],
  run: (party: Party, mine: SimulatedGuest, others: readonly SimulatedGuest[]) => Promise<T>,
): Promise<T[]> {
  const everyone = [...indices].sort((a, b) => a - b)
  const present = everyone.map((index) => only(guests.find((guest) => guest.index === index)))
  const coordinatorNonce = random(32)
  const fields = { kind, ...EVERYWHERE, participants: present, form, attempt: 0, coordinatorNonce }
  const results = await simulate(
    everyone,
    instanceId(fields),
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
  { guests }: SimulatedCommittee,
  key: SimulatedKey,
  signers: readonly PartyIndex[],
  mine: SimulatedGuest,
  path: readonly number[],
) {
  const { publicKey, chainCode } = recordOf(key, mine)
  return {
    ...EVERYWHERE,
    keyPublic: publicKey,
    derived: derive(publicKey, chainCode, path),
    share: only(only(key.generated[mine.index - 1]).shares[key.index]),
    guests: signers.map((index) => guestAt(guests, index)),
    pairs: mine.pairs,
  }
}

const recordOf = ({ generated, index }: SimulatedKey, mine: SimulatedGuest) =>
  only(only(generated[mine.index - 1]).keys[index])

const formOf = (mine: SimulatedGuest, form: 'full' | 'correlated'): SigningForm =>
  form === 'full' ? { form } : { form, correlations: mine.correlations }

const numberOf = (form: 'full' | 'correlated') => (form === 'full' ? FORMS.full : FORMS.correlated)

const indicesOf = ({ guests }: SimulatedCommittee): PartyIndex[] => guests.map(({ index }) => index)

const pairsOf = (indices: readonly PartyIndex[]): [PartyIndex, PartyIndex][] =>
  indices.flatMap((a) => indices.filter((b) => b > a).map((b): [PartyIndex, PartyIndex] => [a, b]))

function only<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('bug: not set up, or no guest of this committee')
  return value
}
