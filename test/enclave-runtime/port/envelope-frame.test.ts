import { deepEqual, equal, throws } from 'node:assert/strict'
import { type EnvelopeFrame, envelopeCodec } from '../../../enclave-runtime/port/envelope-frame.ts'
import { bytes, object, oneOf, payload, uint } from '../../../enclave-runtime/port/shape.ts'
import { DecodeError } from '../../../protocols/session/codec.ts'
import { seeded } from '../../support/seeded.ts'

const MAX = 70_000
const byHand = envelopeCodec(MAX)
/** The general codec of the port for the same shape. */
const general = payload<EnvelopeFrame>(
  MAX + 64,
  object<EnvelopeFrame>({ peer: uint(0xffff, 1), bytes: bytes(MAX, 1), priority: oneOf(0, 1, 2) }),
)
const random = seeded('envelope frames')
const outcome = (decode: () => EnvelopeFrame): EnvelopeFrame | 'refused' => {
  try {
    return decode()
  } catch (error) {
    if (error instanceof DecodeError) return 'refused'
    throw error
  }
}

describe('an envelope across the port', () => {
  const frames = [1, 23, 24, 255, 256, 65_535].flatMap((peer) =>
    [1, 23, 24, 255, 256, 65_535, 65_536, MAX].map((length) => ({
      peer,
      bytes: random(length),
      priority: (length % 3) as 0 | 1 | 2,
    })),
  )

  it('is written as the general codec writes it, and read back, at every length of a head', () => {
    for (const frame of frames) {
      const encoded = byHand.encode(frame)
      deepEqual(encoded, general.encode(frame))
      deepEqual(byHand.decode(encoded), frame)
    }
  })

  it('is refused where the general codec refuses it: every byte altered, cut or added', () => {
    for (const { peer, priority } of frames.slice(0, 48)) {
      const encoded = byHand.encode({ peer, bytes: random(30), priority })
      const variants = [
        ...Array.from(encoded, (_, cut) => encoded.slice(0, cut)),
        Uint8Array.from([...encoded, 0]),
        ...Array.from(encoded, (byte, at) => {
          const bent = encoded.slice()
          bent[at] = byte ^ (1 << (at % 8))
          return bent
        }),
      ]
      for (const bytes of variants)
        deepEqual(
          outcome(() => byHand.decode(bytes)),
          outcome(() => general.decode(bytes)),
        )
    }
  })

  it('has one form: longer heads of the same number are refused', () => {
    const head = [0xa3, 0x64, 0x70, 0x65, 0x65, 0x72]
    const rest = [0x65, 0x62, 0x79, 0x74, 0x65, 0x73, 0x41, 0x07, 0x68]
    const end = [...Buffer.from('priority'), 0]
    equal(byHand.decode(Uint8Array.from([...head, 5, ...rest, ...end])).peer, 5)
    for (const five of [
      [0x18, 5],
      [0x19, 0, 5],
      [0x1a, 0, 0, 0, 5],
      [0x1b, 0, 0, 0, 0, 0, 0, 0, 5],
    ])
      throws(() => byHand.decode(Uint8Array.from([...head, ...five, ...rest, ...end])), DecodeError)
  })

  it('of ours that the other side would refuse is a defect', () => {
    for (const frame of [
      { peer: 0, bytes: random(1), priority: 0 },
      { peer: 65_536, bytes: random(1), priority: 0 },
      { peer: 1, bytes: random(0), priority: 0 },
      { peer: 1, bytes: random(MAX + 1), priority: 0 },
      { peer: 1, bytes: random(1), priority: 3 },
    ])
      throws(() => byHand.encode(frame as EnvelopeFrame), /bug:/)
  })
})
