import assert from 'node:assert/strict'
import type { Libp2p } from '@libp2p/interface'
import type { KadDHT } from '@libp2p/kad-dht'
import { Registry } from 'prom-client'
import type { Directory } from '../../../../src/node/discovery/directory.ts'
import { PeerFinder } from '../../../../src/node/discovery/peer-finder.ts'
import { createMetrics } from '../../../../src/node/metrics.ts'

const PEER = '12D3KooWNSNSDFCgkZsnqHMejdoZ5rj7fiKTQVii6Bcn3TRd6HxC'
const at = (port: number): string => `/ip4/127.0.0.1/tcp/${port}/p2p/${PEER}`

describe('PeerFinder', () => {
  for (const count of [1, 2, 3, 6, 7])
    it(`tries each of ${count} addresses, the last of which works`, async () => {
      const dialled: string[] = []
      const node = {
        dial: async (address: { toString(): string }) => {
          dialled.push(address.toString())
          if (dialled.length < count) throw new Error('refused')
          return {}
        },
      } as unknown as Libp2p
      const finder = new PeerFinder({
        node,
        dht: { routingTable: { size: 0 } } as unknown as KadDHT,
        directory: {} as Directory,
        metrics: createMetrics(new Registry()),
        dialPrivate: true,
        dialMs: 10_000,
        guestOf: () => undefined,
        ensure: async () => false,
      })
      const addresses = Array.from({ length: count }, (_, place) => at(4001 + place))
      finder.configure(new Map([[PEER, addresses]]))
      assert.equal(await finder.reach({ peer: PEER }, new AbortController().signal), true)
      assert.deepEqual(dialled, addresses)
      assert.deepEqual(finder.lastKnown(PEER), addresses.slice(-1))
    })
})
