import assert from 'node:assert/strict'
import {
  encodeFrame,
  FrameReader,
  type PortViolation,
} from '../../../enclave-runtime/port/frames.ts'
import { errorReply, PAYLOAD_LIMITS, PORT_TYPES } from '../../../enclave-runtime/port/messages.ts'
import {
  MAX_OPEN_REQUESTS,
  MAX_QUEUE_BYTES,
  Port,
  PortError,
  type PortOptions,
} from '../../../enclave-runtime/port/port.ts'
import { DecodeError } from '../../../protocols/session/codec.ts'
import { seeded } from '../../support/seeded.ts'

const { store, rpc, event, envelope } = PORT_TYPES
const never = new AbortController().signal
/** Until what was asked in this turn of the loop was answered: each side writes once a turn. */
const turn = async () => {
  for (let i = 0; i < 4; i++) await new Promise<void>((resolve) => setImmediate(resolve))
}

/** Two ends and the wire between them, which can be held. */
function connected() {
  const violations: PortViolation[] = []
  const sent: Uint8Array[] = []
  const paused = { a: false, b: false }
  let held = false
  const ends: { a: Port; b: Port } = {
    a: new Port(
      {
        write(bytes) {
          sent.push(bytes)
          if (!held) queueMicrotask(() => ends.b.receive(bytes))
          return !held
        },
        pause: () => {
          paused.a = true
        },
        resume: () => {
          paused.a = false
        },
      },
      (violation) => violations.push(violation),
    ),
    b: new Port(
      {
        write(bytes) {
          queueMicrotask(() => ends.a.receive(bytes))
          return true
        },
        pause: () => {
          paused.b = true
        },
        resume: () => {
          paused.b = false
        },
      },
      (violation) => violations.push(violation),
    ),
  }
  return {
    ...ends,
    violations,
    sent,
    paused,
    hold(on: boolean) {
      held = on
    },
  }
}

/** One end, and what it wrote; the other side is the test. */
function alone(options: PortOptions = {}) {
  const violations: PortViolation[] = []
  const wrote: Uint8Array[] = []
  const state = { paused: false }
  const port = new Port(
    {
      write: (bytes) => wrote.push(bytes) > 0,
      pause: () => {
        state.paused = true
      },
      resume: () => {
        state.paused = false
      },
    },
    (violation) => violations.push(violation),
    options,
  )
  return { port, violations, wrote, state }
}

describe('Port', () => {
  it('asks and answers both ways at once, replies in any order', async () => {
    const { a, b } = connected()
    const late = Promise.withResolvers<Uint8Array>()
    b.serve(store, (payload) =>
      payload[0] === 1 ? late.promise : Promise.resolve(Uint8Array.of(20)),
    )
    a.serve(rpc, async () => Uint8Array.of(30))
    const first = a.request(store, Uint8Array.of(1), never)
    assert.deepEqual(await a.request(store, Uint8Array.of(2), never), Uint8Array.of(20))
    assert.deepEqual(await b.request(rpc, Uint8Array.of(3), never), Uint8Array.of(30))
    late.resolve(Uint8Array.of(10))
    assert.deepEqual(await first, Uint8Array.of(10))
  })

  it('tells without a reply', async () => {
    const { a, b, violations } = connected()
    const told: Uint8Array[] = []
    b.serve(event, async (payload) => {
      told.push(payload)
      return new Uint8Array()
    })
    await a.tell(event, Uint8Array.of(1), never)
    await turn()
    assert.deepEqual(told, [Uint8Array.of(1)])
    assert.deepEqual(violations, [])
  })

  it('passes codes, and of anything else only that it failed', async () => {
    const { a, b } = connected()
    const errors: unknown[] = [
      new PortError('UNREACHABLE'),
      new Error('the secret is 42'),
      Object.assign(new Error('x'), { code: 'lower case secret' }),
    ]
    b.serve(store, () => Promise.reject(errors.shift()))
    for (const code of ['UNREACHABLE', 'INTERNAL_ERROR', 'INTERNAL_ERROR'])
      await assert.rejects(a.request(store, new Uint8Array(), never), { name: 'PortError', code })
  })

  it('gives up at the signal and drops the late reply', async () => {
    const { a, b, violations } = connected()
    const late = Promise.withResolvers<Uint8Array>()
    b.serve(store, () => late.promise)
    const abort = new AbortController()
    const asked = a.request(store, new Uint8Array(), abort.signal)
    await turn()
    abort.abort()
    await assert.rejects(asked, { code: 'CANCELLED' })
    late.resolve(new Uint8Array())
    await turn()
    assert.deepEqual(violations, [])
    await assert.rejects(a.request(store, new Uint8Array(), abort.signal), { code: 'CANCELLED' })
  })

  it('never asks more than the other side takes, questions that it gave up on included', async () => {
    const { a, b, violations } = connected()
    const replies: (() => void)[] = []
    b.serve(store, () => new Promise((resolve) => replies.push(() => resolve(new Uint8Array()))))
    for (let round = 0; round < 3; round++) {
      const abort = new AbortController()
      const asked = Array.from({ length: MAX_OPEN_REQUESTS }, () =>
        a.request(store, new Uint8Array(), abort.signal).catch((error: PortError) => error.code),
      )
      await turn()
      abort.abort()
      const codes = new Set(await Promise.all(asked))
      assert.deepEqual([...codes], [round === 0 ? 'CANCELLED' : 'OVERLOADED'])
    }
    assert.equal(replies.length, MAX_OPEN_REQUESTS)
    assert.deepEqual(violations, [])

    // Late replies make room again.
    for (const reply of replies.splice(0, 2)) reply()
    await turn()
    const asked = a.request(store, new Uint8Array(), never)
    await turn()
    replies.at(-1)?.()
    assert.deepEqual(await asked, new Uint8Array())
    assert.deepEqual(violations, [])
  })

  it('fails everything open when it closes', async () => {
    const { a, b } = connected()
    b.serve(store, () => new Promise(() => {}))
    const asked = a.request(store, new Uint8Array(), never)
    await turn()
    a.close('GUEST_ENDED')
    await assert.rejects(asked, { code: 'GUEST_ENDED' })
    await assert.rejects(a.request(store, new Uint8Array(), never), { code: 'GUEST_ENDED' })
  })

  it('takes every type at its limit and refuses one byte more', async () => {
    for (const [type, limit] of Object.entries(PAYLOAD_LIMITS)) {
      const { port, violations } = alone()
      let taken = 0
      port.serve(Number(type), async (payload) => {
        taken = payload.length
        return new Uint8Array()
      })
      const frame = (length: number) =>
        encodeFrame({ type: Number(type), id: 0, payload: new Uint8Array(length) })
      port.receive(frame(limit))
      assert.equal(taken, limit)
      assert.deepEqual(violations, [])
      port.receive(frame(limit + 1))
      assert.equal(violations.length, 1, `type ${type}`)
    }
  })

  it('refuses what nobody serves, replies without a question, ids used twice, and bad payloads', async () => {
    const payload = new Uint8Array()
    const cases: [string, Uint8Array[]][] = [
      ['reserved type', [encodeFrame({ type: PORT_TYPES.quote, id: 1, payload })]],
      ['unknown type', [encodeFrame({ type: 0x7f, id: 1, payload })]],
      ['not served', [encodeFrame({ type: rpc, id: 1, payload })]],
      ['reply', [encodeFrame({ type: store | 0x80, id: 9, payload })]],
      ['twice', [1, 1].map((id) => encodeFrame({ type: store, id, payload }))],
      [
        'too many',
        Array.from({ length: MAX_OPEN_REQUESTS + 1 }, (_, i) =>
          encodeFrame({ type: store, id: i + 1, payload }),
        ),
      ],
      ['payload', [encodeFrame({ type: envelope, id: 1, payload })]],
    ]
    for (const [name, frames] of cases) {
      const { port, violations } = alone()
      port.serve(store, () => new Promise(() => {}))
      port.serve(envelope, async () => {
        throw new DecodeError('no')
      })
      for (const frame of frames) port.receive(frame)
      await turn()
      assert.equal(violations.length, 1, name)
      await assert.rejects(port.request(store, payload, never), { code: 'PORT_VIOLATION' })
    }
  })

  it('refuses the reply of another type', async () => {
    const { port, violations, wrote } = alone()
    const asked = port.request(store, new Uint8Array(), never)
    await turn()
    const id = new DataView((wrote[0] ?? new Uint8Array()).buffer).getUint32(5)
    port.receive(encodeFrame({ type: rpc | 0x80, id, payload: new Uint8Array() }))
    await assert.rejects(asked, { code: 'PORT_VIOLATION' })
    assert.equal(violations.length, 1)
  })

  it('stops reading while more than 16 MiB wait to be worked off, and goes on after', async () => {
    const { port, state } = alone()
    const waiting: (() => void)[] = []
    port.serve(envelope, async () => {
      await new Promise<void>((resolve) => waiting.push(resolve))
      return errorReply.encode({ error: 'X' })
    })
    const payload = new Uint8Array(1024 * 1024)
    for (let id = 1; id <= 16; id++) port.receive(encodeFrame({ type: envelope, id, payload }))
    assert.equal(port.load.in, MAX_QUEUE_BYTES)
    assert.equal(state.paused, false)
    port.receive(encodeFrame({ type: envelope, id: 17, payload: Uint8Array.of(1) }))
    assert.equal(state.paused, true)
    for (const done of waiting) done()
    await turn()
    assert.equal(state.paused, false)
    assert.equal(port.load.in, 0)
  })

  it('queues at most 16 MiB for a slow reader; then who sends waits, and is woken or cancelled', async () => {
    const { a, b, hold } = connected()
    b.serve(envelope, async () => new Uint8Array())
    hold(true)
    const payload = new Uint8Array(1024 * 1024)
    await a.tell(envelope, payload, never) // this one the wire took
    for (let i = 0; i < 15; i++) await a.tell(envelope, payload, never)
    const abort = new AbortController()
    const cancelled = a.tell(envelope, payload, abort.signal)
    const later = a.tell(envelope, payload, never)
    await turn()
    assert.ok(a.load.out <= MAX_QUEUE_BYTES)
    abort.abort()
    await assert.rejects(cancelled, { code: 'CANCELLED' })
    hold(false)
    a.drained()
    await later
    assert.equal(a.load.out, 0)
  })

  it('writes the frames of one turn of the loop at once, in order', async () => {
    const { port, wrote } = alone({ now: () => 0 })
    for (let i = 0; i < 50; i++) assert.ok(port.offer(event, Uint8Array.of(i)))
    await port.tell(event, Uint8Array.of(50), never)
    assert.equal(wrote.length, 0)
    assert.equal(port.load.out, 51 * 10)
    await turn()
    assert.equal(wrote.length, 1)
    const frames = new FrameReader().push(wrote[0] ?? new Uint8Array())
    assert.deepEqual(
      frames.map(({ payload }) => payload[0]),
      Array.from({ length: 51 }, (_, i) => i),
    )
    assert.equal(port.load.out, 0)
    port.offer(event, Uint8Array.of(51))
    await turn()
    assert.equal(wrote.length, 2)
  })

  it('does not wait for the end of the turn with 64 KiB, after a millisecond, or when told', () => {
    let now = 0
    const { port, wrote } = alone({ now: () => now, soon: () => {} })
    for (let i = 0; i < 16; i++) port.offer(envelope, new Uint8Array(4096))
    assert.equal(wrote.length, 1)
    port.offer(event, Uint8Array.of(1))
    port.offer(event, Uint8Array.of(2))
    assert.equal(wrote.length, 1)
    now = 1
    port.offer(event, Uint8Array.of(3))
    assert.equal(wrote.length, 2)
    port.offer(event, Uint8Array.of(4))
    port.flush()
    assert.equal(wrote.length, 3)
    const reader = new FrameReader()
    const frames = wrote.flatMap((bytes) => reader.push(bytes))
    assert.deepEqual(
      frames.slice(-4).map(({ payload }) => payload[0]),
      [1, 2, 3, 4],
    )
  })

  it('writes each frame once to a wire that calls back while it is written to', () => {
    const written: Uint8Array[] = []
    const port = new Port(
      {
        write(bytes) {
          written.push(bytes)
          port.drained()
          port.flush()
          return true
        },
        pause: () => undefined,
        resume: () => undefined,
      },
      (violation) => {
        throw violation
      },
      { soon: () => undefined },
    )
    for (let i = 0; i < 3; i++) assert.ok(port.offer(event, Uint8Array.of(i), MAX_QUEUE_BYTES))
    port.flush()
    const frames = new FrameReader()
    const payloads = frames.push(Buffer.concat(written)).map(({ payload }) => payload[0])
    assert.deepEqual(payloads, [0, 1, 2])
    assert.equal(port.load.out, 0)
  })

  it('lets a sender see less room than the queue has, but never less than one frame', async () => {
    const { a, b, hold } = connected()
    const taken: number[] = []
    b.serve(envelope, async (payload) => {
      taken.push(payload[0] ?? -1)
      return payload
    })
    hold(true)
    a.offer(envelope, new Uint8Array(64 * 1024)) // the wire took it, and nothing more
    assert.ok(a.offer(envelope, Uint8Array.of(1, ...new Uint8Array(2000)), 1000))
    assert.equal(a.offer(envelope, Uint8Array.of(2), 1000), false)
    assert.ok(a.offer(envelope, Uint8Array.of(3)))
    const later = a.tell(envelope, Uint8Array.of(4), never, 1000)
    await turn()
    assert.equal(a.load.out, 2001 + 1 + 2 * 9)
    hold(false)
    a.drained()
    await later
    await turn()
    assert.deepEqual(taken.slice(-3), [1, 3, 4])
    a.close()
    assert.throws(() => a.offer(envelope, Uint8Array.of(5)), { code: 'PORT_CLOSED' })
  })

  it('survives 10,000 random frames with a refusal or a reply, never a hang', async () => {
    const random = seeded('port')
    let refused = 0
    let answered = 0
    for (let i = 0; i < 10_000; i++) {
      const { port, violations, wrote } = alone({ soon: queueMicrotask })
      for (const type of [store, rpc, event, envelope])
        port.serve(type, async (payload) => {
          if ((payload[0] ?? 0) > 127) throw new DecodeError('no')
          return payload
        })
      const [type = 0, id = 0, ...payload] = random(2 + (i % 30))
      const known = i % 3 === 0 ? type : type % 12
      port.receive(encodeFrame({ type: known, id: id % 4, payload: Uint8Array.from(payload) }))
      for (let microtask = 0; microtask < 5; microtask++) await Promise.resolve()
      if (violations.length > 0) refused++
      else if (id % 4 === 0 || wrote.length > 0) answered++
      assert.ok(violations.length <= 1)
    }
    assert.equal(refused + answered, 10_000)
    assert.ok(refused > 1000 && answered > 1000)
  })
})
