import { createHash } from 'node:crypto'
import type { CorrelationSource } from '../../protocols/correlations/correlation.ts'
import type { Signature } from '../../protocols/kernel/kernel.ts'
import type { GeneratedKeys } from '../../protocols/keygen/generate-keys.ts'
import { PairGate } from '../../protocols/pair-setup/gate.ts'
import type { PairSetup } from '../../protocols/pair-setup/set-up-pair.ts'
import { type DerivedKey, derive } from '../../protocols/sign/bip32.ts'
import { type Presignature, presign } from '../../protocols/sign/presign.ts'
import { type SigningInputs, sign } from '../../protocols/sign/sign.ts'
import { SimulatedPool } from '../../protocols/simulation/pool.ts'
import { type SimulationOptions, simulate } from '../../protocols/simulation/simulate.ts'
import { memoKernel } from './memo-kernel.ts'
import { committee, guestOf, NETWORK, runKeygen, type TestGuest, valuesOf } from './run-keygen.ts'
import { seeded } from './seeded.ts'
import { dealCorrelation, dealPair } from './trusted-setup.ts'

export const ETHEREUM: readonly number[] = [44, 60, 0, 0, 0]

/** A committee with a key and a setup of every pair, dealt instead of run: tests of signing only. */
export interface World {
  readonly guests: readonly TestGuest[]
  readonly keys: ReadonlyMap<number, GeneratedKeys>
  readonly pairs: ReadonlyMap<string, PairSetup>
  readonly derived: DerivedKey
}

const worlds = new Map<string, Promise<World>>()

/** The committee of n with threshold t; made once, since making it takes longer than using it. */
export function world(t: number, n: number): Promise<World> {
  const name = `${t} of ${n}`
  const found = worlds.get(name) ?? makeWorld(t, n, name)
  worlds.set(name, found)
  return found
}

async function makeWorld(t: number, n: number, seed: string): Promise<World> {
  const guests = committee(n, seed)
  const generated = valuesOf(await runKeygen(guests, { threshold: t, seed }))
  const keys = new Map(generated.map((result, at) => [at + 1, result]))
  const [key] = keyOf(keys, 1).keys
  if (key === undefined) throw new Error('no key')
  const derived = derive(key.publicKey, key.chainCode, ETHEREUM)
  return { guests, keys, pairs: dealPairs(guests, seed), derived }
}

function dealPairs(guests: readonly TestGuest[], seed: string): Map<string, PairSetup> {
  const pairs = new Map<string, PairSetup>()
  for (const a of guests)
    for (const b of guests.filter(({ index }) => index > a.index)) {
      const [lo, hi] = Buffer.compare(a.id, b.id) < 0 ? [a, b] : [b, a]
      const random = seeded(`${seed}/pair ${a.index} ${b.index}`)
      const dealt = dealPair(random, lo, hi)
      const both = { setupId: random(32), epochId: NETWORK }
      pairs.set(`${lo.index}/${hi.index}`, { ...both, ...dealt.lo, lo: true, gate: new PairGate() })
      pairs.set(`${hi.index}/${lo.index}`, {
        ...both,
        ...dealt.hi,
        lo: false,
        gate: new PairGate(),
      })
    }
  return pairs
}

/**
 * The same committee, key and setups in new kernels: what is done in it depends on nothing that was done
 * before. `kernels` seeds the guests' randomness.
 */
export async function freshWorld(t: number, n: number, kernels: string): Promise<World> {
  const old = await world(t, n)
  const guests = committee(n, `${t} of ${n}`, kernels, memoKernel)
  const keys = new Map(
    [...old.keys].map(([index, generated]) => {
      const from = guestOf(old.guests, index).kernel
      const to = guestOf(guests, index).kernel
      const shares = generated.shares.map((share) => to.shareIn(from.shareOut(share)))
      return [index, { ...generated, shares }] as const
    }),
  )
  return { guests, keys, pairs: dealPairs(guests, `${t} of ${n}`), derived: old.derived }
}

const keyOf = (keys: ReadonlyMap<number, GeneratedKeys>, index: number): GeneratedKeys => {
  const found = keys.get(index)
  if (found === undefined) throw new Error(`guest ${index} has no key`)
  return found
}

export const digestOf = (text: string): Uint8Array =>
  new Uint8Array(createHash('sha256').update(text).digest())

/** One party's inputs, with a fresh gate on each of its setups. */
export function inputsOf(
  { guests, keys, pairs, derived }: World,
  signers: readonly number[],
  me: number,
  digest: Uint8Array,
): SigningInputs {
  const generated = keyOf(keys, me)
  const [key] = generated.keys
  const [share] = generated.shares
  if (key === undefined || share === undefined) throw new Error('no key')
  const others = signers.filter((index) => index !== me)
  return {
    networkId: NETWORK,
    epochId: NETWORK,
    keyPublic: key.publicKey,
    derived,
    share,
    guests: signers.map((index) => guestOf(guests, index)),
    pairs: new Map(
      others.map((other) => {
        const pair = pairs.get(`${me}/${other}`)
        if (pair === undefined) throw new Error(`no setup ${me}/${other}`)
        return [other, { ...pair, gate: new PairGate() }]
      }),
    ),
    digest,
    form: 'full',
  }
}

export interface SigningRun extends SimulationOptions {
  readonly signers: readonly number[]
  readonly seed: string
  /** Seeds what the parties draw themselves; the seed's by default. */
  readonly draws?: string
  readonly digest?: Uint8Array
  /** What a party does differently; also where a test gets hold of the gates. */
  readonly alter?: (me: number, honest: SigningInputs) => SigningInputs
}

export const runSign = (
  world: World,
  { signers, seed, draws = seed, digest, alter = (_, same) => same, ...options }: SigningRun,
): Promise<PromiseSettledResult<Signature>[]> =>
  simulate(
    signers,
    seeded(`${seed}/instance`)(32),
    (party) => {
      const { kernel } = guestOf(world.guests, party.me)
      const inputs = inputsOf(world, signers, party.me, digest ?? digestOf(seed))
      return sign(party, kernel, seeded(`${draws}/party ${party.me}`), alter(party.me, inputs))
    },
    options,
  )

export const runPresign = (
  world: World,
  { signers, seed, alter = (_, same) => same, ...options }: SigningRun,
): Promise<PromiseSettledResult<Presignature>[]> =>
  simulate(
    signers,
    seeded(`${seed}/instance`)(32),
    (party) => {
      const { kernel } = guestOf(world.guests, party.me)
      const keyId = keyOf(world.keys, party.me).keys[0]?.keyId ?? new Uint8Array()
      const inputs = alter(party.me, inputsOf(world, signers, party.me, digestOf(seed)))
      return presign(party, kernel, seeded(`${seed}/party ${party.me}`), { ...inputs, keyId })
    },
    options,
  )

/** `count` dealt correlations for every pair of the signers, by party. */
export function dealPools(
  { guests, pairs }: World,
  signers: readonly number[],
  seed: string,
  count = 1,
): ReadonlyMap<number, SimulatedPool> {
  const pools = new Map(signers.map((me) => [me, new SimulatedPool()]))
  for (const me of signers)
    for (const peer of signers) {
      if (pairs.get(`${me}/${peer}`)?.lo !== true) continue
      const random = seeded(`${seed}/correlations ${me} ${peer}`)
      for (let k = 0; k < count; k++) {
        const id = random(16)
        const dealt = dealCorrelation(random, guestOf(guests, me), guestOf(guests, peer))
        pools.get(me)?.put(peer, { id, secret: dealt.lo })
        pools.get(peer)?.put(me, { id, secret: dealt.hi })
      }
    }
  return pools
}

/** Form (b) from these pools. */
export const fromPools =
  (pools: ReadonlyMap<number, CorrelationSource>) =>
  (me: number, honest: SigningInputs): SigningInputs => {
    const correlations = pools.get(me)
    if (correlations === undefined) throw new Error(`no pool of ${me}`)
    return { ...honest, form: 'correlated', correlations }
  }

/** How many secrets each guest's kernel holds. */
export const held = (guests: readonly TestGuest[]): number[] =>
  guests.map(({ kernel }) => kernel.held)
