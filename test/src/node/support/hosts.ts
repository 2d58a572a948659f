import { noise } from '@chainsafe/libp2p-noise'
import { generateKeyPairFromSeed } from '@libp2p/crypto/keys'
import type { ConnectionEncrypter, ConnectionGater, Libp2p } from '@libp2p/interface'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { createLibp2p } from 'libp2p'

export interface BareHostOptions {
  readonly seed?: Uint8Array
  readonly streams?: { initialStreamWindowSize?: number; maxStreamWindowSize?: number }
  readonly encrypter?: (components: never) => ConnectionEncrypter
  readonly gater?: ConnectionGater
}

/** A started libp2p on loopback with nothing of ours but what the options say. */
export async function bareHost(options: BareHostOptions = {}): Promise<Libp2p> {
  return createLibp2p({
    ...(options.seed === undefined
      ? {}
      : { privateKey: await generateKeyPairFromSeed('Ed25519', options.seed) }),
    addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
    transports: [tcp()],
    connectionEncrypters: [
      options.encrypter === undefined ? noise() : (options.encrypter as ReturnType<typeof noise>),
    ],
    streamMuxers: [yamux({ streamOptions: options.streams ?? {} })],
    connectionMonitor: { enabled: false },
    connectionManager: { inboundConnectionThreshold: 1000 },
    ...(options.gater === undefined ? {} : { connectionGater: options.gater }),
  })
}

/** The first address of a started host; throws when it listens nowhere. */
export function addressOf(node: Libp2p): ReturnType<Libp2p['getMultiaddrs']>[number] {
  const [address] = node.getMultiaddrs()
  if (address === undefined) throw new Error('bug: the host listens nowhere')
  return address
}
