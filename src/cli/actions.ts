import type { NetworkAddress } from '../../protocols/agreement/network-address.ts'
import type { JoinedNetwork } from '../node/bootstrap-join.ts'
import type { Environment } from '../node/config.ts'
import type { InitialisedNode, InitialisePlan } from '../node/initialise-node.ts'
import type { StartOptions } from '../node/node.ts'
import type { OperatorNode } from '../node/operator/client.ts'
import type { RunningFile } from '../node/running-file.ts'
import type { TestnetPlan } from '../testnet/create.ts'
import type { DemoOptions } from '../testnet/demo.ts'
import type { MemberOptions } from '../testnet/members.ts'
import type { Testnet } from '../testnet/state.ts'
import type { NodeReport } from '../testnet/status.ts'
import type { UpOptions } from '../testnet/up.ts'
import type { AccountFile, KeyAlgorithm } from './account-file.ts'

/** A node that runs in this process. */
export interface StartedNode {
  readonly running: RunningFile
  /** Ends by itself only when something is wrong: its exit code and why. */
  readonly ended: Promise<{ readonly code: number; readonly reason: string }>
  stop(): Promise<void>
}

/** What is to be signed. */
export type SignWhat =
  | { readonly kind: 'message'; readonly data: string }
  | { readonly kind: 'typed-data'; readonly json: string }
  | { readonly kind: 'transaction'; readonly transaction: unknown }

/** What a node answers about itself and its network. */
export type StatusReport = Readonly<Record<string, unknown>>

/** The operator's own node, as it runs on this machine. */
export interface OwnNode {
  readonly node: OperatorNode
  readonly genesisFile: string
  /** Where its operator's key lies, unless the operator keeps it elsewhere. */
  readonly operatorKey: string
}

/** What commands do, apart from reading arguments and speaking: the edge where tests put their own. */
export interface Actions {
  initialiseNode(plan: InitialisePlan): Promise<InitialisedNode>
  /** Makes the node of a directory one that asks to join this network. @throws CommandError */
  joinNetwork(dir: string, address: NetworkAddress, signal: AbortSignal): Promise<JoinedNetwork>
  startNode(dir: string, env: Environment, options?: StartOptions): Promise<StartedNode>
  /** Connects to the running node of a directory. @throws CommandError */
  ownNode(dir: string, env: Environment, signal: AbortSignal): Promise<OwnNode>
  status(rpc: string, signal: AbortSignal): Promise<StatusReport>
  createAccount(
    nodes: readonly string[],
    alg: KeyAlgorithm,
    signal: AbortSignal,
  ): Promise<AccountFile>
  sign(
    nodes: readonly string[],
    account: AccountFile,
    what: SignWhat,
    signal: AbortSignal,
  ): Promise<string>
  demo(options: DemoOptions): Promise<void>
  readonly testnet: TestnetActions
}

/** The life of local networks. */
export interface TestnetActions {
  create(plan: TestnetPlan): Promise<Testnet>
  start(dir: string, options: UpOptions): Promise<Testnet>
  ready(state: Testnet, options: { deadlineMs: number; signal: AbortSignal }): Promise<void>
  report(state: Testnet): Promise<NodeReport[]>
  stop(dir: string): Promise<Testnet>
  kill(dir: string, nodes: readonly number[]): Promise<Testnet>
  signal(dir: string, nodes: readonly number[], name: 'SIGSTOP' | 'SIGCONT'): Promise<Testnet>
  partition(
    dir: string,
    groups: readonly (readonly number[])[],
    signal: AbortSignal,
  ): Promise<Testnet>
  heal(dir: string, signal: AbortSignal): Promise<Testnet>
  addNode(dir: string, options: MemberOptions): Promise<Testnet>
  removeNode(dir: string, node: number, signal: AbortSignal): Promise<Testnet>
  upgrade(dir: string, nodes: readonly number[], options: MemberOptions): Promise<Testnet>
}
