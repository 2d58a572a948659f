import { DecodeError } from '../../session/codec.ts'
import { type RecoverableSignature, recoverAddress } from '../ethereum-address.ts'
import { hexBytes } from '../hex.ts'
import { decodeRlp, type RlpItem } from './rlp.ts'
import {
  type AccessEntry,
  type EthereumTransaction,
  signedTransaction,
  transactionDigest,
} from './transaction.ts'

/** A raw transaction taken apart. */
export interface RawTransaction {
  readonly transaction: EthereumTransaction
  readonly signature: RecoverableSignature
  readonly digest: Uint8Array
}

/** And who signed it. */
export interface SignedTransaction extends RawTransaction {
  /** EIP-55 address of the signer. */
  readonly from: string
}

/**
 * Takes a raw transaction of type 0 (EIP-155), 1 or 2 apart, strictly: one encoding, low s, and the bytes
 * are those that `signedTransaction` writes. Throws `DecodeError`. With it a client checks what it got.
 */
export function parseSignedTransaction(raw: string): SignedTransaction {
  const parts = parseRawTransaction(raw)
  return { ...parts, from: recoverAddress(parts.digest, parts.signature) }
}

/** The same without asking whether any key signed it. */
export function parseRawTransaction(raw: string): RawTransaction {
  const bytes = hexBytes(raw)
  const type = bytes?.[0]
  if (bytes === undefined || type === undefined) throw new DecodeError('not a raw transaction')
  const { transaction, signature } =
    type >= 0xc0 ? legacy(list(decodeRlp(bytes), 9)) : typed(type, decodeRlp(bytes.subarray(1)))
  if (!same(signedTransaction(transaction, signature), bytes))
    throw new DecodeError('not the encoding of this transaction')
  const digest = transactionDigest(transaction)
  return { transaction, signature, digest }
}

type Parts = Pick<RawTransaction, 'transaction' | 'signature'>

function legacy(items: readonly RlpItem[]): Parts {
  const [nonce, gasPrice, gas, to, value, data, v, r, s] = items
  const marked = number(v)
  if (marked < 37n) throw new DecodeError('a legacy transaction without a chain id')
  const chainId = (marked - 35n) / 2n
  const common = { chainId, ...commonFields(nonce, gas, to, value, data) }
  return {
    transaction: { type: 0, ...common, gasPrice: number(gasPrice) },
    signature: signatureOf((marked - 35n) % 2n, r, s),
  }
}

function typed(type: number, item: RlpItem): Parts {
  if (type === 1) {
    const fields = list(item, 11)
    const [chainId, nonce, gasPrice, gas, to, value, data, access, parity, r, s] = fields
    const common = { chainId: number(chainId), ...commonFields(nonce, gas, to, value, data) }
    return {
      transaction: {
        type,
        ...common,
        gasPrice: number(gasPrice),
        accessList: accessEntries(access),
      },
      signature: signatureOf(number(parity), r, s),
    }
  }
  if (type !== 2) throw new DecodeError('a transaction type that is not known')
  const [chainId, nonce, tip, fee, gas, to, value, data, access, parity, r, s] = list(item, 12)
  const common = { chainId: number(chainId), ...commonFields(nonce, gas, to, value, data) }
  return {
    transaction: {
      type,
      ...common,
      maxPriorityFeePerGas: number(tip),
      maxFeePerGas: number(fee),
      accessList: accessEntries(access),
    },
    signature: signatureOf(number(parity), r, s),
  }
}

type Maybe = RlpItem | undefined

const commonFields = (nonce: Maybe, gas: Maybe, to: Maybe, value: Maybe, data: Maybe) => ({
  nonce: number(nonce),
  gas: number(gas),
  to: recipient(to),
  value: number(value),
  data: bytes(data),
})

function signatureOf(parity: bigint, r: Maybe, s: Maybe): RecoverableSignature {
  if (parity > 1n) throw new DecodeError('a parity above 1')
  return { r: word(r), s: word(s), recovery: Number(parity) }
}

function list(item: Maybe, length: number): readonly RlpItem[] {
  if (item === undefined || item instanceof Uint8Array || item.length !== length)
    throw new DecodeError(`not a list of ${length}`)
  return item
}

function bytes(item: Maybe, length?: number): Uint8Array {
  if (!(item instanceof Uint8Array) || (length !== undefined && item.length !== length))
    throw new DecodeError('not the bytes of a transaction field')
  return item
}

function recipient(item: Maybe): Uint8Array | null {
  const to = bytes(item)
  if (to.length === 0) return null
  return bytes(to, 20)
}

/** Leading zeros are refused, here and by the comparison with the encoding. */
function number(item: Maybe): bigint {
  const digits = bytes(item)
  if (digits[0] === 0 || digits.length > 32) throw new DecodeError('not a number')
  return digits.reduce((sum, byte) => sum * 256n + BigInt(byte), 0n)
}

function word(item: Maybe): Uint8Array {
  number(item)
  const digits = bytes(item)
  const padded = new Uint8Array(32)
  padded.set(digits, 32 - digits.length)
  return padded
}

function accessEntries(item: Maybe): AccessEntry[] {
  if (item === undefined || item instanceof Uint8Array) throw new DecodeError('no access list')
  return item.map((entry) => {
    const [address, keys] = list(entry, 2)
    if (keys === undefined || keys instanceof Uint8Array) throw new DecodeError('no storage keys')
    return { address: bytes(address, 20), storageKeys: keys.map((key) => bytes(key, 32)) }
  })
}

const same = (a: Uint8Array, b: Uint8Array): boolean =>
  a.length === b.length && a.every((byte, i) => byte === b[i])
