import type { NetworkManifest } from '../../wire/network.ts'
import type { NodeStatus } from '../../wire/status.ts'

/** What a public method may look at. */
export interface NodeView {
  manifest(): Promise<NetworkManifest>
  status(signal: AbortSignal): Promise<NodeStatus>
}

/** Answered by the node itself, to anyone. */
export interface PublicMethod {
  readonly kind: 'public'
  readonly name: string
  answer(node: NodeView, signal: AbortSignal): Promise<unknown>
}

/** A request with proofs, which guests check and answer. `registration` counts against another rate. */
export interface RequestMethod {
  readonly kind: 'request'
  readonly name: string
  readonly registration: boolean
}

export type Method = PublicMethod | RequestMethod
