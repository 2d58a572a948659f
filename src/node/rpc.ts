import type { PeerName } from './channels/links.ts'

/** Both directions: what a client may ask and a port frame may carry (05 §3.1, 04 §2). */
export const RPC_FRAME_BYTES: number = 600 * 1024

/**
 * `UNREACHABLE`: no connection and none could be made. `TIMEOUT`: 10 s for the request, 60 s for the
 * answer. `TOO_LARGE`: a frame above 600 KiB. `LIMIT_EXCEEDED`: the peer refuses for now. `BROKEN`: the
 * stream ended before the answer did. `CANCELLED`: the caller's signal.
 */
export type RpcErrorCode =
  | 'UNREACHABLE'
  | 'TIMEOUT'
  | 'TOO_LARGE'
  | 'LIMIT_EXCEEDED'
  | 'BROKEN'
  | 'CANCELLED'

export class RpcError extends Error {
  override readonly name = 'RpcError'
  readonly code: RpcErrorCode

  constructor(code: RpcErrorCode, options?: ErrorOptions) {
    super(code, options)
    this.code = code
  }
}

export type RpcHandler = (frame: Uint8Array, from: PeerName) => AsyncIterable<Uint8Array>

/** One request frame, any number of answer frames, on `/holdfast/rpc/1.0.0` (spec "Network", 07 §7, §12). */
export interface Rpc {
  /** The one handler; `from` is proved by Noise. What it throws ends the stream and tells the peer nothing. */
  serve(handle: RpcHandler): void
  /** Throws `RpcError`. Ending the iteration early resets the stream. */
  call(peer: PeerName, frame: Uint8Array, signal: AbortSignal): AsyncIterable<Uint8Array>
}
