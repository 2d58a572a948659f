import { bytesToHex } from '@noble/hashes/utils.js'
import type { RecoverableSignature } from '../../protocols/request/ethereum-address.ts'
import { hexBytes } from '../../protocols/request/hex.ts'
import type { Intent } from '../../protocols/request/intents/intent.ts'
import { parseRawTransaction } from '../../protocols/request/intents/signed-transaction.ts'
import { DecodeError } from '../../protocols/session/codec.ts'
import { RAW_TRANSACTION, SIGNATURE } from '../wire/signatures.ts'
import { HoldfastError } from './holdfast-error.ts'
import type { KnownKeys } from './known-keys.ts'

/** What a node answered, if it is this account's signature over this very intent; else SIGNATURE_INVALID. */
export function verifySigned(
  value: unknown,
  intent: Intent,
  address: string,
  keys: Pick<KnownKeys, 'signed'>,
): string {
  try {
    const { answer, signature } =
      intent.type === 'transaction' ? transaction(value, intent) : message(value, intent)
    if (!keys.signed(address, intent.digest, signature))
      return refuse('the signature is by another key')
    return answer
  } catch (cause) {
    if (cause instanceof DecodeError) return refuse('the signature cannot be read', cause)
    throw cause
  }
}

interface Read {
  readonly answer: string
  /** Of the digest of the intent. */
  readonly signature: RecoverableSignature
}

function message(value: unknown, intent: Intent): Read {
  const parsed = SIGNATURE.safeParse(value)
  const bytes = parsed.success ? hexBytes(parsed.data) : undefined
  if (bytes === undefined) return refuse('the answer is no signature')
  const [r, s, v = 0] = [bytes.slice(0, 32), bytes.slice(32, 64), bytes[64]]
  const signature: RecoverableSignature = { r, s, recovery: v - 27 }
  if (v !== 27 && v !== 28) return refuse('v is neither 27 nor 28')
  return { answer: intent.finish(signature), signature }
}

/** Every field is the one asked for, since the digest over them is; and the text is the one encoding. */
function transaction(value: unknown, intent: Intent): Read {
  const parsed = RAW_TRANSACTION.safeParse(value)
  if (!parsed.success) return refuse('the answer is no raw transaction')
  const { digest, signature } = parseRawTransaction(parsed.data)
  if (bytesToHex(digest) !== bytesToHex(intent.digest))
    return refuse('the transaction is not the one asked for')
  if (intent.finish(signature) !== parsed.data) return refuse('not the encoding of the transaction')
  return { answer: parsed.data, signature }
}

function refuse(text: string, cause?: unknown): never {
  throw new HoldfastError('SIGNATURE_INVALID', { message: text, cause })
}
