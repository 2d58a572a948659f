import { multiaddr } from '@multiformats/multiaddr'
import { decodeGenesis, networkIdOf } from '../../protocols/agreement/genesis.ts'
import { askGenesis } from './committee/ask-committee.ts'
import { createDialler } from './libp2p.ts'

/** No address gave the genesis file of the network; `cause` holds what each of them did. */
export class GenesisNotFound extends Error {
  override readonly name = 'GenesisNotFound'
}

/**
 * Fetches the genesis file of a network from any of the addresses, and checks that its hash is the
 * network's and that it decodes (03 §3.2). One try of each; who wants more tries again.
 */
export async function fetchGenesis(
  networkId: Uint8Array,
  addresses: readonly string[],
  signal: AbortSignal,
): Promise<Uint8Array> {
  const node = await createDialler()
  const failures: unknown[] = []
  try {
    for (const address of addresses) {
      signal.throwIfAborted()
      try {
        const connection = await node.dial(multiaddr(address), { signal })
        const genesis = await askGenesis(connection, signal)
        if (!sameBytes(networkIdOf(genesis), networkId)) throw new Error('another network')
        decodeGenesis(genesis)
        return genesis
      } catch (cause) {
        failures.push(cause)
      }
    }
    throw new GenesisNotFound(`none of ${addresses.length} addresses has the genesis file`, {
      cause: new AggregateError(failures),
    })
  } finally {
    await node.stop()
  }
}

const sameBytes = (a: Uint8Array, b: Uint8Array): boolean =>
  a.length === b.length && a.every((byte, i) => byte === b[i])
