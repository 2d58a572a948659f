import { createHash, createPublicKey, ECDH, verify } from 'node:crypto'
import type { Signature } from '../protocols/kernel/kernel.ts'
import type { GeneratedKeys } from '../protocols/keygen/generate-keys.ts'
import type { ResharedChunk } from '../protocols/reshare/reshare-keys.ts'
import { type Presignature, presign } from '../protocols/sign/presign.ts'
import { sign } from '../protocols/sign/sign.ts'
import { signOnline } from '../protocols/sign/sign-online.ts'
import { type Run, repeat, round, type Spread, spread, timed, voidReason } from './measure.ts'
import { refresh } from './reshare.ts'
import {
  BATCH,
  correlateAll,
  everyone,
  inputsOf,
  type KernelName,
  keygen,
  keyOf,
  NETWORK,
  random,
  type Seat,
  seats,
  setUpAll,
  Wire,
} from './seats.ts'

/**
 * `setup`: one pair, both directions. `correlation`: one of a batch, both directions. `keygen`: pair setups and
 * the first key, which is what peers call a key generation. `key`: a further key, setups being there. `reshare`: a
 * refresh in place, without the setups that a new epoch makes. `sign`.
 */
export const OPS = ['setup', 'correlation', 'keygen', 'key', 'reshare', 'sign'] as const
export type Op = (typeof OPS)[number]

export const FORMS = ['a', 'b', 'c'] as const
/** (a) in full, (b) from correlations, (c) from a presignature. */
export type Form = (typeof FORMS)[number]

export interface ProtocolBench {
  readonly op: Op
  readonly form: Form
  readonly n: number
  readonly t: number
  readonly runs: number
  readonly warmup: number
  readonly kernel: KernelName
  /** Keys, or correlations, of one run; times and bytes are given for one. */
  readonly count?: number
  /** A slowdown planted by a test, in milliseconds per run of all parties. */
  readonly plantedMs?: number
}

/** The line that ours and the peers' benches share (10 §6.3). */
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
  readonly form: Form | 'none'
  readonly cpuMs: Spread
  readonly messagesPerParty: number
  /** What was done before, and is not in the numbers; milliseconds per party. */
  readonly before: {
    readonly setupMs?: number
    readonly corrMs?: number
    readonly presignMs?: number
    readonly bytes: number
  }
  readonly node: string
  readonly kernel: KernelName
  readonly void: string | undefined
}

const MESSAGE = Buffer.from('holdfast: protocol benchmark')
const DIGEST = new Uint8Array(createHash('sha256').update(MESSAGE).digest())

interface Prepared {
  readonly work: () => Promise<Run>
  readonly before: Details['before']
  readonly form: Details['form']
}

/**
 * Times one operation of all parties in this thread; a run's time is everybody's work divided by the
 * parties that took part, and by the keys or correlations that it made.
 */
export async function measureProtocol(
  options: ProtocolBench,
): Promise<Line & { details: Details }> {
  const { op, n, t, runs, warmup, kernel, count = 1 } = options
  const parties = op === 'setup' || op === 'correlation' ? 2 : op === 'sign' ? t : n
  const { work, before, form } = await prepare(options)
  const measured = await repeat({ runs, warmup }, work)
  const each = (value: (run: Run) => number): number[] =>
    measured.map((run) => value(run) / parties / count)
  return {
    peer: 'holdfast',
    op,
    n,
    t,
    runs,
    perPartyMs: spread(each(({ ms }) => ms)),
    bytesPerParty: Math.round(spread(each(({ bytes }) => bytes)).median),
    details: {
      form,
      cpuMs: spread(each(({ cpuMs }) => cpuMs)),
      messagesPerParty: spread(measured.map(({ messages }) => messages / parties)).median,
      before,
      node: process.version,
      kernel,
      void: voidReason(measured),
    },
  }
}

async function prepare(options: ProtocolBench): Promise<Prepared> {
  const { op, n, t: threshold, kernel, count = 1 } = options
  if (op === 'sign') return prepareSigning(options)
  const all = seats(op === 'setup' || op === 'correlation' ? 2 : n, kernel)
  const wiped = () => wipeAll(all)
  const form = 'none'
  const before = { bytes: 0 }
  switch (op) {
    case 'setup':
      return { work: () => measure(options, (wire) => setUpAll(all, wire), wiped), before, form }
    case 'correlation': {
      const { ms } = await timed(() => setUpAll(all, new Wire()))
      const work = () =>
        measure(
          options,
          (wire) => correlateAll(all, wire, count),
          () => undefined,
        )
      return { work, before: { setupMs: round(ms / 2), bytes: 0 }, form }
    }
    case 'keygen': {
      const conversation = async (wire: Wire): Promise<void> => {
        await setUpAll(all, wire)
        await keygen(all, { threshold, count: 1 }, wire)
      }
      return { work: () => measure(options, conversation, wiped), before, form }
    }
    case 'key': {
      const conversation = (wire: Wire) => keygen(all, { threshold, count }, wire)
      return { work: () => measure(options, conversation, wiped), before, form }
    }
    case 'reshare': {
      const keys = await keygen(all, { threshold, count }, new Wire())
      const work = () =>
        measure(
          options,
          (wire) => refresh(all, keys, threshold, wire),
          (chunks) => wipeNew(all, chunks),
        )
      return { work, before, form }
    }
  }
}

/** The old shares stay for the next run. */
function wipeNew(all: readonly Seat[], chunks: readonly ResharedChunk[]): void {
  for (const [at, { kernel }] of all.entries())
    for (const share of chunks[at]?.shares ?? []) kernel.wipe(share)
}

/** What is made before the signature is outside of what is measured, and named beside it. */
async function prepareSigning(options: ProtocolBench): Promise<Prepared> {
  const { n, t, form, kernel } = options
  const all = seats(n, kernel)
  const signers = all.slice(0, t)
  const wire = new Wire()
  const setup = await timed(() => setUpAll(signers, wire))
  const keys = await keygen(all, { threshold: t, count: 1 }, new Wire())
  const before = { setupMs: round(setup.ms / t), bytes: Math.round(wire.bytes / t) }
  const genuine = (signatures: readonly Signature[]) => assertGenuine(keys, signatures)
  switch (form) {
    case 'a': {
      const full = (wire: Wire) => signAll(signers, keys, 'full', wire)
      return { work: () => measure(options, full, genuine), before, form }
    }
    case 'b': {
      const made = await timed(() => correlateAll(signers, new Wire(), BATCH))
      const correlated = (wire: Wire) => signAll(signers, keys, 'correlated', wire)
      const work = async () => {
        await correlateAll(signers, new Wire(), 1)
        return measure(options, correlated, genuine)
      }
      return { work, before: { ...before, corrMs: round(made.ms / t / BATCH) }, form }
    }
    case 'c': {
      const made = await timed(() => presignAll(signers, keys, new Wire()))
      const work = async () => {
        const presignatures = await presignAll(signers, keys, new Wire())
        return measure(options, (wire) => onlineAll(signers, presignatures, wire), genuine)
      }
      return { work, before: { ...before, presignMs: round(made.ms / t) }, form }
    }
  }
}

/** One run. What comes after it, `then`, is outside of what is measured. */
async function measure<T>(
  { plantedMs = 0 }: ProtocolBench,
  conversation: (wire: Wire) => Promise<T>,
  then: (result: T) => void,
): Promise<Run> {
  const wire = new Wire()
  const { result, ms, cpuMs } = await timed(async () => {
    const made = await conversation(wire)
    idle(plantedMs)
    return made
  })
  then(result)
  return { ms, cpuMs, bytes: wire.bytes, messages: wire.messages }
}

const signAll = (
  signers: readonly Seat[],
  keys: readonly GeneratedKeys[],
  form: 'full' | 'correlated',
  wire: Wire,
): Promise<Signature[]> =>
  everyone(signers, wire, (party, mine) =>
    sign(party, mine.kernel, random, { ...inputsOf(signers, keys, mine, form), digest: DIGEST }),
  )

const presignAll = (
  signers: readonly Seat[],
  keys: readonly GeneratedKeys[],
  wire: Wire,
): Promise<Presignature[]> =>
  everyone(signers, wire, (party, mine) =>
    presign(party, mine.kernel, random, {
      ...inputsOf(signers, keys, mine, 'full'),
      keyId: keyOf(keys, mine).keyId,
    }),
  )

const onlineAll = (
  signers: readonly Seat[],
  presignatures: readonly Presignature[],
  wire: Wire,
): Promise<Signature[]> =>
  everyone(signers, wire, (party, mine) => {
    const presignature = presignatures[signers.indexOf(mine)]
    if (presignature === undefined) throw new Error('bug: no presignature')
    return signOnline(party, mine.kernel, presignature, DIGEST, NETWORK)
  })

function wipeAll(all: readonly Seat[]): void {
  for (const { kernel, pairs, correlations } of all) {
    kernel.wipeAll()
    pairs.clear()
    correlations.clear()
  }
}

/** OpenSSL decides whether the signatures are genuine, not we. */
function assertGenuine(keys: readonly GeneratedKeys[], signatures: readonly Signature[]): void {
  const publicKey = keys[0]?.keys[0]?.publicKey ?? new Uint8Array()
  const point = ECDH.convertKey(publicKey, 'secp256k1', undefined, undefined, 'uncompressed')
  const coordinate = (from: number): string =>
    (point as Buffer).subarray(from, from + 32).toString('base64url')
  const key = createPublicKey({
    format: 'jwk',
    key: { kty: 'EC', crv: 'secp256k1', x: coordinate(1), y: coordinate(33) },
  })
  const genuine = signatures.every(({ r, s }) =>
    verify('sha256', MESSAGE, { key, dsaEncoding: 'ieee-p1363' }, Buffer.concat([r, s])),
  )
  if (signatures.length === 0 || !genuine) throw new Error('the signature does not verify')
}

/** Burns processor time; only tests of the harness ask for it. */
function idle(ms: number): void {
  const until = performance.now() + ms
  while (performance.now() < until);
}
