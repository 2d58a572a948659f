import { ed25519 } from '@noble/curves/ed25519.js'
import type { Handle, Kernel, Signature } from '../../protocols/kernel/kernel.ts'
import { wasmKernel } from '../../protocols/kernel/load.ts'
import { type GeneratedKeys, generateKeys } from '../../protocols/keygen/generate-keys.ts'
import { certificateMessage } from '../../protocols/keygen/key-certificate.ts'
import { type PairSetup, setUpPair } from '../../protocols/pair-setup/set-up-pair.ts'
import type { Guest } from '../../protocols/session/guest.ts'
import type { Party } from '../../protocols/session/round.ts'
import { derive } from '../../protocols/sign/bip32.ts'
import { sign } from '../../protocols/sign/sign.ts'
import { simulate } from '../../protocols/simulation/simulate.ts'

/** What the page gives back; times are milliseconds of all parties together, in one thread. */
export interface BrowserRun {
  readonly publicKey: string
  readonly signatures: readonly { readonly r: string; readonly s: string }[]
  readonly loadMs: number
  readonly setupMs: number
  readonly keygenMs: number
  readonly signMs: number
  /** Secrets that the three kernels still hold after everything was wiped. */
  readonly held: number
}

interface Seat extends Guest {
  readonly secret: Uint8Array
  readonly kernel: Kernel
  readonly pairs: Map<number, PairSetup>
}

const NETWORK = new Uint8Array(32).fill(7)
const THRESHOLD = 2
const SIGNATURES = 3 // the last one is warm

const random = (length: number): Uint8Array => crypto.getRandomValues(new Uint8Array(length))

/** Lets the page breathe between the steps of a long operation; a timer would wait four milliseconds each time. */
const breathe = (): Promise<void> =>
  new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel()
    Object.assign(port1, {
      onmessage() {
        port1.close()
        resolve()
      },
    })
    port2.postMessage(null)
  })

/** A 2-of-3 key among three parties of this page, and signatures with it by parties 1 and 3. */
export async function twoOfThree(digest: Uint8Array): Promise<BrowserRun> {
  const began = performance.now()
  const seats = [1, 2, 3].map((index): Seat => {
    const secret = random(32)
    const id = ed25519.getPublicKey(secret)
    return { index, id, secret, kernel: wasmKernel(random), pairs: new Map() }
  })
  const loadMs = performance.now() - began
  const setupMs = await timed(() => setUpAll(seats))
  let keys: GeneratedKeys[] = []
  const keygenMs = await timed(async () => {
    keys = await keygen(seats)
  })
  const [first, , third] = seats
  if (!first || !third) throw new Error('bug: three seats')
  const signatures: Signature[] = []
  let signMs = Number.NaN
  for (let i = 0; i < SIGNATURES; i++)
    signMs = await timed(async () => {
      signatures.push(await signBy([first, third], keys, digest))
    })
  for (const { kernel } of seats) kernel.wipeAll()
  return {
    publicKey: hex(keyOf(keys, first).key.publicKey),
    signatures: signatures.map(({ r, s }) => ({ r: hex(r), s: hex(s) })),
    loadMs,
    setupMs,
    keygenMs,
    signMs,
    held: seats.reduce((sum, { kernel }) => sum + kernel.held, 0),
  }
}

async function setUpAll(seats: readonly Seat[]): Promise<void> {
  for (const a of seats)
    for (const b of seats.filter(({ index }) => index > a.index)) {
      const [ofA, ofB] = await everyone([a, b], (party, mine) =>
        setUpPair(party, mine.kernel, random, {
          networkId: NETWORK,
          epochId: NETWORK,
          attempt: 0,
          mine,
          theirs: mine === a ? b : a,
          breathe,
        }),
      )
      if (!ofA || !ofB) throw new Error('bug: two setups')
      a.pairs.set(b.index, ofA)
      b.pairs.set(a.index, ofB)
    }
}

const keygen = (seats: readonly Seat[]): Promise<GeneratedKeys[]> =>
  everyone(seats, (party, { kernel, secret }) =>
    generateKeys(
      party,
      {
        kernel,
        random,
        breathe,
        storePending: async () => undefined,
        storeProofs: async () => undefined,
        certify: async (transcript) =>
          ed25519.sign(certificateMessage(NETWORK, transcript), secret),
        verifyCertificate: (from, transcript, signature) => {
          const signer = seats.find(({ index }) => index === from)
          const message = certificateMessage(NETWORK, transcript)
          return signer !== undefined && ed25519.verify(signature, message, signer.id)
        },
      },
      {
        networkId: NETWORK,
        committeeId: NETWORK,
        epochId: NETWORK,
        threshold: THRESHOLD,
        count: 1,
        guests: seats,
        quorum: seats.length,
      },
    ),
  )

async function signBy(
  signers: readonly Seat[],
  keys: readonly GeneratedKeys[],
  digest: Uint8Array,
): Promise<Signature> {
  const [signature] = await everyone(signers, (party, mine) => {
    const { key, share } = keyOf(keys, mine)
    return sign(party, mine.kernel, random, {
      networkId: NETWORK,
      epochId: NETWORK,
      form: 'full',
      keyPublic: key.publicKey,
      derived: derive(key.publicKey, key.chainCode, []),
      share,
      guests: signers,
      pairs: mine.pairs,
      digest,
    })
  })
  if (signature === undefined) throw new Error('bug: a signature for each signer')
  return signature
}

function keyOf(
  keys: readonly GeneratedKeys[],
  { index }: Seat,
): { key: GeneratedKeys['keys'][number]; share: Handle<'share'> } {
  const key = keys[index - 1]?.keys[0]
  const share = keys[index - 1]?.shares[0]
  if (key === undefined || share === undefined) throw new Error('bug: one key')
  return { key, share }
}

async function everyone<T>(
  seats: readonly Seat[],
  run: (party: Party, mine: Seat) => Promise<T>,
): Promise<T[]> {
  const parties = seats.map(({ index }) => index)
  const results = await simulate<T>(parties, random(32), (party) => {
    const mine = seats.find(({ index }) => index === party.me)
    if (mine === undefined) throw new Error('bug: no such seat')
    return run(party, mine)
  })
  return results.map((result) => {
    if (result.status === 'rejected') throw result.reason
    return result.value
  })
}

async function timed(work: () => Promise<void>): Promise<number> {
  const began = performance.now()
  await work()
  return performance.now() - began
}

const hex = (bytes: Uint8Array): string =>
  Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
