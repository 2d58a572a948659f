import { bytesToHex, hexToBytes } from '@noble/hashes/utils.js'
import { DecodeError } from '../session/codec.ts'

/** A network and one way in: `holdfast:<networkId hex>@<multiaddr>` (03 §1.2). */
export interface NetworkAddress {
  /** 32 bytes. */
  readonly networkId: Uint8Array
  /** Multiaddr text; whoever dials parses it. */
  readonly multiaddr: string
}

const FORM = /^holdfast:([0-9a-f]{64})@(\/[\x21-\x7e]{1,511})$/

/** The text form. Throws `DecodeError` for what `parseNetworkAddress` would refuse. */
export function formatNetworkAddress({ networkId, multiaddr }: NetworkAddress): string {
  const text = `holdfast:${bytesToHex(networkId)}@${multiaddr}`
  parseNetworkAddress(text)
  return text
}

/** Both parts of a text form; other texts are a `DecodeError`. */
export function parseNetworkAddress(text: string): NetworkAddress {
  const [, networkId, multiaddr] = FORM.exec(text) ?? []
  if (networkId === undefined || multiaddr === undefined)
    throw new DecodeError('not a network address: holdfast:<64 hex digits>@/…')
  return { networkId: hexToBytes(networkId), multiaddr }
}
