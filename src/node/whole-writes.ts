import type { ConnectionEncrypter, MessageStream } from '@libp2p/interface'

/**
 * An encrypter whose every message is one write to the connection below it. Noise hands down a list of two
 * pieces, a length of two bytes and the message, and TCP writes each piece by itself: with Nagle off that is two
 * system calls, two segments and two wake-ups of the peer for one message.
 */
export const whole =
  <C>(make: (components: C) => ConnectionEncrypter) =>
  (components: C): ConnectionEncrypter => {
    const encrypter = make(components)
    const outbound = encrypter.secureOutbound.bind(encrypter)
    const inbound = encrypter.secureInbound.bind(encrypter)
    encrypter.secureOutbound = (connection, options) => outbound(inWholes(connection), options)
    encrypter.secureInbound = (connection, options) => inbound(inWholes(connection), options)
    return encrypter
  }

function inWholes(connection: MessageStream): MessageStream {
  const send = connection.send.bind(connection)
  connection.send = (data) => send(data instanceof Uint8Array ? data : data.subarray())
  return connection
}
