import { join } from 'node:path'

/** Where the files of a node lie. */
export interface NodeFiles {
  readonly config: string
  readonly genesis: string
  /** The operator's signed yes to the genesis file. */
  readonly genesisAnswer: string
  /** Ed25519 key of the operator, PKCS #8 PEM, mode 0600. */
  readonly operatorKey: string
  /** The node's public half, for whoever assembles the genesis. */
  readonly member: string
  /** Seed of the libp2p identity, mode 0600. */
  readonly peerKey: string
  /** libp2p's own store. */
  readonly libp2p: string
  /** What the host knows of its committee: the highest it verified, and where members were. */
  readonly committee: string
  /** Sealed records of the guest. */
  readonly records: string
  /** The operator's door of the running node (03 §12). */
  readonly operatorSocket: string
  /** What the running node says about itself: process, addresses. */
  readonly running: string
}

/** The files of a node with this directory and this data directory. */
export const nodeFiles = ({ dir, dataDir }: { dir: string; dataDir: string }): NodeFiles => ({
  config: join(dir, 'node.toml'),
  genesis: join(dir, 'genesis.cbor'),
  genesisAnswer: join(dir, 'genesis-answer'),
  operatorKey: join(dir, 'operator.key'),
  member: join(dir, 'member.json'),
  peerKey: join(dataDir, 'host', 'peer.key'),
  libp2p: join(dataDir, 'host', 'libp2p'),
  committee: join(dataDir, 'host', 'committee'),
  records: join(dataDir, 'records'),
  operatorSocket: join(dataDir, 'host', 'operator.sock'),
  running: join(dataDir, 'host', 'running.json'),
})
