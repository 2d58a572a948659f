import { bytesToHex, hexToBytes } from '@noble/hashes/utils.js'
import { decodeGenesis, type Genesis, networkIdOf } from '../../protocols/agreement/genesis.ts'
import type { EpochRecord } from '../../protocols/agreement/objects/record.ts'
import { fromBase64url } from '../../protocols/request/base64url.ts'
import { NETWORK_MANIFEST, type NodeHint, type ShownCommittee } from '../wire/network.ts'
import { HoldfastError } from './holdfast-error.ts'

/** A network whose genesis hashes to its id, and its committee as the root key shows it. */
export interface Network {
  /** 32 bytes. */
  readonly networkId: Uint8Array
  readonly genesis: Genesis
  /** Hints only. */
  readonly nodes: readonly NodeHint[]
  /** Null where nothing but the genesis is known: on development networks alone. */
  readonly committee: VerifiedCommittee | null
  /** Epochs whose members may have certified a key: what serves now first, then what this client saw before it. */
  readonly epochs: readonly [KeyEpoch, ...KeyEpoch[]]
}

/** The committee as it is now: its root key signed the record and a stamp that lives (03 §3.3). */
export interface VerifiedCommittee {
  readonly record: EpochRecord
  /** When its stamp ends, unix ms. */
  readonly validUntil: number
}

/** Whoever certified the keys of one epoch. */
export interface KeyEpoch {
  readonly epochId: Uint8Array
  readonly t: number
  readonly members: readonly { readonly index: number; readonly guestSig: Uint8Array }[]
}

/** What a node shows of its network; the genesis is checked, the committee is not. */
export interface ShownNetwork extends Pick<Network, 'networkId' | 'genesis' | 'nodes'> {
  readonly encodedGenesis: Uint8Array
  readonly committee: ShownCommittee | null
}

/**
 * The network that a node's manifest describes. Throws MANIFEST_INVALID when its genesis does not hash to
 * `pinned` (32 bytes), or to the id that it claims where nothing is pinned.
 */
export function readManifest(value: unknown, pinned: Uint8Array | undefined): ShownNetwork {
  const parsed = NETWORK_MANIFEST.safeParse(value)
  if (!parsed.success) throw refuse('the node gave no manifest', parsed.error)
  let encoded: Uint8Array
  let claimed: Uint8Array
  let genesis: Genesis
  try {
    encoded = fromBase64url(parsed.data.genesis)
    claimed = fromBase64url(parsed.data.networkId)
    genesis = decodeGenesis(encoded)
  } catch (cause) {
    throw refuse('the node gave no genesis', cause)
  }
  const networkId = networkIdOf(encoded)
  const [found, wanted] = [bytesToHex(networkId), bytesToHex(pinned ?? claimed)]
  if (found !== wanted) throw refuse(`the node serves network ${found}, not ${wanted}`, undefined)
  const { nodes, committee } = parsed.data
  return { networkId, genesis, encodedGenesis: encoded, nodes, committee }
}

/** The 32 bytes of a network id in hex or base64url. */
export function parseNetworkId(text: string): Uint8Array {
  if (/^[0-9a-f]{64}$/i.test(text))
    return Uint8Array.from(text.match(/../g) ?? [], (byte) => Number.parseInt(byte, 16))
  try {
    const bytes = fromBase64url(text)
    if (bytes.length === 32) return bytes
  } catch (cause) {
    throw refuse('networkId is neither hex nor base64url of 32 bytes', cause)
  }
  throw refuse('networkId is neither hex nor base64url of 32 bytes', undefined)
}

/** The 33 bytes of a root key in hex or base64url. */
export function parseRootKey(text: string): Uint8Array {
  try {
    const bytes = /^[0-9a-f]{66}$/i.test(text) ? hexToBytes(text) : fromBase64url(text)
    if (bytes.length === 33) return bytes
  } catch (cause) {
    throw refuse('rootKey is neither hex nor base64url of 33 bytes', cause)
  }
  throw refuse('rootKey is neither hex nor base64url of 33 bytes', undefined)
}

/** Whether a URL can only be this machine: there alone a network may be used unpinned (05 §1.1). */
export function isLoopbackUrl(url: string): boolean {
  const { hostname } = new URL(url)
  return hostname === 'localhost' || hostname === '[::1]' || /^127(\.\d{1,3}){3}$/.test(hostname)
}

const refuse = (message: string, cause: unknown): HoldfastError =>
  new HoldfastError('MANIFEST_INVALID', { message, cause })
