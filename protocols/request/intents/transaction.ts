import { keccak_256 } from '@noble/hashes/sha3.js'
import { concatBytes } from '@noble/hashes/utils.js'
import type { RecoverableSignature } from '../ethereum-address.ts'
import { encodeRlp, minimalBytes, type RlpItem } from './rlp.ts'

export interface AccessEntry {
  /** 20 bytes. */
  readonly address: Uint8Array
  /** 32 bytes each. */
  readonly storageKeys: readonly Uint8Array[]
}

interface Common {
  readonly chainId: bigint
  readonly nonce: bigint
  readonly gas: bigint
  /** 20 bytes, or null: a contract is created. */
  readonly to: Uint8Array | null
  readonly value: bigint
  readonly data: Uint8Array
}

/** Legacy with replay protection (EIP-155), access list (EIP-2930), or fee market (EIP-1559). */
export type EthereumTransaction =
  | (Common & { readonly type: 0; readonly gasPrice: bigint })
  | (Common & {
      readonly type: 1
      readonly gasPrice: bigint
      readonly accessList: readonly AccessEntry[]
    })
  | (Common & {
      readonly type: 2
      readonly maxFeePerGas: bigint
      readonly maxPriorityFeePerGas: bigint
      readonly accessList: readonly AccessEntry[]
    })

/** The fields of a transaction without signature, in the order in which RLP writes them. */
export function transactionFields(tx: EthereumTransaction): RlpItem[] {
  const rest: RlpItem[] = [
    minimalBytes(tx.gas),
    tx.to ?? new Uint8Array(0),
    minimalBytes(tx.value),
    tx.data,
  ]
  const nonce = minimalBytes(tx.nonce)
  const chainId = minimalBytes(tx.chainId)
  switch (tx.type) {
    case 0:
      return [nonce, minimalBytes(tx.gasPrice), ...rest]
    case 1:
      return [chainId, nonce, minimalBytes(tx.gasPrice), ...rest, accessItems(tx.accessList)]
    case 2: {
      const fees = [minimalBytes(tx.maxPriorityFeePerGas), minimalBytes(tx.maxFeePerGas)]
      return [chainId, nonce, ...fees, ...rest, accessItems(tx.accessList)]
    }
  }
}

/** The bytes whose keccak256 is signed. */
export function unsignedTransaction(tx: EthereumTransaction): Uint8Array {
  const none = new Uint8Array(0)
  return tx.type === 0
    ? encodeRlp([...transactionFields(tx), minimalBytes(tx.chainId), none, none])
    : typed(tx.type, transactionFields(tx))
}

/** What the key signs, 32 bytes. */
export const transactionDigest = (tx: EthereumTransaction): Uint8Array =>
  keccak_256(unsignedTransaction(tx))

/** The signed transaction as the network takes it; `recovery` is 0 or 1. */
export function signedTransaction(
  tx: EthereumTransaction,
  { r, s, recovery }: RecoverableSignature,
): Uint8Array {
  const parity = BigInt(recovery)
  const v = tx.type === 0 ? tx.chainId * 2n + 35n + parity : parity // EIP-155
  const fields = [...transactionFields(tx), minimalBytes(v), trimmed(r), trimmed(s)]
  return tx.type === 0 ? encodeRlp(fields) : typed(tx.type, fields)
}

/** EIP-2718. */
const typed = (type: number, fields: RlpItem[]): Uint8Array =>
  concatBytes(Uint8Array.of(type), encodeRlp(fields))

const accessItems = (list: readonly AccessEntry[]): RlpItem =>
  list.map(({ address, storageKeys }) => [address, storageKeys])

function trimmed(number: Uint8Array): Uint8Array {
  const first = number.findIndex((byte) => byte !== 0)
  return first === -1 ? new Uint8Array(0) : number.slice(first)
}
