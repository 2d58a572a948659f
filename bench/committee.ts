import { PublishedCommittee } from '../protocols/agreement/chain/published-committee.ts'
import { verifyByRootKey } from '../protocols/agreement/chain/verify-committee.ts'
import { decodeGenesis, networkIdOf } from '../protocols/agreement/genesis.ts'
import { baseOfRecord } from '../protocols/agreement/rules/base.ts'
import { manifestOf } from '../src/gateway/manifest.ts'
import { Trust } from '../src/sdk/trust.ts'
import {
  activate,
  exampleFirst,
  exampleNext,
  ROOT_KEY,
  stampOf,
  TIME,
} from '../test/protocols/agreement/example-epochs.ts'
import { type Spread, spread, timed } from './measure.ts'

/** What a stranger's check costs (03 §3.3): processor milliseconds, and the bytes that it takes. */
export interface CommitteeCost {
  /** The two signatures and what goes before them. */
  readonly signatures: Spread
  /** A whole answer to `getNetwork`, by one who knows the root key; and by one who knows the network's id. */
  readonly byRootKey: Spread
  readonly byNetworkId: Spread
  /** Of `published`. */
  readonly bytes: number
}

const WARMUP = 5

export async function measureCommittee(n: number, t: number, runs: number): Promise<CommitteeCost> {
  const first = exampleFirst(n, t)
  const { cert } = exampleNext(baseOfRecord(first.record))
  const { record } = cert
  const published = { cert, rootSig: activate(record), stamp: stampOf(record, TIME) }
  const manifest = manifestOf(
    decodeGenesis(first.genesis),
    { encoded: first.genesis, nodes: [] },
    published,
    { first: first.cert, before: [first.record] },
  )
  const networkId = networkIdOf(first.genesis)
  const { committeeId } = record
  const known = { networkId, committeeId, rootKey: ROOT_KEY, newest: null }
  const read = (pins: { rootKey?: Uint8Array; networkId?: Uint8Array }) => () => {
    const { committee } = new Trust({
      ...{ networkId: pins.networkId, rootKey: pins.rootKey, state: undefined, onState: undefined },
      now: () => TIME,
    }).read(manifest)
    if (committee === null) throw new Error('bug: nothing was verified')
  }
  return {
    signatures: await times(runs, () => {
      if (!verifyByRootKey(known, { ...published, record }, TIME).verified)
        throw new Error('bug: nothing was verified')
    }),
    byRootKey: await times(runs, read({ rootKey: ROOT_KEY })),
    byNetworkId: await times(runs, read({ networkId })),
    bytes: PublishedCommittee.encode(published).length,
  }
}

export async function benchCommittee(
  n: number,
  t: number,
  runs: number,
  print: (line: string) => void,
): Promise<void> {
  const { signatures, byRootKey, byNetworkId, bytes } = await measureCommittee(n, t, runs)
  const line = (what: string, { min, median }: Spread): void =>
    print(`${what}: ${min} ms at best, ${median} ms median`)
  print(`committee ${t}-of-${n}, ${bytes} B published (bar: 65,536); ${runs} runs`)
  line('two signatures (bar: 5 ms)', signatures)
  line('getNetwork, root key known', byRootKey)
  line('getNetwork, network id known', byNetworkId)
}

async function times(runs: number, check: () => void): Promise<Spread> {
  for (let i = 0; i < WARMUP; i++) check()
  const laps: number[] = []
  for (let i = 0; i < runs; i++) laps.push((await timed(async () => check())).cpuMs)
  return spread(laps)
}
