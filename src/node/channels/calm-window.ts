import type { Stream } from '@libp2p/interface'

/** What a Yamux stream of @libp2p/yamux has beside the interface of libp2p. */
interface Windowed {
  recvWindow: number
  recvWindowCapacity: number
  readonly state: number
  sendWindowUpdate(): void
}

const ESTABLISHED = 3 // StreamState of @libp2p/yamux; before it an update also opens the stream

/**
 * Makes a Yamux stream tell its peer about room only once half of its window is used, as other implementations
 * do: by itself it answers every frame with a window update, which doubles the writes, segments and wake-ups of
 * a link. The peer never runs dry: the other half of the window is still open to it. Any other stream stays as
 * it is.
 */
export function calmWindow(stream: Stream): void {
  if (!isWindowed(stream)) return
  const update = stream.sendWindowUpdate.bind(stream)
  stream.sendWindowUpdate = () => {
    const isRoomy = stream.recvWindowCapacity * 2 >= stream.recvWindow
    if (isRoomy && stream.state === ESTABLISHED) return
    update()
  }
}

const isWindowed = (stream: object): stream is Stream & Windowed =>
  'recvWindow' in stream &&
  typeof stream.recvWindow === 'number' &&
  'recvWindowCapacity' in stream &&
  typeof stream.recvWindowCapacity === 'number' &&
  'state' in stream &&
  'sendWindowUpdate' in stream &&
  typeof stream.sendWindowUpdate === 'function'
