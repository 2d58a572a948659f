import { concatBytes } from '@noble/hashes/utils.js'
import { objectTags } from '../../crypto/tags.ts'
import { objectHash } from '../../crypto/transcript.ts'
import { encodeCanonical } from '../../session/canonical-cbor.ts'
import type { JsonParams } from '../core.ts'
import { RequestError } from '../errors.ts'
import { addressBytes, type RecoverableSignature } from '../ethereum-address.ts'
import { hexText } from '../hex.ts'
import { methodNamed, parseParams } from '../methods.ts'
import { messageBytes, messageDigest } from './message.ts'
import { signedTransaction, transactionDigest, transactionFields } from './transaction.ts'
import { parseTransaction } from './transaction-json.ts'
import { hashTypedData } from './typed-data.ts'

export type IntentType = 'message' | 'typedData' | 'transaction'

/** What a key is asked to sign, computed by each guest itself (spec "Intents", 05 §1.5). */
export interface Intent {
  readonly type: IntentType
  readonly family: 'evm'
  /** CAIP-2 name of the chain it is good for, or null where it names none. */
  readonly caip2: string | null
  /** What the key signs, 32 bytes. */
  readonly digest: Uint8Array
  /**
   * H(intent; [type, family, caip2, fields]), 32 bytes. Fields: the message; or primaryType, domainSeparator
   * and structHash; or the type and the unsigned RLP fields of the transaction.
   */
  readonly intentDigest: Uint8Array
  /** What the method returns: a 65-byte signature with v 27 or 28, or the raw transaction, as `0x` text. */
  finish(signature: RecoverableSignature): string
}

/**
 * The intent of a signing request for the account with this address. Throws `RequestError`:
 * METHOD_UNSUPPORTED, PARAMS_INVALID, MSG_BUILD_FAILED, TX_BUILD_FAILED, or INTENT_MISMATCH where the
 * parameters name another address.
 */
export function intentOf(method: string, params: JsonParams, address: string): Intent {
  const name = methodNamed(method)
  switch (name) {
    case 'personal_sign': {
      const [data, signer] = parseParams(name, params)
      assertSigner(signer, address)
      const message = messageBytes(data)
      return intent('message', null, messageDigest(message), [message], signatureText)
    }
    case 'eth_signTypedData_v4': {
      const [signer, document] = parseParams(name, params)
      assertSigner(signer, address)
      const { chainId, primaryType, domainSeparator, structHash, digest } = hashTypedData(document)
      const fields = [primaryType, domainSeparator, structHash]
      return intent('typedData', chainId, digest, fields, signatureText)
    }
    case 'eth_signTransaction': {
      const [given] = parseParams(name, params)
      const tx = parseTransaction(given, address)
      const fields = [tx.type, ...transactionFields(tx)]
      return intent('transaction', tx.chainId, transactionDigest(tx), fields, (signature) => {
        assertParity(signature)
        return hexText(signedTransaction(tx, signature))
      })
    }
    default:
      throw new RequestError('METHOD_UNSUPPORTED', 'this method signs nothing')
  }
}

function intent(
  type: IntentType,
  chainId: bigint | null,
  digest: Uint8Array,
  fields: readonly unknown[],
  finish: (signature: RecoverableSignature) => string,
): Intent {
  const caip2 = chainId === null ? null : `eip155:${chainId}`
  const encoded = encodeCanonical([type, 'evm', caip2, fields])
  const intentDigest = objectHash(objectTags.intent, encoded)
  return { type, family: 'evm', caip2, digest, intentDigest, finish }
}

function assertSigner(signer: string, address: string): void {
  if (signer === address) return // the usual text of it, whose checksum needs no second look
  const [asked, ours] = [addressBytes(signer), addressBytes(address)]
  if (asked === undefined || ours === undefined || !asked.every((byte, i) => byte === ours[i]))
    throw new RequestError('INTENT_MISMATCH', 'not the address of this account')
}

function signatureText(signature: RecoverableSignature): string {
  assertParity(signature)
  const { r, s, recovery } = signature
  return hexText(concatBytes(r, s, Uint8Array.of(27 + recovery)))
}

/** x(R) >= q, which no signer will ever see, has no form on Ethereum. */
function assertParity({ recovery }: RecoverableSignature): void {
  if (recovery !== 0 && recovery !== 1)
    throw new RequestError('SIGN_FAILED', 'a signature that Ethereum cannot express')
}
