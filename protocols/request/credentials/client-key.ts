import { keccak_256 } from '@noble/hashes/sha3.js'
import { bytesToHex, concatBytes, utf8ToBytes } from '@noble/hashes/utils.js'
import { DecodeError } from '../../session/codec.ts'
import { uuidText } from '../account-id.ts'
import type { RequestCore } from '../core.ts'
import { addressText, recoverAddress } from '../ethereum-address.ts'
import { SIGNATURE_BYTES, verifyMessage } from '../proofs.ts'
import { parseSpki } from '../spki.ts'
import { MAX_RSA_BITS, parseRsaSpki, verifyPs256, verifyRs256 } from './rsa.ts'

/** All algorithms of clients, developers and owners (05 §1.2). */
export const CLIENT_ALGORITHMS = ['ES256', 'EdDSA', 'ES256K', 'EIP191', 'RS256', 'PS256'] as const
export type ClientAlgorithm = (typeof CLIENT_ALGORITHMS)[number]

/** A key of a client, developer or owner (05 §1.2). */
export interface ClientKey {
  /** 1 to 128 characters. */
  readonly kid: string
  readonly alg: ClientAlgorithm
  /** SubjectPublicKeyInfo; for EIP191 the 20 bytes of an address. */
  readonly spki: Uint8Array
}

/** What a signature of a client is for; a signature made for one use is none for another (05, `sign`). */
export type ProofTag = 'key' | 'oidc' | 'session' | 'approval' | 'scope'

/** RSA of 4096 bits with all its DER around it. */
export const MAX_SPKI_BYTES = 600
export const MAX_CLIENT_SIGNATURE_BYTES: number = MAX_RSA_BITS / 8
const ADDRESS_BYTES = 20
const ETHEREUM_SIGNATURE_BYTES = 65

/** `sign(tag, b)` covers "holdfast/proof/" tag "/1" 00 b (05, notation). */
export const taggedMessage = (tag: ProofTag, bytes: Uint8Array): Uint8Array =>
  concatBytes(utf8ToBytes(`holdfast/proof/${tag}/1\0`), bytes)

/**
 * What a `key` proof signs: the tagged digest; for EIP191 a text that a wallet can show, which ends with
 * the digest (05 §2.2).
 */
export function keyProofMessage(
  alg: ClientAlgorithm,
  core: RequestCore,
  digest: Uint8Array,
): Uint8Array {
  if (alg !== 'EIP191') return taggedMessage('key', digest)
  const lines = [
    'Holdfast request',
    `network ${bytesToHex(core.networkId)}`,
    `scope ${uuidText(core.scopeId)}`,
    `method ${core.method}`,
    `expires ${core.exp}`,
    `digest ${bytesToHex(digest)}`,
  ]
  return utf8ToBytes(lines.join('\n'))
}

/** Throws `DecodeError` unless `spki` is the one accepted form of a key of this algorithm. */
export function assertClientKey({ alg, spki }: Pick<ClientKey, 'alg' | 'spki'>): void {
  if (alg === 'EIP191') {
    if (spki.length !== ADDRESS_BYTES) throw new DecodeError('an address has 20 bytes')
  } else if (alg === 'RS256' || alg === 'PS256') parseRsaSpki(spki)
  else parseSpki(alg, spki)
}

/**
 * Whether the signature is this key's over the message. Strict and total: any malformed key or signature
 * is false. ES256, ES256K and EdDSA as `verifyMessage`; EIP191 signs the message with the prefix of
 * wallets, 65 bytes with v 27 or 28 and low s; RS256 and PS256 as RFC 7518.
 */
export function verifyClientSignature(
  { alg, spki }: Pick<ClientKey, 'alg' | 'spki'>,
  message: Uint8Array,
  signature: Uint8Array,
): boolean {
  switch (alg) {
    case 'EIP191':
      return verifyEthereum(spki, message, signature)
    case 'RS256':
    case 'PS256':
      return verifyRsa(alg, spki, message, signature)
    default:
      return verifyMessage(alg, spki, message, signature)
  }
}

function verifyRsa(
  alg: 'RS256' | 'PS256',
  spki: Uint8Array,
  message: Uint8Array,
  signature: Uint8Array,
): boolean {
  try {
    const key = parseRsaSpki(spki)
    return (alg === 'RS256' ? verifyRs256 : verifyPs256)(key, message, signature)
  } catch (error) {
    if (error instanceof DecodeError) return false // a key that is none has signed nothing
    throw error
  }
}

function verifyEthereum(address: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  if (address.length !== ADDRESS_BYTES || signature.length !== ETHEREUM_SIGNATURE_BYTES)
    return false
  const recovery = (signature[SIGNATURE_BYTES] ?? 0) - 27
  if (recovery !== 0 && recovery !== 1) return false
  const prefix = utf8ToBytes(`\x19Ethereum Signed Message:\n${message.length}`)
  const digest = keccak_256(concatBytes(prefix, message))
  const [r, s] = [signature.slice(0, 32), signature.slice(32, SIGNATURE_BYTES)]
  try {
    return recoverAddress(digest, { r, s, recovery }) === addressText(address)
  } catch (error) {
    if (error instanceof DecodeError) return false
    throw error
  }
}
