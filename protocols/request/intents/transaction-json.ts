import { RequestError } from '../errors.ts'
import { addressBytes } from '../ethereum-address.ts'
import { hexBytes } from '../hex.ts'
import { isPlainObject, type JsonValue } from '../json-value.ts'
import type { AccessEntry, EthereumTransaction } from './transaction.ts'

const COMMON = ['type', 'from', 'chainId', 'nonce', 'gas', 'to', 'value', 'data']
const FIELDS: Readonly<Record<EthereumTransaction['type'], readonly string[]>> = {
  0: [...COMMON, 'gasPrice'],
  1: [...COMMON, 'gasPrice', 'accessList'],
  2: [...COMMON, 'maxFeePerGas', 'maxPriorityFeePerGas', 'accessList'],
}
const QUANTITY = /^0x(?:0|[1-9a-f][0-9a-f]{0,63})$/
const MAX_U64 = 2n ** 64n - 1n
const MAX_U256 = 2n ** 256n - 1n
/** EIP-2681: an account that had more would be stuck. */
const MAX_NONCE = 2n ** 64n - 2n
/** Every JavaScript reader can hold it. */
const MAX_CHAIN_ID = 2n ** 53n - 1n

/**
 * A transaction as eth_signTransaction takes it. Every field of its type is required and no other is
 * allowed; quantities are canonical lower-case `0x` numbers without leading zeros; `to` is null for a
 * contract creation. Throws TX_BUILD_FAILED, or INTENT_MISMATCH where `from` is not `address`.
 */
export function parseTransaction(given: JsonValue, address: string): EthereumTransaction {
  const { type, fields } = fieldsOf(given)
  const from = typeof fields['from'] === 'string' ? addressBytes(fields['from']) : undefined
  if (from === undefined) return refuse('from is no address')
  if (!same(from, addressBytes(address)))
    throw new RequestError('INTENT_MISMATCH', 'from is not the address of this account')
  const common = {
    chainId: quantity(fields, 'chainId', MAX_CHAIN_ID),
    nonce: quantity(fields, 'nonce', MAX_NONCE),
    gas: quantity(fields, 'gas', MAX_U64),
    to: recipient(fields['to']),
    value: quantity(fields, 'value', MAX_U256),
    data: bytes(fields['data'], 'data'),
  }
  if (common.chainId === 0n) return refuse('chainId is 0')
  if (common.to === null && common.data.length === 0) return refuse('a creation without code')
  if (type === 0) return { type, ...common, gasPrice: quantity(fields, 'gasPrice', MAX_U256) }
  const accessList = accessEntries(fields['accessList'])
  if (type === 1)
    return { type, ...common, gasPrice: quantity(fields, 'gasPrice', MAX_U256), accessList }
  const maxFeePerGas = quantity(fields, 'maxFeePerGas', MAX_U256)
  const maxPriorityFeePerGas = quantity(fields, 'maxPriorityFeePerGas', MAX_U256)
  if (maxPriorityFeePerGas > maxFeePerGas)
    return refuse('maxPriorityFeePerGas exceeds maxFeePerGas')
  return { type, ...common, maxFeePerGas, maxPriorityFeePerGas, accessList }
}

function refuse(details: string): never {
  throw new RequestError('TX_BUILD_FAILED', details)
}

function fieldsOf(given: JsonValue): {
  type: EthereumTransaction['type']
  fields: Record<string, unknown>
} {
  if (!isPlainObject(given)) return refuse('the transaction is no object')
  const type = typeOf(given['type'])
  for (const name of FIELDS[type]) if (!Object.hasOwn(given, name)) refuse(`${name} is missing`)
  for (const name of Object.keys(given))
    if (!FIELDS[type].includes(name)) refuse(`type ${type} has a field that does not belong to it`)
  return { type, fields: given }
}

function typeOf(value: unknown): EthereumTransaction['type'] {
  if (value === '0x0') return 0
  if (value === '0x1') return 1
  if (value === '0x2') return 2
  return refuse('type is none of 0x0, 0x1, 0x2')
}

function quantity(fields: Record<string, unknown>, name: string, max: bigint): bigint {
  const text = fields[name]
  if (typeof text !== 'string' || !QUANTITY.test(text))
    return refuse(`${name} is no canonical quantity`)
  const value = BigInt(text)
  return value <= max ? value : refuse(`${name} is too large`)
}

function bytes(value: unknown, name: string): Uint8Array {
  const found = typeof value === 'string' ? hexBytes(value) : undefined
  return found ?? refuse(`${name} is no hex data`)
}

function recipient(value: unknown): Uint8Array | null {
  if (value === null) return null
  const found = typeof value === 'string' ? addressBytes(value) : undefined
  return found ?? refuse('to is neither null nor an address')
}

function accessEntries(value: unknown): AccessEntry[] {
  if (!Array.isArray(value)) return refuse('accessList is no list')
  return value.map((entry: unknown) => {
    if (!isPlainObject(entry) || Object.keys(entry).length !== 2)
      return refuse('an entry of accessList has not exactly address and storageKeys')
    const { address, storageKeys } = entry
    const account = typeof address === 'string' ? addressBytes(address) : undefined
    if (account === undefined) return refuse('an entry of accessList has no address')
    if (!Array.isArray(storageKeys)) return refuse('an entry of accessList has no storageKeys')
    return {
      address: account,
      storageKeys: storageKeys.map((key: unknown) => {
        const found = bytes(key, 'a storage key')
        return found.length === 32 ? found : refuse('a storage key has not 32 bytes')
      }),
    }
  })
}

const same = (a: Uint8Array, b: Uint8Array | undefined): boolean =>
  b !== undefined && a.length === b.length && a.every((byte, i) => byte === b[i])
