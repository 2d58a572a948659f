import { isPrivate } from '@libp2p/utils'
import { type Multiaddr, multiaddr } from '@multiformats/multiaddr'
import type { PeerName } from './channels/links.ts'

const MAX_LEARNT = 8 // addresses of one peer that are worth a dial (07 §8)
const MAX_ADDRESS_BYTES = 128

/** The text's multiaddr, or undefined: texts come from records that others wrote. */
export function parseAddress(text: string): Multiaddr | undefined {
  try {
    return multiaddr(text)
  } catch {
    return undefined // the library throws a different error for each way to be wrong
  }
}

/** The peer id that an address ends in, if it does. */
export const peerOfAddress = (address: Multiaddr): PeerName | undefined =>
  address.getComponents().findLast(({ name }) => name === 'p2p')?.value

/** The address with `/p2p/<peer>` at its end; an address of another peer is undefined. */
export function addressOfPeer(text: string, peer: PeerName): Multiaddr | undefined {
  const address = parseAddress(text)
  if (address === undefined) return undefined
  const named = peerOfAddress(address)
  if (named === undefined) return address.encapsulate(`/p2p/${peer}`)
  return named === peer ? address : undefined
}

/** What is kept of addresses learnt from others: a record must not turn nodes into port scanners. */
export function learntAddresses(
  texts: readonly string[],
  peer: PeerName,
  dialPrivate: boolean,
): string[] {
  return texts
    .filter((text) => text.length <= MAX_ADDRESS_BYTES)
    .map((text) => addressOfPeer(text, peer))
    .filter((address) => address !== undefined)
    .filter((address) => dialPrivate || !isPrivateAddress(address))
    .slice(0, MAX_LEARNT)
    .map((address) => address.toString())
}

/** Addresses without an IP or a DNS name count as private: nothing says where they lead. */
export function isPrivateAddress(address: Multiaddr): boolean {
  const first = address.getComponents()[0]?.name
  if (first === 'dns' || first === 'dns4' || first === 'dns6') return isPrivate(address)
  return (first !== 'ip4' && first !== 'ip6') || isPrivate(address)
}

/** IP of an address that starts with one. */
export function ipOf(address: Multiaddr): string | undefined {
  const first = address.getComponents()[0]
  return first?.name === 'ip4' || first?.name === 'ip6' ? first.value : undefined
}
