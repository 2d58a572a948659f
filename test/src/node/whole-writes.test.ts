import { deepEqual, equal, throws } from 'node:assert/strict'
import type { ConnectionEncrypter, MessageStream, SecuredConnection } from '@libp2p/interface'
import { Uint8ArrayList } from 'uint8arraylist'
import { whole } from '../../../src/node/whole-writes.ts'

type Bytes = Uint8Array | Uint8ArrayList
const turn = () => new Promise<void>((resolve) => setImmediate(resolve))

/** An encrypter that hands down what Noise does, a length and a message; and what happened above and below it. */
async function secured() {
  const below: Bytes[] = []
  const happened: string[] = []
  const tcp = { send: (data: Bytes) => below.push(data) > 0 } as unknown as MessageStream
  const connection = {
    status: 'open',
    writableNeedsDrain: false,
    send(data: Bytes) {
      if (connection.status === 'broken') throw new Error('it broke')
      if (connection.status !== 'open') throw new Error(connection.status)
      const message = data.subarray()
      return tcp.send(new Uint8ArrayList(Uint8Array.of(0, message.length), message))
    },
    close: async () => void happened.push(`closed after ${below.length}`),
    abort: ({ message }: Error) => void happened.push(`aborted: ${message}`),
  }
  const secure = async () => ({ connection }) as unknown as SecuredConnection
  const encrypter: ConnectionEncrypter = {
    protocol: '/two-pieces',
    secureOutbound: (stream) => secure().finally(() => Object.assign(tcp, stream)),
    secureInbound: (stream) => secure().finally(() => Object.assign(tcp, stream)),
  }
  const wrapped = whole(() => encrypter)(undefined)
  return { wrapped, tcp, below, happened, connection }
}

describe('whole()', () => {
  for (const direction of ['secureOutbound', 'secureInbound'] as const)
    it(`makes one message of those of a turn, and hands it down in one piece: ${direction}`, async () => {
      const { wrapped, tcp, below, connection } = await secured()
      equal(wrapped.protocol, '/two-pieces')
      await wrapped[direction](tcp)
      equal(connection.send(Uint8Array.of(1, 2)), true)
      equal(connection.send(new Uint8ArrayList(Uint8Array.of(3), Uint8Array.of(4))), true)
      deepEqual(below, [])
      await turn()
      deepEqual(below, [Uint8Array.of(0, 4, 1, 2, 3, 4)])
      connection.send(Uint8Array.of(5))
      await turn()
      deepEqual(below[1], Uint8Array.of(0, 1, 5))
      connection.writableNeedsDrain = true
      equal(connection.send(Uint8Array.of(6)), false) // backpressure is that of the connection
    })

  it('does not wait with 64 KiB, and not for the end of a long turn', async () => {
    const { wrapped, tcp, below, connection } = await secured()
    await wrapped.secureOutbound(tcp)
    connection.send(new Uint8Array(64 * 1024 - 1))
    equal(below.length, 0)
    connection.send(Uint8Array.of(1))
    equal(below.length, 1)
    connection.send(Uint8Array.of(2))
    for (const from = performance.now(); performance.now() - from < 2; );
    connection.send(Uint8Array.of(3))
    equal(below.length, 2)
    await turn()
    equal(below.length, 2)
  })

  it('sends what waits before it closes, and nothing once it is over', async () => {
    const { wrapped, tcp, below, happened, connection } = await secured()
    await wrapped.secureOutbound(tcp)
    connection.send(Uint8Array.of(1))
    await connection.close()
    deepEqual(happened, ['closed after 1'])
    connection.send(Uint8Array.of(2))
    connection.status = 'reset'
    await turn()
    equal(below.length, 1)
    throws(() => connection.send(Uint8Array.of(3)), /reset/)
  })

  it('ends a connection that takes no more, in place of the process', async () => {
    const { wrapped, tcp, happened, connection } = await secured()
    await wrapped.secureOutbound(tcp)
    connection.send(Uint8Array.of(1))
    Object.defineProperty(connection, 'status', { get: () => states.shift() ?? 'broken' })
    const states = ['open']
    await turn()
    deepEqual(happened, ['aborted: it broke'])
  })
})
