import {
  createPrivateKey,
  createPublicKey,
  type KeyObject,
  randomBytes,
  sign,
  verify,
} from 'node:crypto'
import type { Correlation, CorrelationSource } from '../protocols/correlations/correlation.ts'
import { produceCorrelations } from '../protocols/correlations/produce.ts'
import type { Random } from '../protocols/crypto/random.ts'
import type { Kernel } from '../protocols/kernel/kernel.ts'
import { wasmKernel } from '../protocols/kernel/load.ts'
import { referenceKernel } from '../protocols/kernel/reference/reference-kernel.ts'
import { type GeneratedKeys, generateKeys } from '../protocols/keygen/generate-keys.ts'
import { certificateMessage } from '../protocols/keygen/key-certificate.ts'
import { type PairSetup, setUpPair } from '../protocols/pair-setup/set-up-pair.ts'
import type { Guest } from '../protocols/session/guest.ts'
import type { Party } from '../protocols/session/round.ts'
import { derive } from '../protocols/sign/bip32.ts'
import type { PresignInputs } from '../protocols/sign/prepare.ts'
import { type Letter, simulate } from '../protocols/simulation/simulate.ts'

export type KernelName = Kernel['name']

export const NETWORK: Uint8Array = new Uint8Array(32).fill(7)
/** 02 §4.3: the largest batch. */
export const BATCH = 16

export const random: Random = (length) => new Uint8Array(randomBytes(length))
const breathe = async (): Promise<void> => undefined

/** A guest of the bench, with a kernel of its own. All of them share one thread. */
export interface Seat extends Guest {
  readonly secret: KeyObject
  readonly public: KeyObject
  readonly kernel: Kernel
  readonly pairs: Map<number, PairSetup>
  readonly correlations: Map<number, Correlation[]>
  readonly bootId: Uint8Array
}

export function seats(n: number, kernel: KernelName): Seat[] {
  const make = kernel === 'wasm' ? wasmKernel : referenceKernel
  return Array.from({ length: n }, (_, at) => {
    const secret = createPrivateKey({ key: pkcs8(random(32)), format: 'der', type: 'pkcs8' })
    const publicKey = createPublicKey(secret)
    return {
      index: at + 1,
      id: new Uint8Array(publicKey.export({ format: 'der', type: 'spki' }).subarray(-32)),
      secret,
      public: publicKey,
      kernel: make(random),
      pairs: new Map(),
      correlations: new Map(),
      bootId: random(16),
    }
  })
}

/** Ed25519 of RFC 8410: a fixed head and the 32-byte seed. */
const pkcs8 = (seed: Uint8Array): Buffer =>
  Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), seed])

/** Counts each message once for every party that receives it, as links would. */
export class Wire {
  bytes = 0
  messages = 0

  carry({ bytes }: Letter): Uint8Array {
    this.bytes += bytes.length
    this.messages++
    return bytes
  }
}

/** Every party's result, or the first failure. */
export async function everyone<T>(
  all: readonly Seat[],
  wire: Wire,
  run: (party: Party, mine: Seat) => Promise<T>,
): Promise<T[]> {
  const parties = all.map(({ index }) => index)
  const results = await simulate<T>(
    parties,
    random(32),
    (party) => run(party, seatOf(all, party.me)),
    {
      tamper: (letter) => wire.carry(letter),
    },
  )
  return results.map((result) => {
    if (result.status === 'rejected') throw result.reason
    return result.value
  })
}

/** Every pair of seats, the smaller index first. */
const pairsOf = (all: readonly Seat[]): [Seat, Seat][] =>
  all.flatMap((a) => all.filter(({ index }) => index > a.index).map((b): [Seat, Seat] => [a, b]))

export async function setUpAll(all: readonly Seat[], wire: Wire): Promise<void> {
  for (const [a, b] of pairsOf(all)) {
    const context = { networkId: NETWORK, epochId: NETWORK, attempt: 0, breathe }
    const made = await everyone([a, b], wire, (party, mine) =>
      setUpPair(party, mine.kernel, random, { ...context, mine, theirs: mine === a ? b : a }),
    )
    for (const [at, setup] of made.entries())
      (at === 0 ? a : b).pairs.set(at === 0 ? b.index : a.index, setup)
  }
}

/** A batch of correlations for every pair; what is left of older ones is wiped. */
export async function correlateAll(all: readonly Seat[], wire: Wire, count: number): Promise<void> {
  for (const [a, b] of pairsOf(all)) {
    const batches = await everyone([a, b], wire, (party, mine) => {
      const theirs = mine === a ? b : a
      const pair = mine.pairs.get(theirs.index)
      if (pair === undefined) throw new Error('bug: no setup')
      const { bootId } = mine
      const context = { networkId: NETWORK, epochId: NETWORK, batchNo: 0, count, breathe }
      return produceCorrelations(party, mine.kernel, random, {
        ...context,
        mine,
        theirs,
        pair,
        bootId,
        initiator: mine === a,
      })
    })
    for (const [at, { correlations }] of batches.entries()) {
      const [mine, theirs] = at === 0 ? [a, b] : [b, a]
      for (const { secret } of mine.correlations.get(theirs.index) ?? []) mine.kernel.wipe(secret)
      mine.correlations.set(theirs.index, [...correlations])
    }
  }
}

const sourceOf = ({ correlations }: Seat): CorrelationSource => ({
  name: (peer) => correlations.get(peer)?.shift(),
  named: (peer, id) => {
    const held = correlations.get(peer) ?? []
    const at = held.findIndex((one) => Buffer.from(one.id).equals(id))
    return at < 0 ? undefined : held.splice(at, 1)[0]
  },
})

export const keygen = (
  all: readonly Seat[],
  { threshold, count }: { threshold: number; count: number },
  wire: Wire,
): Promise<GeneratedKeys[]> =>
  everyone(all, wire, (party, { kernel, secret }) =>
    generateKeys(
      party,
      {
        kernel,
        random,
        breathe,
        storePending: async () => undefined,
        storeProofs: async () => undefined,
        certify: async (transcript) =>
          new Uint8Array(sign(null, certificateMessage(NETWORK, transcript), secret)),
        verifyCertificate: (from, transcript, signature) => {
          const message = certificateMessage(NETWORK, transcript)
          return verify(null, message, seatOf(all, from).public, signature)
        },
      },
      {
        networkId: NETWORK,
        committeeId: NETWORK,
        epochId: NETWORK,
        threshold,
        count,
        guests: all,
        quorum: all.length,
      },
    ),
  )

export const keyOf = (
  keys: readonly GeneratedKeys[],
  { index }: Seat,
): GeneratedKeys['keys'][0] => {
  const key = keys[index - 1]?.keys[0]
  if (key === undefined) throw new Error('bug: no key')
  return key
}

/** What a signature of the first key by `signers` needs, of one of them. */
export function inputsOf(
  signers: readonly Seat[],
  keys: readonly GeneratedKeys[],
  mine: Seat,
  form: 'full' | 'correlated',
): PresignInputs {
  const key = keyOf(keys, mine)
  const share = keys[mine.index - 1]?.shares[0]
  if (share === undefined) throw new Error('bug: no share')
  const inputs = {
    networkId: NETWORK,
    epochId: NETWORK,
    keyPublic: key.publicKey,
    derived: derive(key.publicKey, key.chainCode, []),
    share,
    guests: signers,
    pairs: mine.pairs,
  }
  return form === 'full' ? { ...inputs, form } : { ...inputs, form, correlations: sourceOf(mine) }
}

const seatOf = (all: readonly Seat[], index: number): Seat => {
  const seat = all.find((one) => one.index === index)
  if (seat === undefined) throw new Error('bug: no such party')
  return seat
}
