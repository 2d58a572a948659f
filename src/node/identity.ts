import { randomBytes } from 'node:crypto'
import { open, readFile, stat } from 'node:fs/promises'
import { generateKeyPairFromSeed } from '@libp2p/crypto/keys'
import type { PrivateKey } from '@libp2p/interface'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import type { PeerName } from './channels/links.ts'

export const PEER_SEED_BYTES = 32

/** Makes `host/peer.key` (07 §2.1); throws when the file exists: a new seed is another peer. */
export async function createPeerSeed(path: string): Promise<PeerName> {
  const seed = new Uint8Array(randomBytes(PEER_SEED_BYTES))
  const file = await open(path, 'wx', 0o600)
  try {
    await file.writeFile(seed)
    await file.sync()
  } finally {
    await file.close()
  }
  return peerNameOf(seed)
}

/** The 32-byte seed; throws when the file has another length or others may read it. */
export async function readPeerSeed(path: string): Promise<Uint8Array> {
  const { mode } = await stat(path)
  if ((mode & 0o077) !== 0) throw new Error(`${path} must be readable by its owner only (0600)`)
  const seed = new Uint8Array(await readFile(path))
  if (seed.length !== PEER_SEED_BYTES)
    throw new Error(`${path} must hold ${PEER_SEED_BYTES} bytes, it holds ${seed.length}`)
  return seed
}

/** Without a fixed key each start of libp2p would be a new peer. */
export const peerKeyOf = (seed: Uint8Array): Promise<PrivateKey> =>
  generateKeyPairFromSeed('Ed25519', seed)

export const peerNameOf = async (seed: Uint8Array): Promise<PeerName> =>
  peerIdFromPrivateKey(await peerKeyOf(seed)).toString()
