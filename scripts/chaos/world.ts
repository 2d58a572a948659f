/** A node as chaos names it: by a number that is never given again. */
export interface ChaosNode {
  readonly node: number
  /** Its index in the committee. */
  readonly index: number
}

export interface ChaosAccount {
  readonly accountId: string
  /** The hash of its public key. */
  readonly address: string
}

/** What the nodes say at the end, each for itself. */
export interface NodeView {
  readonly node: number
  readonly e: number
  readonly recordHash: string
  /** Whether the chain that it shows follows from the genesis file. */
  readonly isVerified: boolean
  readonly receipts: readonly {
    readonly e: number
    readonly have: number
    readonly of: number
  }[]
}

/** A network of nodes that chaos plays with: real processes, or a model of them. Waits end with the signal. */
export interface ChaosWorld {
  /** Members of the epoch that serves, in order of their indices. */
  members(): Promise<readonly ChaosNode[]>
  threshold(): Promise<number>
  refresh(signal: AbortSignal): Promise<void>
  join(signal: AbortSignal): Promise<void>
  leave(node: number, signal: AbortSignal): Promise<void>
  kill(node: number): Promise<void>
  /** Starts a node that was killed, or whose process ended. */
  restart(node: number, signal: AbortSignal): Promise<void>
  freeze(node: number): Promise<void>
  thaw(node: number): Promise<void>
  /** From now on this node's store can write nothing more. */
  fillDisk(node: number): Promise<void>
  /** Cuts it off from all others. */
  isolate(node: number, signal: AbortSignal): Promise<void>
  heal(signal: AbortSignal): Promise<void>
  /** One signature of this account over this text, asked for at whichever of these nodes answers; it is verified. */
  sign(
    account: ChaosAccount,
    text: string,
    signal: AbortSignal,
    nodes?: readonly number[],
  ): Promise<string>
  /** The address of an account as the network has it now. */
  addressOf(accountId: string, signal: AbortSignal): Promise<string>
  /** Resolves when every member is up, ready, and in one epoch with nothing open. */
  settled(signal: AbortSignal): Promise<void>
  views(signal: AbortSignal): Promise<readonly NodeView[]>
}
