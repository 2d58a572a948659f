import type { Connection } from '@libp2p/interface'
import type { PeerName } from './channels/links.ts'
import type { Log } from './log.ts'

/** When each connection was last seen with a stream. */
export type IdleSince = WeakMap<Connection, number>

/** Closes connections of non-members that had no stream for `idleMs` (07 §8). `now` is monotonic. */
export function closeIdle(
  connections: readonly Connection[],
  isMember: (peer: PeerName) => boolean,
  idleMs: number,
  seen: IdleSince,
  now: number,
  log: Log,
): void {
  for (const connection of connections) {
    const peer = connection.remotePeer.toString()
    const since = seen.get(connection)
    if (isMember(peer) || connection.streams.length > 0 || since === undefined)
      seen.set(connection, now)
    else if (now - since >= idleMs)
      connection.close().catch((error: Error) => log.debug('close-failed', { reason: error.name }))
  }
}
