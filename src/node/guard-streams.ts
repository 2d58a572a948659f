import type { Libp2p, StreamMiddleware } from '@libp2p/interface'
import type { PeerLimits } from './limits.ts'

/**
 * Counts the streams that others open on a protocol whose handler is not ours, such as the DHT's
 * (07 §8). Trap E: libp2p 3.3.11 appends the handler to the very list given to `use`, so that the second
 * stream would run it twice, and a stream of ours would run it, too. The list is therefore replaced by a
 * fresh one each time, which happens before anything else can read it.
 */
export function guardStreams(node: Libp2p, protocol: string, limits: PeerLimits): void {
  const guard: StreamMiddleware = (stream, connection, next) => {
    node.use(protocol, [guard])
    if (stream.direction === 'inbound' && !limits.mayOpenStream(connection.remotePeer.toString())) {
      stream.abort(new Error('LIMIT_EXCEEDED'))
      return
    }
    next(stream, connection)
  }
  node.use(protocol, [guard])
}
