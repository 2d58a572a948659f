import { deepEqual, equal, ok } from 'node:assert/strict'
import type { MessageStream } from '@libp2p/interface'
import fc from 'fast-check'
import { Uint8ArrayList } from 'uint8arraylist'
import { wholeReads } from '../../../src/node/whole-reads.ts'

type Bytes = Uint8Array | Uint8ArrayList

/** The stream of Noise as far as it matters here. */
function noiseStream(early: Uint8Array = new Uint8Array(0)) {
  const decoder = {
    buffer: new Uint8ArrayList(early),
    decode: (_data: Bytes): Iterable<Bytes> => [],
  }
  const connection = wholeReads({ decoder } as unknown as MessageStream)
  equal('decoder' in connection, true)
  return decoder
}

const framed = (messages: readonly Uint8Array[]): Uint8Array =>
  Buffer.concat(
    messages.flatMap((message) => [
      Uint8Array.of(message.length >> 8, message.length & 0xff),
      message,
    ]),
  )

const pieces = (bytes: Uint8Array, cuts: readonly number[]): Uint8Array[] => {
  const at = [0, ...cuts.map((cut) => cut % (bytes.length + 1)).sort((a, b) => a - b), bytes.length]
  return at.slice(1).map((end, i) => bytes.subarray(at[i], end))
}

describe('wholeReads()', () => {
  const messages = fc.array(fc.uint8Array({ maxLength: 700 }), { maxLength: 12 })
  const cuts = fc.array(fc.nat(), { maxLength: 20 })

  it('gives the same messages however they are cut, each in one piece, without the empty ones', () => {
    fc.assert(
      fc.property(messages, cuts, fc.boolean(), (sent, where, asLists) => {
        const decoder = noiseStream()
        const came = pieces(framed(sent), where).flatMap((piece) => [
          ...decoder.decode(asLists ? new Uint8ArrayList(piece) : piece),
        ])
        for (const message of came) ok(message instanceof Uint8Array)
        const full = sent.filter(({ length }) => length > 0)
        deepEqual(
          came.map((message) => Buffer.from(message.subarray())),
          full.map((message) => Buffer.from(message)),
        )
      }),
    )
  })

  it('takes the largest message in many pieces', () => {
    const decoder = noiseStream()
    const message = new Uint8Array(0xffff).map((_, i) => i)
    const bytes = framed([message, message])
    const came: Bytes[] = []
    for (let at = 0; at < bytes.length; at += 1_460)
      came.push(...decoder.decode(bytes.subarray(at, at + 1_460)))
    deepEqual(came, [message, message])
  })

  it('goes on after what came before it was there', () => {
    const bytes = framed([Uint8Array.of(1, 2, 3)])
    const decoder = noiseStream(bytes.slice(0, 3))
    equal(decoder.buffer.byteLength, 0)
    deepEqual([...decoder.decode(bytes.subarray(3))], [Uint8Array.of(1, 2, 3)])
  })

  it('leaves any other stream as it is', () => {
    const stream = { send: () => true } as unknown as MessageStream
    equal(wholeReads(stream), stream)
    deepEqual(Object.keys(stream), ['send'])
  })
})
