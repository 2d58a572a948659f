import { hexText } from '../../protocols/request/hex.ts'
import type { JsonValue } from '../../protocols/request/json-value.ts'
import { HoldfastError } from './holdfast-error.ts'

/** Numbers may be given as bigint, number or canonical hex text. */
export type Quantity = bigint | number | string

/** A transaction of type 0, 1 or 2; every field of its type is required (05 §1.5). */
export interface TransactionFields {
  readonly type: 0 | 1 | 2
  readonly chainId: Quantity
  readonly nonce: Quantity
  readonly gas: Quantity
  /** Null creates a contract. */
  readonly to: string | null
  readonly value: Quantity
  readonly data?: string
  readonly gasPrice?: Quantity
  readonly maxFeePerGas?: Quantity
  readonly maxPriorityFeePerGas?: Quantity
  readonly accessList?: readonly {
    readonly address: string
    readonly storageKeys: readonly string[]
  }[]
}

/** The parameter of `eth_signTransaction`. */
export function transactionJson(tx: TransactionFields, from: string): JsonValue {
  const prices = {
    gasPrice: tx.gasPrice,
    maxFeePerGas: tx.maxFeePerGas,
    maxPriorityFeePerGas: tx.maxPriorityFeePerGas,
  }
  const given = Object.entries(prices).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, quantity(value)]],
  )
  return {
    type: quantity(tx.type),
    from,
    chainId: quantity(tx.chainId),
    nonce: quantity(tx.nonce),
    gas: quantity(tx.gas),
    to: tx.to,
    value: quantity(tx.value),
    data: tx.data ?? '0x',
    ...Object.fromEntries(given),
    ...(tx.type === 0 ? {} : { accessList: (tx.accessList ?? []).map(entry) }),
  }
}

const entry = ({ address, storageKeys }: { address: string; storageKeys: readonly string[] }) => ({
  address,
  storageKeys: [...storageKeys],
})

function quantity(value: Quantity): string {
  if (typeof value === 'string') return value
  if (typeof value === 'number' && !Number.isSafeInteger(value)) return refuse('a fraction')
  if (value < 0) return refuse('a negative number')
  return `0x${value.toString(16)}`
}

/** A message: text, or bytes as they are. Both travel as hex, so that text which looks like hex stays text. */
export type Message = string | { readonly raw: Uint8Array }

export const messageJson = (message: Message): string =>
  hexText(typeof message === 'string' ? new TextEncoder().encode(message) : message.raw)

/** Typed data as text of JSON, or as an object whose integers may be bigint: these become decimal text. */
export function typedDataJson(document: string | object): string {
  return typeof document === 'string'
    ? document
    : JSON.stringify(document, (_, value: unknown) =>
        typeof value === 'bigint' ? value.toString() : value,
      )
}

function refuse(what: string): never {
  throw new HoldfastError('PARAMS_INVALID', { message: `${what} is no quantity` })
}
