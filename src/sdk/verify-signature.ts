import { bytesToHex } from '@noble/hashes/utils.js'
import {
  type RecoverableSignature,
  recoverAddress,
} from '../../protocols/request/ethereum-address.ts'
import { hexBytes } from '../../protocols/request/hex.ts'
import type { Intent } from '../../protocols/request/intents/intent.ts'
import { parseSignedTransaction } from '../../protocols/request/intents/signed-transaction.ts'
import { DecodeError } from '../../protocols/session/codec.ts'
import { RAW_TRANSACTION, SIGNATURE } from '../wire/signatures.ts'
import { HoldfastError } from './holdfast-error.ts'

/** What a node answered, if it is this account's signature over this very intent; else SIGNATURE_INVALID. */
export function verifySigned(value: unknown, intent: Intent, address: string): string {
  try {
    const text = intent.type === 'transaction' ? transaction(value, intent) : message(value, intent)
    if (text.from !== address) return refuse('the signature is by another key')
    return text.answer
  } catch (cause) {
    if (cause instanceof DecodeError) return refuse('the signature cannot be read', cause)
    throw cause
  }
}

interface Checked {
  readonly answer: string
  /** Who signed the digest of the intent. */
  readonly from: string
}

function message(value: unknown, intent: Intent): Checked {
  const parsed = SIGNATURE.safeParse(value)
  const bytes = parsed.success ? hexBytes(parsed.data) : undefined
  if (bytes === undefined) return refuse('the answer is no signature')
  const [r, s, v = 0] = [bytes.slice(0, 32), bytes.slice(32, 64), bytes[64]]
  const signature: RecoverableSignature = { r, s, recovery: v - 27 }
  if (v !== 27 && v !== 28) return refuse('v is neither 27 nor 28')
  return { answer: intent.finish(signature), from: recoverAddress(intent.digest, signature) }
}

/** Every field is the one asked for, since the digest over them is; and the text is the one encoding. */
function transaction(value: unknown, intent: Intent): Checked {
  const parsed = RAW_TRANSACTION.safeParse(value)
  if (!parsed.success) return refuse('the answer is no raw transaction')
  const { digest, from, signature } = parseSignedTransaction(parsed.data)
  if (bytesToHex(digest) !== bytesToHex(intent.digest))
    return refuse('the transaction is not the one asked for')
  if (intent.finish(signature) !== parsed.data) return refuse('not the encoding of the transaction')
  return { answer: parsed.data, from }
}

function refuse(text: string, cause?: unknown): never {
  throw new HoldfastError('SIGNATURE_INVALID', { message: text, cause })
}
