import { noise } from '@chainsafe/libp2p-noise' // to change for `@libp2p/noise`, same wire (07 §1): here and in noise-crypto.ts
import { type Identify, type IdentifyPush, identify, identifyPush } from '@libp2p/identify'
import type { ConnectionGater, Libp2p, PrivateKey } from '@libp2p/interface'
import {
  type KadDHT,
  kadDHT,
  passthroughMapper,
  removePrivateAddressesMapper,
  type SelectFn,
  type ValidateFn,
} from '@libp2p/kad-dht'
import { type Ping, ping } from '@libp2p/ping'
import { tcp } from '@libp2p/tcp'
import { webSockets } from '@libp2p/websockets'
import { yamux } from '@libp2p/yamux'
import type { LevelDatastore } from 'datastore-level'
import { createLibp2p } from 'libp2p'
import { noiseCrypto } from './noise-crypto.ts'
import type { Profile } from './profiles.ts'
import { whole } from './whole-writes.ts'

export const KAD_PROTOCOL = '/holdfast/kad/1.0.0'
/** Neither patch level nor platform: strangers learn nothing that helps an attack. */
export const AGENT = { name: 'holdfast', version: '0.1', userAgent: 'holdfast/0.1' } as const

const PING_STREAMS = 8 // several askers, and slow answers on a busy machine; each is 32 bytes

export type HostServices = {
  identify: Identify
  identifyPush: IdentifyPush
  ping: Ping
  dht: KadDHT
}
export type Host = Libp2p<HostServices>

export interface HostInit {
  readonly privateKey: PrivateKey
  readonly profile: Profile
  readonly listen: readonly string[]
  readonly announce: readonly string[]
  /** Open; absent: memory. */
  readonly datastore: LevelDatastore | undefined
  readonly gater: ConnectionGater
  readonly validators: Readonly<Record<string, ValidateFn>>
  readonly selectors: Readonly<Record<string, SelectFn>>
}

/** One libp2p of this network, not started: handlers must be in place before the first peer comes (07 §2). */
export async function createHost(init: HostInit): Promise<Host> {
  const { profile } = init
  return createLibp2p<HostServices>({
    start: false,
    privateKey: init.privateKey,
    nodeInfo: AGENT,
    addresses: { listen: [...init.listen], announce: [...init.announce] },
    ...(init.datastore === undefined ? {} : { datastore: init.datastore }),
    transports: [tcp(), webSockets()],
    connectionEncrypters: [whole(noise({ crypto: noiseCrypto }))],
    streamMuxers: [
      yamux({
        maxInboundStreams: 128,
        maxOutboundStreams: 128,
        streamOptions: {
          maxStreamWindowSize: 1 << 20, // trap D: a larger window overruns the read buffer after pause()
          maxWriteBufferLength: 8 << 20, // trap A: what is written past a full window is buffered
        },
      }),
    ],
    connectionManager: {
      maxConnections: 300,
      maxIncomingPendingConnections: 64,
      inboundConnectionThreshold: profile.inboundConnectionThreshold,
      dialTimeout: 10_000,
      maxParallelDials: 16,
    },
    connectionMonitor: { pingInterval: 5_000 },
    connectionGater: init.gater,
    services: {
      identify: identify(),
      identifyPush: identifyPush(),
      // Monitor and DHT both ping over one connection: with the default of one stream the second ping
      // fails, and the monitor takes that for a dead peer and cuts a connection that is well.
      ping: ping({ maxInboundStreams: PING_STREAMS, maxOutboundStreams: PING_STREAMS }),
      dht: kadDHT({
        protocol: KAD_PROTOCOL,
        clientMode: false, // a server at once; undefined would wait for a public address
        peerInfoMapper:
          profile.addresses === 'passthrough' ? passthroughMapper : removePrivateAddressesMapper,
        validators: { ...init.validators },
        selectors: { ...init.selectors },
        providers: { cleanupInterval: 60_000, provideValidity: 600_000 }, // anyone may write them
      }),
    },
  })
}

/** A dialler only: it listens nowhere, stores nothing and joins no DHT. */
export async function createDialler(): Promise<Libp2p> {
  return createLibp2p({
    nodeInfo: AGENT,
    transports: [tcp(), webSockets()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux({ streamOptions: { maxStreamWindowSize: 1 << 20 } })],
  })
}
