import assert from 'node:assert/strict'
import { ed25519 } from '@noble/curves/ed25519.js'
import { bytesToHex } from '@noble/hashes/utils.js'
import {
  decodeLetterBody,
  encodeLetterBody,
  MAX_PARTS,
  PART_BYTES,
} from '../../../../enclave-runtime/guest/epochs/letter-body.ts'
import { Letters } from '../../../../enclave-runtime/guest/epochs/letters.ts'
import { bodiesOf, Reassembly } from '../../../../enclave-runtime/guest/epochs/reassembly.ts'
import { MAX_BODY_BYTES } from '../../../../protocols/agreement/epoch/body.ts'
import { DecodeError } from '../../../../protocols/session/codec.ts'
import { describeEncoding } from '../../../protocols/agreement/encodings.ts'
import { seeded } from '../../../support/seeded.ts'
import { TestClock } from '../test-clock.ts'

const random = seeded('letters')
const partsOf = (whole: Uint8Array) =>
  [...bodiesOf(whole)].map((body) => {
    assert.equal(body.type, 'part')
    return body as Extract<typeof body, { type: 'part' }>
  })

describe('what a letter carries', () => {
  const again = (bytes: Uint8Array): Uint8Array => encodeLetterBody(decodeLetterBody(bytes))
  const maxBytes = 48 * 1024 + 128
  describeEncoding({
    name: 'a whole',
    bytes: encodeLetterBody({ type: 'whole', bytes: random(60) }),
    again,
    maxBytes,
  })
  describeEncoding({
    name: 'the last part of a whole',
    bytes: encodeLetterBody({
      type: 'part',
      id: random(32),
      number: 2,
      count: 3,
      bytes: random(40),
    }),
    again,
    maxBytes,
  })

  it('is a part of its size and place, or none', () => {
    const part = {
      type: 'part',
      id: random(32),
      number: 0,
      count: 2,
      bytes: random(PART_BYTES),
    } as const
    const refuses = (fields: Partial<{ number: number; count: number; bytes: Uint8Array }>) =>
      assert.throws(() => again(encodeLetterBody({ ...part, ...fields })), DecodeError)
    assert.ok(again(encodeLetterBody(part)))
    refuses({ number: 2 })
    refuses({ count: 1 })
    refuses({ count: MAX_PARTS + 1 })
    refuses({ bytes: random(10) })
    refuses({ number: 1, bytes: new Uint8Array() })
  })
})

describe('parts of wholes', () => {
  it('are put together in any order, and each whole once', () => {
    const whole = random(PART_BYTES * 2 + 5)
    const parts = partsOf(whole)
    const reassembly = new Reassembly()
    assert.equal(reassembly.add('a', parts[2] ?? assert.fail(), 0), undefined)
    assert.equal(reassembly.add('a', parts[2] ?? assert.fail(), 0), undefined)
    assert.equal(reassembly.add('a', parts[0] ?? assert.fail(), 0), undefined)
    assert.deepEqual(reassembly.add('a', parts[1] ?? assert.fail(), 0), whole)
    assert.equal(reassembly.size, 0)
  })

  it('of two senders never meet, and what does not give its id is no whole', () => {
    const [one, two] = partsOf(random(PART_BYTES + 1))
    assert.ok(one && two)
    const reassembly = new Reassembly()
    assert.equal(reassembly.add('a', one, 0), undefined)
    assert.equal(reassembly.add('b', two, 0), undefined)
    assert.equal(reassembly.add('a', { ...two, bytes: random(1) }, 0), undefined)
    assert.equal(reassembly.size, 1)
  })

  it('take no more room than there is: four wholes of a sender, eight MiB in all, a minute', () => {
    const reassembly = new Reassembly()
    for (let i = 0; i < 10; i++)
      reassembly.add('a', partsOf(random(PART_BYTES + 1))[0] ?? assert.fail(), 0)
    assert.equal(reassembly.size, 4 * PART_BYTES)
    for (let sender = 0; sender < 100; sender++)
      for (let i = 0; i < 4; i++)
        reassembly.add(`${sender}`, partsOf(random(PART_BYTES + 1))[0] ?? assert.fail(), 0)
    assert.ok(reassembly.size <= 8 * 1024 * 1024)
    reassembly.add('late', partsOf(random(PART_BYTES + 1))[0] ?? assert.fail(), 60_000)
    assert.equal(reassembly.size, PART_BYTES)
  })

  it('are at most those of the largest message', () => {
    assert.equal([...bodiesOf(new Uint8Array(MAX_BODY_BYTES))].length, MAX_PARTS)
    assert.throws(() => [...bodiesOf(new Uint8Array(MAX_BODY_BYTES + 1))], /bug/)
  })
})

describe('letters', () => {
  const networkId = random(32)
  const clock = new TestClock(1_800_000_000)
  const pair = (isKnown = true) => {
    const secrets = [random(32), random(32)] as const
    const [mine, theirs] = secrets.map((secret) => ed25519.getPublicKey(secret)) as [
      Uint8Array,
      Uint8Array,
    ]
    const sent: Uint8Array[] = []
    const make = (secret: Uint8Array, guestSig: Uint8Array) =>
      new Letters({
        networkId,
        guestSig,
        sign: (message) => ed25519.sign(message, secret),
        clock,
        post: (_to, bytes) => sent.push(bytes),
        isKnown: () => isKnown,
      })
    return { from: make(secrets[0], mine), to: make(secrets[1], theirs), mine, theirs, sent }
  }
  const boot = random(16)

  it('prove sender and boot, whole or in parts', () => {
    const { from, to, mine, theirs, sent } = pair()
    for (const whole of [random(10), random(PART_BYTES * 3 + 7)]) {
      sent.length = 0
      from.send(bytesToHex(theirs), boot, whole)
      const heard = sent.map((letter) => to.receive(letter)).filter((said) => said !== undefined)
      assert.deepEqual(heard, [{ from: bytesToHex(mine), boot: bytesToHex(boot), bytes: whole }])
    }
  })

  it('of one sender are bounded, those of strangers together more so, and time brings more', () => {
    const [known, stranger] = [pair(), pair(false)]
    for (const { from, to, theirs, sent } of [known, stranger]) {
      from.send(bytesToHex(theirs), boot, random(10))
      const [letter] = sent
      for (let i = 0; i < 600; i++) to.receive(letter ?? assert.fail())
    }
    assert.ok(known.to.dropped.flood > 150 && known.to.dropped.flood < 250)
    assert.ok(stranger.to.dropped.flood > 550)
    clock.pass(10_000)
    assert.ok(known.to.receive(known.sent[0] ?? assert.fail()))
    assert.ok(stranger.to.receive(stranger.sent[0] ?? assert.fail()))
  })
})
