import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

export interface TcpProxy {
  readonly port: number
  /** Freezes both directions of every connection without closing it; new ones wait, too. */
  cut(): void
  heal(): void
  close(): Promise<void>
}

/** A forwarder on loopback that can freeze (spec "Network", 07 §11). */
export async function tcpProxy(target: number): Promise<TcpProxy> {
  const pairs = new Set<readonly [Socket, Socket]>()
  let isCut = false
  const server = createServer((near) => {
    const far = connect(target, '127.0.0.1')
    const pair = [near, far] as const
    pairs.add(pair)
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      from.on('data', (bytes) => {
        if (!to.write(bytes)) from.pause()
      })
      to.on('drain', () => {
        if (!isCut) from.resume()
      })
      from.on('error', () => to.destroy())
      from.on('close', () => {
        if (isCut) return // a frozen line does not carry the end of a connection either
        to.destroy()
        pairs.delete(pair)
      })
    }
    if (isCut) for (const socket of pair) socket.pause()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const each = (act: (socket: Socket) => void): void => {
    for (const pair of pairs) for (const socket of pair) act(socket)
  }
  return {
    port: (server.address() as AddressInfo).port,
    cut: () => {
      isCut = true
      each((socket) => socket.pause())
    },
    heal: () => {
      isCut = false
      for (const [near, far] of pairs)
        if (near.destroyed || far.destroyed) for (const socket of [near, far]) socket.destroy()
      each((socket) => socket.resume())
    },
    close: async () => {
      each((socket) => socket.destroy())
      server.close()
      await once(server, 'close')
    },
  }
}
