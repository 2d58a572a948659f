import type { Transfer } from './chain.ts'

/** An account of the network with the developer key that may use it. */
export interface DemoWallet {
  readonly keyId: string
  readonly publicKey: string
  readonly address: string
  /** The raw transaction, verified by the client, and the members that signed it. */
  signTransaction(
    transaction: Transfer,
    signal: AbortSignal,
  ): Promise<{ readonly raw: string; readonly signers: readonly number[] }>
}
