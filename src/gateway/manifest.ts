import { PublishedCommittee } from '../../protocols/agreement/chain/published-committee.ts'
import { type Genesis, networkIdOf } from '../../protocols/agreement/genesis.ts'
import { EpochCert } from '../../protocols/agreement/objects/certificates.ts'
import { EpochRecord } from '../../protocols/agreement/objects/record.ts'
import { toBase64url } from '../../protocols/request/base64url.ts'
import {
  MAX_RECORDS_BEFORE,
  type NetworkManifest,
  type NodeHint,
  type ShownCommittee,
} from '../wire/network.ts'
import { NO_PAST, type Past } from './past-epochs.ts'

const MAX_SKEW_S = 30 // 05 §1.1
const MAX_TTL_S = 300 // 05 §1.1

/** What a node says about its network. Clients verify all of it; a node that lies is passed over. */
export interface NetworkSource {
  /** The encoded genesis file. */
  readonly genesis: Uint8Array
  /** Where the members' nodes may be found. */
  nodes(): readonly NodeHint[]
  /** The newest epoch with its root signature and a stamp; null until there is one. */
  published(): PublishedCommittee | null
  /** What clients may need beside it. */
  past(newest: EpochRecord): Promise<Past>
}

/** The manifest as this node has it now. */
export async function presentManifest(
  genesis: Genesis,
  source: NetworkSource,
): Promise<NetworkManifest> {
  const committee = source.published()
  const past = committee === null ? NO_PAST : await source.past(committee.cert.record)
  return manifestOf(genesis, { encoded: source.genesis, nodes: source.nodes() }, committee, past)
}

/** The manifest of 05 §1.1 with the genesis it belongs to and, once there is one, the committee of 03 §3.1. */
export const manifestOf = (
  { name, environment }: Genesis,
  { encoded, nodes }: { readonly encoded: Uint8Array; readonly nodes: readonly NodeHint[] },
  committee: PublishedCommittee | null,
  past: Past,
): NetworkManifest => ({
  v: 1,
  networkId: toBase64url(networkIdOf(encoded)),
  name,
  environment,
  rootKey: committee === null ? null : toBase64url(committee.cert.record.rootKey),
  nodes,
  minLevel: 'process',
  maxSkew: MAX_SKEW_S,
  maxTtl: MAX_TTL_S,
  genesis: toBase64url(encoded),
  committee: committee === null ? null : shownOf(committee, past),
})

const shownOf = (committee: PublishedCommittee, { first, before }: Past): ShownCommittee => ({
  published: toBase64url(PublishedCommittee.encode(committee)),
  first:
    first === null || committee.cert.record.e === 0 ? null : toBase64url(EpochCert.encode(first)),
  before: before
    .slice(0, MAX_RECORDS_BEFORE)
    .map((record) => toBase64url(EpochRecord.encode(record))),
})
