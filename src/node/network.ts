import type { Registry } from 'prom-client'
import type { LinkState, Links, PeerName } from './channels/links.ts'
import type { Directory } from './discovery/directory.ts'
import type { SignNodeRecord, VerifyNodeRecord } from './discovery/node-records.ts'
import type { Log } from './log.ts'
import type { ProfileName } from './profiles.ts'
import type { Rpc } from './rpc.ts'

export interface NetworkConfig {
  readonly profile: ProfileName
  /** Multiaddrs; absent: those of the profile (07 §2.2). */
  readonly listen?: readonly string[]
  /** Multiaddrs that replace everything advertised. */
  readonly announce?: readonly string[]
  /** Multiaddrs, dialled for ever (07 §3.6). */
  readonly bootstrap: readonly string[]
  /** Ed25519 seed, 32 bytes (identity.ts). */
  readonly seed: Uint8Array
  /** Folder of libp2p's own LevelDB, never that of the record store. Absent: memory. */
  readonly datastore?: string
  /** Public URL of this node's gateway, published in its record. */
  readonly gateway?: string | null
}

export interface NetworkMember {
  readonly index: number
  readonly peerId: PeerName
  readonly guestSig: Uint8Array
}

export interface NetworkDeps {
  readonly networkId: Uint8Array
  readonly members: readonly NetworkMember[]
  /** Served to whoever asks: a joiner or client checks its hash. */
  readonly genesis: Uint8Array
  /** This node's guest key, or null when it is no member and publishes nothing. */
  readonly guestSig: Uint8Array | null
  readonly verifyNodeRecord: VerifyNodeRecord
  readonly signNodeRecord: SignNodeRecord
  readonly now: () => number
  readonly log: Log
  readonly registry?: Registry
}

export interface NetworkStatus {
  readonly peerId: PeerName
  readonly addresses: readonly string[]
  readonly members: readonly { index: number; peerId: PeerName; state: LinkState }[]
  readonly up: number
  readonly connections: number
  /** Peers in the DHT's routing table. */
  readonly table: number
  readonly blocked: number
}

/** Everything that this node says to other nodes (spec "Network", 07). */
export interface Network {
  readonly peerId: PeerName
  multiaddrs(): readonly string[]
  readonly links: Links
  readonly directory: Directory
  readonly rpc: Rpc
  status(): NetworkStatus
  start(): Promise<void>
  /** BYE to every peer, then libp2p within 10 s, then its datastore (07 §2.5). */
  stop(): Promise<void>
}
