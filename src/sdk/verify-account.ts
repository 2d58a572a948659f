import { bytesToHex } from '@noble/hashes/utils.js'
import { sameBytes } from '../../protocols/agreement/compare-bytes.ts'
import { committeeIdOf } from '../../protocols/agreement/genesis.ts'
import { quorums } from '../../protocols/agreement/quorums.ts'
import {
  decodeKeyCertificate,
  type KeyCertificate,
  verifyKeyCertificate,
} from '../../protocols/keygen/key-certificate.ts'
import {
  accountIdOf,
  NO_IDENTIFIER_HASH,
  NO_SCOPE_ID,
  uuidText,
} from '../../protocols/request/account-id.ts'
import { fromBase64url } from '../../protocols/request/base64url.ts'
import { addressOf } from '../../protocols/request/ethereum-address.ts'
import { DecodeError } from '../../protocols/session/codec.ts'
import { derive } from '../../protocols/sign/bip32.ts'
import { CREATED_ACCOUNT } from '../wire/accounts.ts'
import { HoldfastError } from './holdfast-error.ts'
import type { Network } from './network.ts'

/** An account with a key of the network. Keep all of it: address and certificate are what answers are held against. */
export interface Account {
  readonly accountId: string
  /** Hex, 32 bytes. */
  readonly keyId: string
  /** EIP-55. */
  readonly address: string
  /** The generated key, compressed, hex. */
  readonly publicKey: string
  /** base64url. */
  readonly certificate: string
}

/** Ethereum's first account: all non-hardened, since nobody holds the secret that hardening needs (05 §1.5). */
const ETHEREUM_PATH = [44, 60, 0, 0, 0] as const
const SECP256K1 = 1

/**
 * The account that a node says it made for the request with this digest. Throws SIGNATURE_INVALID unless a
 * quorum of the members certified its key, and id and address are those that follow. That proves a key of the
 * network with this address. It does not prove that the members keep it for this account: a node could name a
 * certified key of someone else's. For that other nodes are asked (`agreedAddresses`).
 */
export function verifyAccount(value: unknown, network: Network, digest: Uint8Array): Account {
  const parsed = CREATED_ACCOUNT.safeParse(value)
  if (!parsed.success) return refuse('no account', parsed.error)
  const { account_id: accountId, key_id: keyId, address, certificate } = parsed.data
  const cert = decode(certificate)
  const { epochs, networkId } = network
  const epoch = epochs.find(({ epochId }) => sameBytes(epochId, cert.epochId))
  if (epoch === undefined) return refuse('the key is of an epoch that this client does not know')
  const { epochId, members, t } = epoch
  const context = {
    networkId,
    committeeId: committeeIdOf(networkId, 0),
    epochId,
    members,
    quorum: quorums(members.length, t).q,
  }
  if (!verifyKeyCertificate(cert, context))
    return refuse('the key certificate does not verify for this network')
  if (cert.curve !== SECP256K1 || cert.t !== t)
    return refuse('the key has another curve or threshold than the network')
  if (bytesToHex(cert.keyId) !== keyId) return refuse('the certificate is for another key')
  if (address !== ethereumAddress(cert)) return refuse('the address is not the one of the key')
  if (accountId !== uuidText(accountIdOf(networkId, NO_SCOPE_ID, NO_IDENTIFIER_HASH, digest)))
    return refuse('the account id does not follow from the request')
  return { accountId, keyId, address, publicKey: bytesToHex(cert.publicKey), certificate }
}

const ethereumAddress = ({ publicKey, chainCode }: KeyCertificate): string =>
  addressOf(derive(publicKey, chainCode, ETHEREUM_PATH).publicKey)

function decode(certificate: string): KeyCertificate {
  try {
    return decodeKeyCertificate(fromBase64url(certificate))
  } catch (cause) {
    if (cause instanceof DecodeError) return refuse('the key certificate cannot be read', cause)
    throw cause
  }
}

function refuse(message: string, cause?: unknown): never {
  throw new HoldfastError('SIGNATURE_INVALID', { message, cause })
}
