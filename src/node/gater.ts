import type { Connection, ConnectionGater } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'
import { ipOf, isPrivateAddress } from './addresses.ts'
import type { PeerLimits } from './limits.ts'

/**
 * Refuses blocked peers, too many connections of strangers, and in `public` private addresses that
 * the operator did not write (spec "Network", 07 §2.2, §2.4, §8). It runs after Noise proved the key:
 * the refused side sees its dial succeed and the connection end a moment later. `isCutOff`: a partition that was asked
 * for on a development network.
 */
export function createGater(
  limits: PeerLimits,
  connections: () => readonly Connection[],
  dialPrivate: boolean,
  operatorAddresses: readonly Multiaddr[],
  isCutOff: (peer: string) => boolean = () => false,
): ConnectionGater {
  const written = new Set(operatorAddresses.map(withoutPeer))
  return {
    denyInboundEncryptedConnection: (peer, { remoteAddr }) =>
      isCutOff(peer.toString()) ||
      !limits.mayConnect(
        { peer: peer.toString(), ip: ipOf(remoteAddr) },
        connections()
          .filter(({ direction }) => direction === 'inbound') // those we dialled are our own choice
          .map((open) => ({ peer: open.remotePeer.toString(), ip: ipOf(open.remoteAddr) })),
      ),
    denyDialPeer: (peer) => isCutOff(peer.toString()) || limits.isBlocked(peer.toString()),
    denyDialMultiaddr: (address) =>
      !dialPrivate && isPrivateAddress(address) && !written.has(withoutPeer(address)),
  }
}

const withoutPeer = (address: Multiaddr): string =>
  address.toString().replace(/\/p2p\/[A-Za-z0-9]+$/, '')
