import { PublishedCommittee } from '../../protocols/agreement/chain/published-committee.ts'
import {
  type Newest,
  rootKeyByNetworkId,
  verifyByRootKey,
} from '../../protocols/agreement/chain/verify-committee.ts'
import { sameBytes } from '../../protocols/agreement/compare-bytes.ts'
import { committeeIdOf } from '../../protocols/agreement/genesis.ts'
import { EpochCert } from '../../protocols/agreement/objects/certificates.ts'
import { EpochRecord, recordHash } from '../../protocols/agreement/objects/record.ts'
import { fromBase64url } from '../../protocols/request/base64url.ts'
import type { ShownCommittee } from '../wire/network.ts'
import { HoldfastError } from './holdfast-error.ts'
import { type KeyEpoch, type Network, readManifest, type ShownNetwork } from './network.ts'
import { type NetworkState, readState, stateOf } from './network-state.ts'

/** Epochs whose key certificates a client can verify: keys are made in the newest, or were just before it. */
const MAX_EPOCHS = 16

export interface TrustOptions {
  /** 32 bytes. */
  readonly networkId: Uint8Array | undefined
  /** 33 bytes. */
  readonly rootKey: Uint8Array | undefined
  /** What `onState` told an earlier client of this network. */
  readonly state: NetworkState | undefined
  /** Told of each epoch that is newer than all before. */
  readonly onState: ((state: NetworkState) => void) | undefined
  /** Unix milliseconds. */
  readonly now: () => number
}

/**
 * Whom a client believes (03 §3.3, 06 §3): what it was given, then what verified under that. The root key shows the
 * committee as it is now; the network's id shows the root key, once. Nothing older than what verified before is believed
 * again, and no network that has shown a committee goes back to its genesis.
 */
export class Trust {
  readonly #options: TrustOptions
  #networkId: Uint8Array | undefined
  #rootKey: Uint8Array | undefined
  #newest: Newest | null = null
  #epochs: KeyEpoch[] = []

  /** Throws MANIFEST_INVALID for a state of another network than the one that is pinned. */
  constructor(options: TrustOptions) {
    this.#options = options
    const state = options.state === undefined ? undefined : readState(options.state)
    this.#networkId = agreed('networkId', options.networkId, state?.networkId)
    this.#rootKey = agreed('rootKey', options.rootKey, state?.rootKey)
    this.#newest = state?.newest ?? null
  }

  /**
   * What a node shows of the network. Throws MANIFEST_INVALID for another network or bytes that are none, and
   * STALE_COMMITTEE unless the committee is shown to be the present one.
   */
  read(value: unknown): Network {
    const shown = readManifest(value, this.#networkId)
    const { networkId, genesis, nodes, committee } = shown
    const common = { networkId, genesis, nodes }
    if (committee === null) {
      if (genesis.environment !== 'development' || this.#rootKey !== undefined)
        throw stale('the node shows no committee', 'none')
      this.#networkId = networkId
      const { members, params } = genesis
      return { ...common, committee: null, epochs: [{ epochId: networkId, t: params.t, members }] }
    }
    return { ...common, ...this.#verified(shown, committee) }
  }

  /** Whether what a node showed before is still all that is known, and its stamp lives. */
  isCurrent({ committee }: Network): boolean {
    if (committee === null) return this.#newest === null && this.#rootKey === undefined
    return committee.record.e === this.#newest?.e && committee.validUntil > this.#options.now()
  }

  #verified(
    { networkId, encodedGenesis }: ShownNetwork,
    { published, first, before }: ShownCommittee,
  ): Pick<Network, 'committee' | 'epochs'> {
    const { cert, rootSig, stamp } = decoded(() =>
      PublishedCommittee.decode(fromBase64url(published)),
    )
    const { record } = cert
    const rootKey =
      this.#rootKey ??
      rootKeyOf(
        networkId,
        encodedGenesis,
        first === null ? cert : decoded(() => EpochCert.decode(fromBase64url(first))),
      )
    const committeeId = committeeIdOf(networkId, 0)
    const known = { networkId, committeeId, rootKey, newest: this.#newest }
    const verdict = verifyByRootKey(known, { record, rootSig, stamp }, this.#options.now())
    if (!verdict.verified)
      throw stale(`the node shows no present committee: ${verdict.why}`, verdict.why)
    const linked = linkedTo(record, before)
    // From here on all of it is believed, and nothing was before.
    const isNews = this.#newest === null || verdict.newest.e > this.#newest.e
    this.#networkId = networkId
    this.#rootKey = rootKey
    this.#newest = verdict.newest
    const present = keyEpochOf(record)
    const others = [...linked.map(keyEpochOf), ...this.#epochs]
    const older = others.filter(
      ({ epochId }, at) =>
        !sameBytes(epochId, present.epochId) &&
        others.findIndex((other) => sameBytes(other.epochId, epochId)) === at,
    )
    this.#epochs = [present, ...older].slice(0, MAX_EPOCHS)
    if (isNews) this.#options.onState?.(stateOf(known, verdict.newest))
    return {
      committee: { record, validUntil: stamp.validUntil },
      epochs: [present, ...this.#epochs.slice(1)],
    }
  }
}

/** Records before a verified one, each named by the one after it. Throws MANIFEST_INVALID for any that is not. */
function linkedTo(record: EpochRecord, before: readonly string[]): EpochRecord[] {
  let { prevHash } = record
  return before.map((encoded) => {
    const earlier = decoded(() => EpochRecord.decode(fromBase64url(encoded)))
    if (!sameBytes(recordHash(earlier), prevHash))
      throw new HoldfastError('MANIFEST_INVALID', { message: 'a record that no later one names' })
    prevHash = earlier.prevHash
    return earlier
  })
}

const keyEpochOf = ({ epochId, t, members }: EpochRecord): KeyEpoch => ({ epochId, t, members })

function rootKeyOf(
  networkId: Uint8Array,
  encodedGenesis: Uint8Array,
  first: EpochCert,
): Uint8Array {
  const result = rootKeyByNetworkId(networkId, encodedGenesis, first)
  if ('known' in result) return result.known.rootKey
  const { broken } = result
  const why = broken === 'other-network' ? broken : `${broken.rule} ${broken.reason}`
  throw stale(`the node does not show the root key: ${why}`, 'root-key')
}

function agreed(
  name: string,
  given: Uint8Array | undefined,
  kept: Uint8Array | undefined,
): Uint8Array | undefined {
  if (given !== undefined && kept !== undefined && !sameBytes(given, kept))
    throw new HoldfastError('MANIFEST_INVALID', { message: `the state has another ${name}` })
  return given ?? kept
}

function decoded<T>(decode: () => T): T {
  try {
    return decode()
  } catch (cause) {
    throw new HoldfastError('MANIFEST_INVALID', { message: 'the node gave no committee', cause })
  }
}

const stale = (message: string, why: string): HoldfastError =>
  new HoldfastError('STALE_COMMITTEE', { message, details: { why } })
