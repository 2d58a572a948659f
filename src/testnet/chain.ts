import type { LocalChain } from './anvil.ts'

/** An EIP-1559 transfer, with quantities in hex. */
export interface Transfer {
  readonly type: 2
  readonly chainId: string
  readonly nonce: string
  readonly to: string
  readonly value: string
  readonly gas: string
  readonly maxFeePerGas: string
  readonly maxPriorityFeePerGas: string
  readonly data: '0x'
  readonly accessList: readonly []
}

/** What a signed transfer turned out to be. */
export interface MinedTransfer {
  readonly hash: string
  readonly blockNumber: number
  readonly status: 'success'
  readonly from: string
}

type Hex = `0x${string}`
const TRANSFER_GAS = 21_000n // a plain transfer costs exactly this
const TIP_WEI = 1_000_000_000n // 1 gwei
const RECEIPT_TIMEOUT_MS = 20_000 // the local chain mines at once
const BROADCAST_POLL_MS = 50

/** A check of the demonstration that did not hold. */
export class CheckError extends Error {
  override readonly name = 'CheckError'
}

const hex = (value: bigint): Hex => `0x${value.toString(16)}`
const asHex = (text: string): Hex => {
  if (!/^0x[0-9a-fA-F]*$/.test(text)) throw new CheckError(`${text.slice(0, 20)} is not hex`)
  return text as Hex
}

/** A transfer without a chain to ask: for showing a signature only. */
export const plainTransfer = (to: string, value: bigint, chainId: number): Transfer => ({
  type: 2,
  chainId: hex(BigInt(chainId)),
  nonce: '0x0',
  to,
  value: hex(value),
  gas: hex(TRANSFER_GAS),
  maxFeePerGas: hex(2n * TIP_WEI),
  maxPriorityFeePerGas: hex(TIP_WEI),
  data: '0x',
  accessList: [],
})

/** What the demonstration does with a chain. */
export interface ChainClient {
  /** Sends `wei` from an account that the chain itself holds, to an address that had none. */
  fund(address: string, wei: bigint): Promise<void>
  /** A transfer that fits the chain as it is now. */
  transfer(from: string, to: string, value: bigint): Promise<Transfer>
  /** Broadcasts a raw transfer, waits for its receipt and checks everything about it. @throws CheckError */
  send(raw: string, transfer: Transfer, from: string): Promise<MinedTransfer>
}

/** A client of a local chain. viem is loaded when it is needed: users may not have it. */
export async function openChain(chain: LocalChain, chainId: number): Promise<ChainClient> {
  const { createPublicClient, getAddress, http } = await import('viem')
  const client = createPublicClient({
    transport: http(chain.url),
    pollingInterval: BROADCAST_POLL_MS,
    cacheTime: 0,
  })
  const receiptOf = (hash: Hex) =>
    client.waitForTransactionReceipt({ hash, timeout: RECEIPT_TIMEOUT_MS })
  return {
    async fund(address: string, wei: bigint): Promise<void> {
      const accounts: readonly Hex[] = await client.request({ method: 'eth_accounts' } as never)
      const [rich] = accounts
      const transaction = { from: rich, to: asHex(address), value: hex(wei) }
      const hash: Hex = await client.request({
        method: 'eth_sendTransaction',
        params: [transaction],
      } as never)
      await receiptOf(hash)
      const balance = await client.getBalance({ address: asHex(address) })
      check(balance === wei, `the balance of ${address} is ${balance}, not ${wei}`)
    },
    async transfer(from: string, to: string, value: bigint): Promise<Transfer> {
      const nonce = await client.getTransactionCount({ address: asHex(from) })
      const { baseFeePerGas } = await client.getBlock()
      return {
        ...plainTransfer(to, value, chainId),
        nonce: hex(BigInt(nonce)),
        maxFeePerGas: hex(2n * (baseFeePerGas ?? 0n) + TIP_WEI),
      }
    },
    async send(raw: string, transfer: Transfer, from: string): Promise<MinedTransfer> {
      const before = await client.getBalance({ address: asHex(transfer.to) })
      const blockBefore = await client.getBlockNumber()
      const hash = await client.sendRawTransaction({ serializedTransaction: asHex(raw) })
      const receipt = await receiptOf(hash)
      const after = await client.getBalance({ address: asHex(transfer.to) })
      const mined = await client.getTransaction({ hash })
      check(receipt.status === 'success', `the transaction was mined with status ${receipt.status}`)
      check(same(receipt.from, from), `the chain says it is from ${receipt.from}, not ${from}`)
      check(after - before === BigInt(transfer.value), 'the recipient did not receive the value')
      check(receipt.blockNumber > blockBefore, 'it is in a block older than its broadcast')
      check(mined.blockNumber === receipt.blockNumber, 'transaction and receipt name other blocks')
      check(mined.type === 'eip1559', `it was mined as a transaction of type ${mined.type}`)
      return {
        hash,
        blockNumber: Number(receipt.blockNumber),
        status: 'success',
        from: getAddress(receipt.from),
      }
    },
  }
}

/**
 * Checks a raw transaction apart from the nodes and the chain: it says what was asked, and its signature
 * recovers to `from`. Returns its hash.
 */
export async function checkRaw(raw: string, asked: Transfer, from: string): Promise<string> {
  const { keccak256, parseTransaction, recoverTransactionAddress } = await import('viem')
  const serializedTransaction = asHex(raw) as `0x02${string}` // what follows checks that it is one
  const parsed = parseTransaction(serializedTransaction)
  check(parsed.type === 'eip1559', `a transaction of type ${parsed.type} came back`)
  check(same(parsed.to ?? '', asked.to), `it pays ${parsed.to}`)
  check((parsed.value ?? 0n) === BigInt(asked.value), `it pays ${parsed.value} wei`)
  check(parsed.chainId === Number(asked.chainId), `it is for chain ${parsed.chainId}`)
  check((parsed.nonce ?? 0) === Number(asked.nonce), `it has nonce ${parsed.nonce}`)
  check(parsed.gas === BigInt(asked.gas), `it has gas ${parsed.gas}`)
  check(parsed.maxFeePerGas === BigInt(asked.maxFeePerGas), `its fee is ${parsed.maxFeePerGas}`)
  const signer = await recoverTransactionAddress({ serializedTransaction })
  check(same(signer, from), `its signature recovers to ${signer}, not ${from}`)
  return keccak256(serializedTransaction)
}

const same = (a: string, b: string): boolean => a.toLowerCase() === b.toLowerCase()

export function check(holds: boolean, otherwise: string): asserts holds {
  if (!holds) throw new CheckError(otherwise)
}
