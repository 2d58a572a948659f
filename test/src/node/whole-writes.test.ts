import { deepEqual, equal } from 'node:assert/strict'
import type { ConnectionEncrypter, MessageStream, SecuredConnection } from '@libp2p/interface'
import { Uint8ArrayList } from 'uint8arraylist'
import { whole } from '../../../src/node/whole-writes.ts'

describe('whole()', () => {
  it('hands every message down in one piece, on connections of both directions', async () => {
    const written: (Uint8Array | Uint8ArrayList)[] = []
    const below = {
      send(data: Uint8Array | Uint8ArrayList) {
        written.push(data)
        return written.length < 3
      },
    } as unknown as MessageStream
    /** Sends what Noise sends: a length and a message. */
    const twoPieces = (connection: MessageStream): Promise<SecuredConnection> => {
      const roomy = connection.send(new Uint8ArrayList(Uint8Array.of(0, 3), Uint8Array.of(1, 2, 3)))
      equal(roomy, written.length < 3) // backpressure is that of the connection
      return Promise.resolve({ connection } as SecuredConnection)
    }
    const encrypter: ConnectionEncrypter = {
      protocol: '/two-pieces',
      secureOutbound: twoPieces,
      secureInbound: twoPieces,
    }
    const wrapped = whole(() => encrypter)(undefined)
    equal(wrapped.protocol, '/two-pieces')
    await wrapped.secureOutbound(below)
    await wrapped.secureInbound(below)
    below.send(Uint8Array.of(9))
    deepEqual(written[0], Uint8Array.of(0, 3, 1, 2, 3))
    deepEqual(written[1], Uint8Array.of(0, 3, 1, 2, 3))
    deepEqual(written[2], Uint8Array.of(9))
  })
})
