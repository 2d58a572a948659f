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
  /** The certificate of epoch 0; null where this node does not have it. */
  first(): EpochCert | null
  /** Records of the epochs before the published one, newest first, as far as this node has them. */
  before(): readonly EpochRecord[]
}

/** The manifest of 05 §1.1 with the genesis it belongs to and, once there is one, the committee of 03 §3.1. */
export function manifestOf(
  { name, environment }: Genesis,
  { genesis, nodes, published, first, before }: NetworkSource,
): NetworkManifest {
  const committee = published()
  return {
    v: 1,
    networkId: toBase64url(networkIdOf(genesis)),
    name,
    environment,
    rootKey: committee === null ? null : toBase64url(committee.cert.record.rootKey),
    nodes: nodes(),
    minLevel: 'process',
    maxSkew: MAX_SKEW_S,
    maxTtl: MAX_TTL_S,
    genesis: toBase64url(genesis),
    committee: committee === null ? null : shown(committee, first(), before()),
  }
}

const shown = (
  committee: PublishedCommittee,
  first: EpochCert | null,
  before: readonly EpochRecord[],
): ShownCommittee => ({
  published: toBase64url(PublishedCommittee.encode(committee)),
  first:
    first === null || committee.cert.record.e === 0 ? null : toBase64url(EpochCert.encode(first)),
  before: before
    .slice(0, MAX_RECORDS_BEFORE)
    .map((record) => toBase64url(EpochRecord.encode(record))),
})
