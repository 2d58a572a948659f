import { createHash, createPublicKey, ECDH, randomBytes, verify } from 'node:crypto'
import { ed25519 } from '@noble/curves/ed25519.js'
import type { Random } from '../protocols/crypto/random.ts'
import type { Kernel, Signature } from '../protocols/kernel/kernel.ts'
import { referenceKernel } from '../protocols/kernel/reference/reference-kernel.ts'
import { type GeneratedKeys, generateKeys } from '../protocols/keygen/generate-keys.ts'
import { certificateMessage } from '../protocols/keygen/key-certificate.ts'
import { type PairSetup, setUpPair } from '../protocols/pair-setup/set-up-pair.ts'
import type { Guest } from '../protocols/session/guest.ts'
import { derive } from '../protocols/sign/bip32.ts'
import { type Presignature, presign } from '../protocols/sign/presign.ts'
import { type SigningInputs, sign } from '../protocols/sign/sign.ts'
import { signOnline } from '../protocols/sign/sign-online.ts'
import { type Letter, simulate } from '../protocols/simulation/simulate.ts'
import { type Run, repeat, round, type Spread, spread, timed, voidReason } from './measure.ts'

export const OPS = ['setup', 'keygen', 'sign'] as const
export type Op = (typeof OPS)[number]

export interface ProtocolBench {
  readonly op: Op
  /** (a) in full, (c) from a presignature. */
  readonly form: 'a' | 'c'
  readonly n: number
  readonly t: number
  readonly runs: number
  readonly warmup: number
  /** A slowdown planted by a test, in milliseconds per party and run. */
  readonly plantedMs?: number
}

/** The line that ours and the peers' benches share (spec 10 §6.3). */
export interface Line {
  readonly peer: string
  readonly op: string
  readonly n: number
  readonly t: number
  readonly runs: number
  readonly perPartyMs: Spread
  readonly bytesPerParty: number
}

export interface Details {
  readonly form: 'a' | 'c' | 'none'
  readonly cpuMs: Spread
  readonly messagesPerParty: number
  /** What was done before, and is not in the numbers. */
  readonly before: {
    readonly setupMs?: number
    readonly presignMs?: number
    readonly bytes: number
  }
  readonly node: string
  readonly kernel: string
  readonly void: string | undefined
}

const NETWORK = new Uint8Array(32).fill(7)
const random: Random = (length) => new Uint8Array(randomBytes(length))
const MESSAGE = Buffer.from('holdfast: protocol benchmark')
const DIGEST = new Uint8Array(createHash('sha256').update(MESSAGE).digest())

/** A guest of the bench, with a kernel of its own. All of them share one thread. */
interface Seat extends Guest {
  readonly secret: Uint8Array
  readonly kernel: Kernel
  readonly pairs: Map<number, PairSetup>
}

/**
 * Times one operation of all parties in this thread; a run's time is everybody's work divided by the
 * parties that took part. `keygen` includes the pair setups, because that is what peers call a key
 * generation; `setup` is one pair, both directions.
 */
export async function measureProtocol(
  options: ProtocolBench,
): Promise<Line & { details: Details }> {
  const { op, n, t, runs, warmup } = options
  const parties = op === 'setup' ? 2 : op === 'keygen' ? n : t
  const { work, before, form } = await prepare(options)
  const measured = await repeat({ runs, warmup }, work)
  const perParty = (value: (run: Run) => number): number[] =>
    measured.map((run) => value(run) / parties)
  return {
    peer: 'holdfast',
    op,
    n,
    t,
    runs,
    perPartyMs: spread(perParty(({ ms }) => ms)),
    bytesPerParty: Math.round(spread(perParty(({ bytes }) => bytes)).median),
    details: {
      form,
      cpuMs: spread(perParty(({ cpuMs }) => cpuMs)),
      messagesPerParty: spread(perParty(({ messages }) => messages)).median,
      before,
      node: process.version,
      kernel: 'reference',
      void: voidReason(measured),
    },
  }
}

async function prepare({ op, form, n, t, plantedMs = 0 }: ProtocolBench): Promise<{
  work: () => Promise<Run>
  before: Details['before']
  form: Details['form']
}> {
  const measure = async (conversation: (wire: Wire) => Promise<void>): Promise<Run> => {
    const wire = new Wire()
    const { ms, cpuMs } = await timed(async () => {
      await conversation(wire)
      idle(plantedMs)
    })
    return { ms, cpuMs, bytes: wire.bytes, messages: wire.messages }
  }
  if (op === 'setup')
    return {
      work: () => measure((wire) => setUpAll(seats(2), wire)),
      before: { bytes: 0 },
      form: 'none',
    }
  if (op === 'keygen')
    return {
      work: () =>
        measure(async (wire) => {
          const all = seats(n)
          await setUpAll(all, wire)
          await keygen(all, t, wire)
        }),
      before: { bytes: 0 },
      form: 'none',
    }

  const all = seats(n)
  const signers = all.slice(0, t)
  const wire = new Wire()
  const setup = await timed(() => setUpAll(signers, wire))
  const keys = await keygen(all, t, new Wire())
  const setupMs = round(setup.ms / t)
  if (form === 'a')
    return {
      work: () => measure((wire) => signAll(signers, keys, wire)),
      before: { setupMs, bytes: wire.bytes / t },
      form,
    }
  const presigned = await timed(() => presignAll(signers, keys, new Wire()))
  return {
    // The presignature is made outside of what is measured, and named beside it.
    work: async () => {
      const presignatures = await presignAll(signers, keys, new Wire())
      return measure((wire) => onlineAll(signers, presignatures, wire))
    },
    before: { setupMs, presignMs: round(presigned.ms / t), bytes: wire.bytes / t },
    form,
  }
}

const seats = (n: number): Seat[] =>
  Array.from({ length: n }, (_, at) => {
    const secret = random(32)
    return {
      index: at + 1,
      id: ed25519.getPublicKey(secret),
      secret,
      kernel: referenceKernel(random),
      pairs: new Map(),
    }
  })

async function setUpAll(all: readonly Seat[], wire: Wire): Promise<void> {
  for (const a of all)
    for (const b of all.filter(({ index }) => index > a.index)) {
      const made = await everyone([a, b], wire, (party, mine) =>
        setUpPair(party, mine.kernel, random, {
          networkId: NETWORK,
          epochId: NETWORK,
          attempt: 0,
          mine,
          theirs: mine === a ? b : a,
          breathe: async () => undefined,
        }),
      )
      for (const [at, setup] of made.entries())
        (at === 0 ? a : b).pairs.set(at === 0 ? b.index : a.index, setup)
    }
}

const keygen = (all: readonly Seat[], threshold: number, wire: Wire): Promise<GeneratedKeys[]> =>
  everyone(all, wire, (party, { kernel, secret }) =>
    generateKeys(
      party,
      {
        kernel,
        random,
        breathe: async () => undefined,
        storePending: async () => undefined,
        storeProofs: async () => undefined,
        certify: async (transcript) =>
          ed25519.sign(certificateMessage(NETWORK, transcript), secret),
        verifyCertificate: (from, transcript, signature) =>
          ed25519.verify(signature, certificateMessage(NETWORK, transcript), seatOf(all, from).id, {
            zip215: false,
          }),
      },
      {
        networkId: NETWORK,
        committeeId: NETWORK,
        epochId: NETWORK,
        threshold,
        count: 1,
        guests: all,
        quorum: all.length,
      },
    ),
  )

async function signAll(
  signers: readonly Seat[],
  keys: readonly GeneratedKeys[],
  wire: Wire,
): Promise<void> {
  const signatures = await everyone(signers, wire, (party, mine) =>
    sign(party, mine.kernel, random, inputsOf(signers, keys, mine)),
  )
  for (const signature of signatures) assertGenuine(keys, signature)
}

const presignAll = (
  signers: readonly Seat[],
  keys: readonly GeneratedKeys[],
  wire: Wire,
): Promise<Presignature[]> =>
  everyone(signers, wire, (party, mine) =>
    presign(party, mine.kernel, random, {
      ...inputsOf(signers, keys, mine),
      keyId: keyOf(keys, mine).keyId,
    }),
  )

async function onlineAll(
  signers: readonly Seat[],
  presignatures: readonly Presignature[],
  wire: Wire,
): Promise<void> {
  const signatures = await everyone(signers, wire, (party, mine) => {
    const presignature = presignatures[signers.indexOf(mine)]
    if (presignature === undefined) throw new Error('bug: no presignature')
    return signOnline(party, mine.kernel, presignature, DIGEST, NETWORK)
  })
  for (const signature of signatures) if (signature.r.length !== 32) throw new Error('no signature')
}

function inputsOf(
  signers: readonly Seat[],
  keys: readonly GeneratedKeys[],
  mine: Seat,
): SigningInputs {
  const key = keyOf(keys, mine)
  const share = keys[mine.index - 1]?.shares[0]
  if (share === undefined) throw new Error('bug: no share')
  return {
    networkId: NETWORK,
    epochId: NETWORK,
    keyPublic: key.publicKey,
    derived: derive(key.publicKey, key.chainCode, []),
    share,
    guests: signers,
    pairs: mine.pairs,
    digest: DIGEST,
    form: 'full',
  }
}

const keyOf = (keys: readonly GeneratedKeys[], { index }: Seat) => {
  const key = keys[index - 1]?.keys[0]
  if (key === undefined) throw new Error('bug: no key')
  return key
}

const seatOf = (all: readonly Seat[], index: number): Seat => {
  const seat = all.find((one) => one.index === index)
  if (seat === undefined) throw new Error('bug: no such party')
  return seat
}

/** Every party's result, or the first failure. */
async function everyone<T>(
  all: readonly Seat[],
  wire: Wire,
  run: (party: Parameters<Parameters<typeof simulate<T>>[2]>[0], mine: Seat) => Promise<T>,
): Promise<T[]> {
  const results = await simulate<T>(
    all.map(({ index }) => index),
    random(32),
    (party) => run(party, seatOf(all, party.me)),
    { tamper: (letter) => wire.carry(letter) },
  )
  return results.map((result) => {
    if (result.status === 'rejected') throw result.reason
    return result.value
  })
}

/** Counts each message once for every party that receives it, as links would. */
class Wire {
  bytes = 0
  messages = 0

  carry({ bytes }: Letter): Uint8Array {
    this.bytes += bytes.length
    this.messages++
    return bytes
  }
}

/** OpenSSL decides whether the signature is genuine, not we. */
function assertGenuine(keys: readonly GeneratedKeys[], { r, s }: Signature): void {
  const publicKey = keys[0]?.keys[0]?.publicKey ?? new Uint8Array()
  const point = ECDH.convertKey(publicKey, 'secp256k1', undefined, undefined, 'uncompressed')
  const coordinate = (from: number): string =>
    (point as Buffer).subarray(from, from + 32).toString('base64url')
  const key = createPublicKey({
    format: 'jwk',
    key: { kty: 'EC', crv: 'secp256k1', x: coordinate(1), y: coordinate(33) },
  })
  const genuine = verify(
    'sha256',
    MESSAGE,
    { key, dsaEncoding: 'ieee-p1363' },
    Buffer.concat([r, s]),
  )
  if (!genuine) throw new Error('the signature does not verify')
}

/** Burns processor time; only tests of the harness ask for it. */
function idle(ms: number): void {
  const until = performance.now() + ms
  while (performance.now() < until);
}
