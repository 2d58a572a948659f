import assert from 'node:assert/strict'
import fc from 'fast-check'
import { DecodeError } from '../../../protocols/session/codec.ts'
import {
  decodeFacts,
  decodeHeader,
  ENVELOPE_KINDS,
  type EnvelopeMessage,
  encodeFacts,
  encodeHeader,
  HEADER_BYTES,
  MAX_BODY_BYTES,
  MAX_ENVELOPE_BYTES,
  pad,
  prologue,
  SecureChannel,
  SequenceWindow,
  unpad,
} from '../../../protocols/session/envelope.ts'
import { nobleSuite } from '../../../protocols/session/noise-kk.ts'
import { seeded } from '../../support/seeded.ts'

const message = (body: Uint8Array): EnvelopeMessage => ({
  session: new Uint8Array(32).fill(7),
  attempt: 3,
  round: 0x0801,
  type: 1,
  body,
})

describe('the header of an envelope', () => {
  it('is the 24 bytes of the specification', () => {
    const bytes = encodeHeader({
      kind: ENVELOPE_KINDS.data,
      from: 0x0102,
      to: 0x0304,
      epoch: 0x0506,
      channel: Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8),
      sequence: 0x1122334455,
    })
    assert.equal(
      Buffer.from(bytes).toString('hex'),
      '01030102030405060102030405060708' + '0000001122334455',
    )
    assert.equal(bytes.length, HEADER_BYTES)
  })

  it('decodes to what was encoded, and decodes nothing else', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 0, maxLength: 40 }), (bytes) => {
        try {
          const header = decodeHeader(bytes)
          assert.deepEqual(encodeHeader(header), bytes.slice(0, HEADER_BYTES))
        } catch (error) {
          assert.ok(error instanceof DecodeError)
        }
      }),
      { seed: 11, numRuns: 2000 },
    )
    for (const kind of Object.values(ENVELOPE_KINDS)) {
      const data = kind === ENVELOPE_KINDS.data
      const channel = new Uint8Array(8).fill(data ? 5 : 0)
      const header = { kind, from: 1, to: 2, epoch: 0xffff, channel, sequence: data ? 2 ** 40 : 0 }
      assert.deepEqual(decodeHeader(encodeHeader(header)), header)
    }
  })

  it('refuses other versions, kinds, and what a kind may not have', () => {
    const header = {
      kind: ENVELOPE_KINDS.first,
      from: 1,
      to: 2,
      epoch: 0,
      channel: new Uint8Array(8),
      sequence: 0,
    }
    const good = encodeHeader(header)
    for (const [at, value] of [
      [0, 2],
      [1, 0],
      [1, 5],
      [8, 1],
      [23, 1],
    ] as const) {
      const bad = good.slice()
      bad[at] = value
      assert.throws(() => decodeHeader(bad), DecodeError, `byte ${at}`)
    }
    const far = encodeHeader({ ...header, kind: ENVELOPE_KINDS.data })
    far[16] = 0x80
    assert.throws(() => decodeHeader(far), DecodeError)
    assert.throws(() => decodeHeader(new Uint8Array(MAX_ENVELOPE_BYTES + 1)), DecodeError)
  })
})

describe('the prologue', () => {
  it('differs when any part differs', () => {
    const fields = {
      networkId: new Uint8Array(32).fill(1),
      committeeId: new Uint8Array(32).fill(2),
      epoch: 0n,
      epochId: new Uint8Array(32).fill(1),
      initiator: 1,
      responder: 2,
    }
    const others = [
      { networkId: new Uint8Array(32).fill(9) },
      { committeeId: new Uint8Array(32).fill(9) },
      { epoch: 1n },
      { epochId: new Uint8Array(32).fill(9) },
      { initiator: 3 },
      { responder: 3 },
    ].map((other) => Buffer.from(prologue({ ...fields, ...other })).toString('hex'))
    const mine = Buffer.from(prologue(fields)).toString('hex')
    assert.equal(new Set([mine, ...others]).size, 7)
    assert.equal(mine.length / 2, 19 + 32 + 32 + 8 + 32 + 2 + 2)
  })
})

describe('the handshake payload', () => {
  it('decodes to what was encoded, and has exactly 32 bytes', () => {
    const facts = { bootId: new Uint8Array(16).fill(3), unixMs: 1_790_000_000_000, vaultSeq: 77 }
    const bytes = encodeFacts(facts)
    assert.deepEqual(decodeFacts(bytes), facts)
    assert.throws(() => decodeFacts(bytes.subarray(1)), DecodeError)
    assert.throws(() => decodeFacts(new Uint8Array(32).fill(255)), DecodeError)
  })
})

describe('padding', () => {
  it('takes each message to the smallest class that holds it, at each edge', () => {
    const KIB = 1024
    const sizes = [256, 1024, 4096, 16_384, 65_536]
    for (let size = 72; size <= 128; size += 8) sizes.push(size * KIB)
    for (let size = 144; size <= 256; size += 16) sizes.push(size * KIB)
    for (let size = 288; size <= 512; size += 32) sizes.push(size * KIB)
    for (let size = 576; size <= 1024; size += 64) sizes.push(size * KIB)
    for (const [i, size] of sizes.entries()) {
      const body = new Uint8Array(size - 44).fill(1)
      assert.equal(pad(message(body)).length, size)
      const more = sizes[i + 1]
      if (more !== undefined) assert.equal(pad(message(new Uint8Array(size - 43))).length, more)
    }
    assert.throws(() => pad(message(new Uint8Array(MAX_BODY_BYTES + 1))), /bug/)
  })

  it('unpads to what was padded', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 3000 }), (body) => {
        assert.deepEqual(unpad(pad(message(body))), message(body))
      }),
      { seed: 12 },
    )
  })

  it('refuses another class, a length beyond it, one of a smaller class, and padding that is not zero', () => {
    const good = pad(message(Uint8Array.of(1)))
    const refused: Uint8Array[] = []
    refused.push(good.subarray(1), new Uint8Array(1024), new Uint8Array([...good, 0]))
    const long = good.slice()
    new DataView(long.buffer).setUint32(40, 256 - 43)
    refused.push(long)
    const small = new Uint8Array(1024)
    small.set(good)
    refused.push(small)
    for (const at of [45, 255]) {
      const dirty = good.slice()
      dirty[at] = 1
      refused.push(dirty)
    }
    for (const bytes of refused) assert.throws(() => unpad(bytes), DecodeError)
  })

  it('finds any byte of the padding, wherever the plaintext lies in memory', () => {
    const plain = pad(message(Uint8Array.of(1, 2, 3)))
    for (const offset of [0, 1, 2, 3]) {
      const bytes = new Uint8Array(plain.length + offset).subarray(offset)
      for (let at = 47; at < plain.length; at++) {
        bytes.set(plain)
        bytes[at] = 0x80
        assert.throws(() => unpad(bytes), DecodeError, `byte ${at} at ${offset}`)
      }
      bytes.set(plain)
      assert.deepEqual(unpad(bytes), message(Uint8Array.of(1, 2, 3)))
    }
  })
})

describe('SequenceWindow', () => {
  it('takes each number once, in any order within 1,024', () => {
    const window = new SequenceWindow()
    const order = Array.from({ length: 1024 }, (_, i) => 1023 - i)
    for (const sequence of order) {
      assert.ok(window.admits(sequence))
      window.take(sequence)
    }
    for (const sequence of order) assert.equal(window.admits(sequence), false)
  })

  it('has the edges of the specification', () => {
    const window = new SequenceWindow()
    window.take(5000)
    assert.ok(window.admits(5000 - 1023))
    assert.equal(window.admits(5000 - 1024), false)
    assert.ok(window.admits(5000 + 65_536))
    assert.equal(window.admits(5000 + 65_537), false)
    assert.equal(new SequenceWindow().admits(65_536), false)
    assert.ok(new SequenceWindow().admits(65_535))
  })

  it('agrees with a set of all numbers ever taken', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(5000), { maxLength: 300 }), (sequences) => {
        const window = new SequenceWindow()
        const taken = new Set<number>()
        for (const sequence of sequences) {
          const highest = Math.max(-1, ...taken)
          const expected = !taken.has(sequence) && highest - sequence <= 1023
          assert.equal(window.admits(sequence), expected)
          if (!expected) continue
          window.take(sequence)
          taken.add(sequence)
        }
      }),
      { seed: 13 },
    )
  })
})

describe('SecureChannel', () => {
  const random = seeded('channel')
  const suite = nobleSuite(random)
  const ends = (): [SecureChannel, SecureChannel] => {
    const [there, back, hash] = [random(32), random(32), random(32)]
    return [
      new SecureChannel(suite, 1, 2, 7, { send: there.slice(), receive: back.slice(), hash }),
      new SecureChannel(suite, 2, 1, 7, { send: back.slice(), receive: there.slice(), hash }),
    ]
  }
  const open = (channel: SecureChannel, bytes: Uint8Array) =>
    channel.open(bytes, decodeHeader(bytes).sequence)

  it('carries messages both ways, out of order and with gaps', () => {
    const [alice, bob] = ends()
    const sent = Array.from({ length: 5 }, (_, i) => alice.seal(message(Uint8Array.of(i))))
    for (const i of [3, 0, 4, 1]) {
      const opened = open(bob, sent[i] ?? new Uint8Array())
      assert.deepEqual(opened, { kind: 'message', message: message(Uint8Array.of(i)) })
    }
    const back = open(alice, bob.seal(message(Uint8Array.of(9))))
    assert.equal(back.kind, 'message')
  })

  it('leaves nothing of a message in the padding of the next', () => {
    const [alice, bob] = ends()
    for (const length of [180, 3, 2000, 300, 0]) {
      const body = new Uint8Array(length).fill(0xee)
      const opened = open(bob, alice.seal(message(body)))
      assert.deepEqual(opened, { kind: 'message', message: message(body) })
    }
  })

  it('drops a repeated message', () => {
    const [alice, bob] = ends()
    const sent = alice.seal(message(Uint8Array.of(1)))
    assert.equal(open(bob, sent).kind, 'message')
    assert.deepEqual(open(bob, sent), { kind: 'dropped', why: 'sequence' })
  })

  it('drops a message with any byte of the header or of the rest flipped, and then takes the true one', () => {
    const [alice, bob] = ends()
    const sent = alice.seal(message(Uint8Array.of(1)))
    for (let at = 0; at < sent.length; at++) {
      const broken = sent.slice()
      broken[at] = (broken[at] ?? 0) ^ 1
      // the header is read by others first; the channel must refuse it even so
      const sequence = Number(new DataView(broken.buffer).getBigUint64(16))
      assert.equal(bob.open(broken, sequence).kind, 'dropped', `byte ${at}`)
    }
    assert.equal(open(bob, sent).kind, 'message')
  })

  it('drops what was sealed on another channel, and its own messages sent back', () => {
    const [alice, bob] = ends()
    const [other] = ends()
    assert.equal(open(bob, other.seal(message(Uint8Array.of(1)))).kind, 'dropped')
    assert.equal(open(alice, alice.seal(message(Uint8Array.of(1)))).kind, 'dropped')
  })

  it('opens nothing after it was destroyed', () => {
    const [alice, bob] = ends()
    const sent = alice.seal(message(Uint8Array.of(1)))
    bob.destroy()
    assert.equal(open(bob, sent).kind, 'dropped')
    assert.throws(() => bob.seal(message(new Uint8Array())), /bug/)
  })

  it('says that an authenticated message is malformed when it is none', () => {
    const [there, back, hash] = [random(32), random(32), random(32)]
    const bob = new SecureChannel(suite, 2, 1, 7, { send: back, receive: there, hash })
    const header = encodeHeader({
      kind: ENVELOPE_KINDS.data,
      from: 1,
      to: 2,
      epoch: 7,
      channel: hash.slice(0, 8),
      sequence: 0,
    })
    const aad = new Uint8Array([...hash, ...header])
    const sealed = suite.seal(there, new Uint8Array(12), aad, new Uint8Array(256).fill(1))
    assert.equal(open(bob, new Uint8Array([...header, ...sealed])).kind, 'malformed')
  })
})
