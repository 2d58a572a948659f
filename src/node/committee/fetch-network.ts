import type { Connection } from '@libp2p/interface'
import { EpochChain } from '../../../protocols/agreement/chain/epoch-chain.ts'
import { PublishedCommittee } from '../../../protocols/agreement/chain/published-committee.ts'
import {
  type Disbelief,
  rootKeyByNetworkId,
  verifyByRootKey,
} from '../../../protocols/agreement/chain/verify-committee.ts'
import { sameBytes } from '../../../protocols/agreement/compare-bytes.ts'
import { networkIdOf } from '../../../protocols/agreement/genesis.ts'
import { EpochCert } from '../../../protocols/agreement/objects/certificates.ts'
import { type EpochRecord, recordHash } from '../../../protocols/agreement/objects/record.ts'
import { DecodeError } from '../../../protocols/session/codec.ts'
import { askGenesis, askHistory, askNewest } from './ask-committee.ts'

const MAX_EPOCHS = 65_536 // e is below 2^16

/**
 * What a peer said contradicts the network that was asked for. `other-network`: its genesis file has another hash.
 * `altered-chain`: a certificate is not one of the next epoch. `no-epoch`: it knows no epoch yet, so there is no
 * committee to join. `stale`: its newest committee is no living one of that chain.
 */
export type JoinRefusal = 'other-network' | 'bad-genesis' | 'altered-chain' | 'no-epoch' | 'stale'

export class JoinRefused extends Error {
  override readonly name = 'JoinRefused'
  readonly code: JoinRefusal

  constructor(code: JoinRefusal, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}

/** A network as one who knew nothing but its id has verified it. */
export interface FetchedNetwork {
  readonly genesis: Uint8Array
  /** Of the newest epoch. */
  readonly record: EpochRecord
  /** Bytes of the newest `published`, with a stamp that lives. */
  readonly published: Uint8Array
}

/**
 * Fetches genesis file, chain of epochs and newest committee from one peer, and verifies all of it from the network's id
 * (03 §3.3, "wants proof", and the stamp). `now`: unix ms. Throws `JoinRefused` for what the id contradicts, and what
 * `askGenesis` throws where the peer does not answer.
 */
export async function fetchNetwork(
  connection: Connection,
  networkId: Uint8Array,
  now: number,
  signal: AbortSignal,
): Promise<FetchedNetwork> {
  const genesis = await askGenesis(connection, signal)
  if (!sameBytes(networkIdOf(genesis), networkId))
    throw new JoinRefused('other-network', 'the genesis file is that of another network')
  const chain = refusing('bad-genesis', () => new EpochChain(genesis))
  await extend(chain, connection, signal)
  const first = chain.get(0)
  const { newest } = chain
  if (first === undefined || newest === undefined)
    throw new JoinRefused('no-epoch', 'the network has no epoch yet: it begins without newcomers')
  const published = await askNewest(connection, signal)
  if (published === null) throw new JoinRefused('stale', 'the peer knows no committee that lives')
  const why = staleness(networkId, genesis, chain, first, published, now)
  if (why !== undefined)
    throw new JoinRefused('stale', `the committee that the peer shows is not believed: ${why}`)
  return { genesis, record: newest.record, published }
}

/** Every certificate that the peer has, in order, each checked against the one before it. */
async function extend(
  chain: EpochChain,
  connection: Connection,
  signal: AbortSignal,
): Promise<void> {
  for (let next = 0; next < MAX_EPOCHS; ) {
    const certs = await askHistory(connection, next, signal)
    if (certs.length === 0) return
    for (const bytes of certs) {
      const cert = refusing('altered-chain', () => EpochCert.decode(bytes))
      const addition = chain.add(cert)
      if (addition.added !== 'next') {
        const said = addition.added === 'refused' ? `: ${addition.broken.reason}` : ''
        throw new JoinRefused('altered-chain', `epoch ${next} does not follow${said}`)
      }
      next++
    }
  }
}

function staleness(
  networkId: Uint8Array,
  genesis: Uint8Array,
  chain: EpochChain,
  first: EpochCert,
  published: Uint8Array,
  now: number,
): Disbelief | 'not-of-the-chain' | undefined {
  const root = rootKeyByNetworkId(networkId, genesis, first)
  if ('broken' in root) throw new Error('bug: a chain whose first epoch is not one')
  const { cert, rootSig, stamp } = refusing('stale', () => PublishedCommittee.decode(published))
  const { e } = cert.record
  // What is published is one epoch behind for as long as the root key signs the next one.
  const known = e >= (chain.newest?.record.e ?? 0) - 1 ? chain.get(e) : undefined
  if (known === undefined || !sameBytes(recordHash(known.record), recordHash(cert.record)))
    return 'not-of-the-chain'
  const verdict = verifyByRootKey(root.known, { record: cert.record, rootSig, stamp }, now)
  return verdict.verified ? undefined : verdict.why
}

function refusing<T>(code: JoinRefusal, read: () => T): T {
  try {
    return read()
  } catch (cause) {
    if (!(cause instanceof DecodeError)) throw cause
    throw new JoinRefused(code, `what the peer sent does not decode: ${cause.message}`, { cause })
  }
}
