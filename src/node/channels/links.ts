/** A peer id as text: no type of libp2p leaves this room (spec "Network", 07 §12). */
export type PeerName = string

/** `urgent`: signing, votes, acks, aborts, up to 256 KiB + 64 B. `bulk`: the rest, up to 1 MiB + 1 KiB. */
export type Lane = 'urgent' | 'bulk'

export interface LinkState {
  readonly up: boolean
  /** No frame for 6 s: leaders stop choosing the peer (07 §6.4). */
  readonly suspect: boolean
  /** Median of the last nine pongs, in milliseconds. */
  readonly rttMs: number | undefined
  /** Unix ms of the last change of `up`. */
  readonly since: number
}

/**
 * `UNREACHABLE`: no link, or it ended before the envelope was handed to the stream. `OVERLOADED`: the
 * lane is full. `TOO_LARGE`: more than the lane carries. `CANCELLED`: the caller's signal.
 */
export type LinkErrorCode = 'UNREACHABLE' | 'OVERLOADED' | 'TOO_LARGE' | 'CANCELLED'

export class LinkError extends Error {
  override readonly name = 'LinkError'
  readonly code: LinkErrorCode

  constructor(code: LinkErrorCode, options?: ErrorOptions) {
    super(code, options)
    this.code = code
  }
}

export type StateListener = (peer: PeerName, state: LinkState) => void

/** One long-lived bounded stream per pair of members; envelopes are opaque bytes (07 §6, §12). */
export interface Links {
  /**
   * Resolves when the envelope was handed to the stream: nothing says that it arrived, and nothing is
   * sent twice. Rejects with `LinkError`.
   */
  send(peer: PeerName, envelope: Uint8Array, lane: Lane, signal: AbortSignal): Promise<void>
  /** Awaited before the next envelope of the same peer is read: backpressure to the peer. */
  onEnvelope(take: (from: PeerName, envelope: Uint8Array) => Promise<void>): void
  state(peer: PeerName): LinkState
  /** Told of every change of `up` and `suspect`; returns the way to stop it. */
  onState(listener: StateListener): () => void
  /** The members to keep links with, and addresses known for them. Replaces what was wanted before. */
  want(peers: ReadonlyMap<PeerName, readonly string[]>): void
}
