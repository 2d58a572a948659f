import type { ConnectionEncrypter, MessageStream, SecuredConnection } from '@libp2p/interface'
import { Uint8ArrayList } from 'uint8arraylist'
import { wholeReads } from './whole-reads.ts'

const AT_ONCE_BYTES = 64 * 1024 // one message of Noise
const AT_ONCE_MS = 1 // frames of a long turn do not wait for its end

/**
 * An encrypter that takes all messages of one turn of the loop for one, and hands each of its own down in one piece.
 * Every message costs a key schedule, a system call, a segment and a wake-up of the peer; and Noise hands down a list
 * of two pieces, a length of two bytes and the message, of which TCP would write each by itself.
 */
export const whole =
  <C>(make: (components: C) => ConnectionEncrypter) =>
  (components: C): ConnectionEncrypter => {
    const encrypter = make(components)
    const outbound = encrypter.secureOutbound.bind(encrypter)
    const inbound = encrypter.secureInbound.bind(encrypter)
    encrypter.secureOutbound = async (connection, options) =>
      inTurns(await outbound(inWholes(connection), options))
    encrypter.secureInbound = async (connection, options) =>
      inTurns(await inbound(inWholes(connection), options))
    return encrypter
  }

function inWholes(connection: MessageStream): MessageStream {
  const send = connection.send.bind(connection)
  connection.send = (data) => send(data instanceof Uint8Array ? data : data.subarray())
  return connection
}

function inTurns<T extends SecuredConnection>(secured: T): T {
  const { connection } = secured
  const send = connection.send.bind(connection)
  const close = connection.close.bind(connection)
  let waiting = new Uint8ArrayList()
  let since = 0
  let isScheduled = false
  const flush = (): void => {
    if (waiting.byteLength === 0) return
    const bytes = waiting.subarray()
    waiting = new Uint8ArrayList()
    if (connection.status === 'open') send(bytes) // else it ended meanwhile: whoever uses it is told so
  }
  connection.send = (data) => {
    if (connection.status !== 'open') return send(data) // says why not
    if (waiting.byteLength === 0) since = performance.now()
    waiting.append(data)
    if (waiting.byteLength >= AT_ONCE_BYTES || performance.now() - since >= AT_ONCE_MS) flush()
    else if (!isScheduled) {
      isScheduled = true
      setImmediate(() => {
        isScheduled = false
        try {
          flush()
        } catch (error) {
          connection.abort(error instanceof Error ? error : new Error('not sent')) // its closing half took no more
        }
      })
    }
    return !connection.writableNeedsDrain
  }
  connection.close = (options) => {
    flush()
    return close(options)
  }
  wholeReads(connection)
  return secured
}
