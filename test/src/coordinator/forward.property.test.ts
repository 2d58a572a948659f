import assert from 'node:assert/strict'
import fc from 'fast-check'
import { ERRORS } from '../../../protocols/request/errors.ts'
import { encodeCanonical } from '../../../protocols/session/canonical-cbor.ts'
import { DecodeError } from '../../../protocols/session/codec.ts'
import {
  decodeLeadAsk,
  decodeOutcome,
  encodeLeadAsk,
  encodeOutcome,
} from '../../../src/coordinator/forward.ts'
import type { Outcome } from '../../../src/coordinator/lead.ts'

const PLAIN = { noNullPrototype: true } as const // as decoders make them
const parties = fc.array(fc.integer({ min: 1, max: 0xffff }), { maxLength: 16 })
const ids = fc.constantFrom(...Object.keys(ERRORS))
const asks = fc.record(
  {
    request: fc.uint8Array({ minLength: 1, maxLength: 300 }),
    attempt: fc.nat(),
    remainingMs: fc.integer({ min: 0, max: 60_000 }),
    excluded: parties,
  },
  PLAIN,
)
const outcomes: fc.Arbitrary<Outcome> = fc.oneof(
  fc.record(
    {
      kind: fc.constant('done' as const),
      result: fc.oneof(fc.string({ unit: 'grapheme' }), fc.constant({ address: '0x1', list: [1] })),
      signers: parties,
    },
    PLAIN,
  ),
  fc.record({ kind: fc.constant('error' as const), id: ids, message: fc.constant('') }, PLAIN),
  fc.record(
    {
      kind: fc.constant('failed' as const),
      fault: fc.constantFrom('timeout', 'refused', 'busy', 'banned'),
      parties,
      retryAfterMs: fc.integer({ min: 0, max: 60_000 }),
      ids: fc.array(ids, { maxLength: 16 }),
      signers: parties,
    },
    PLAIN,
  ),
  fc.record(
    {
      kind: fc.constant('short' as const),
      reason: fc.constantFrom('links', 'pairs', 'bans'),
      reachable: parties,
      needed: fc.integer({ min: 0, max: 16 }),
    },
    PLAIN,
  ),
)

describe('frames of forwarded leads', () => {
  it('carry a question and an end as they were', () => {
    fc.assert(
      fc.property(asks, (ask) => {
        const frame = encodeLeadAsk(ask)
        assert.deepEqual(decodeLeadAsk(frame ?? new Uint8Array()), ask)
      }),
      { seed: 1 },
    )
    fc.assert(
      fc.property(outcomes, (outcome) => {
        assert.deepEqual(decodeOutcome(encodeOutcome(outcome)), outcome)
      }),
      { seed: 2 },
    )
  })

  it('are one encoding: any changed byte is refused or is another frame', () => {
    fc.assert(
      fc.property(outcomes, fc.nat(), fc.integer({ min: 1, max: 255 }), (outcome, at, change) => {
        const frame = encodeOutcome(outcome)
        const spot = at % frame.length
        frame[spot] = (frame[spot] ?? 0) ^ change
        try {
          const other = decodeOutcome(frame)
          if (other.kind !== 'error') assert.deepEqual(encodeOutcome(other), frame)
        } catch (error) {
          assert.ok(error instanceof DecodeError)
        }
      }),
      { seed: 3 },
    )
  })

  it('do not carry a request above the limit of the protocol', () => {
    const ask = { attempt: 1, remainingMs: 1, excluded: [] }
    assert.equal(encodeLeadAsk({ ...ask, request: new Uint8Array(600 * 1024) }), undefined)
    assert.ok(encodeLeadAsk({ ...ask, request: new Uint8Array(599 * 1024) }) !== undefined)
  })

  it('are refused with unknown ids, faults that are no words, and too many parties', () => {
    const bad = [
      ['led', 1, 'error', 'NO_SUCH_ID'],
      ['led', 1, 'failed', 'Evil <b>', [], 0, [], []],
      ['led', 1, 'done', 'x', Array.from({ length: 17 }, () => 1)],
      ['led', 2, 'error', 'AUTH_FAILED'],
      ['led', 1, 'done', 1.5, []],
      ['led', 1, 'short', 'moon', [], 1],
      ['lead', 1],
      {},
    ]
    for (const value of bad) assert.throws(() => decodeOutcome(encodeCanonical(value)), DecodeError)
    assert.throws(() => decodeLeadAsk(encodeCanonical(['lead', 1, 'text', 1, 1, []])), DecodeError)
  })
})
