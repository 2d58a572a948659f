import assert from 'node:assert/strict'
import fc from 'fast-check'
import { rounds as correlations } from '../../../protocols/correlations/messages.ts'
import { rounds as keygen } from '../../../protocols/keygen/messages.ts'
import { rounds as pairSetup } from '../../../protocols/pair-setup/messages.ts'
import { rounds as reshare } from '../../../protocols/reshare/messages.ts'
import { type Codec, DecodeError, type FixedCodec } from '../../../protocols/session/codec.ts'
import { ROUND_NUMBERS } from '../../../protocols/session/numbers.ts'
import { rounds as sign } from '../../../protocols/sign/messages.ts'

/** Every round of every conversation, with the size of its message (02 §2.2, §5, §6.1). */
const TABLES: { of: string; rounds: object; sizes: Record<string, number> }[] = [
  {
    of: 'a pair setup',
    rounds: pairSetup,
    sizes: { commit: 97, transfer: 16_928, open: 20_576, confirm: 64 },
  },
  ...(
    [
      [2, 1],
      [2, 64],
      [3, 5],
      [9, 3],
    ] as const
  ).map(([t, B]) => ({
    of: `a key generation, t = ${t}, B = ${B}`,
    rounds: keygen(t, B),
    sizes: { commit: 64, deal: 96 + B * (98 * t + 32), prove: 64 + 65 * B, certify: 96 },
  })),
  ...(
    [
      [3, 2, 2],
      [5, 3, 1],
    ] as const
  ).map(([t, B, absent]) => ({
    of: `a key generation, t = ${t}, B = ${B}, ${absent} absent`,
    rounds: keygen(t, B, absent),
    sizes: {
      commit: 64,
      deal: 96 + B * (98 * t + 32) + absent * (48 + 32 * B),
      prove: 64 + 65 * B,
      certify: 96,
    },
  })),
  ...(
    [
      [2, 3, 1],
      [3, 3, 64],
      [9, 5, 2],
    ] as const
  ).map(([old, t, B]) => ({
    of: `a reshare from t = ${old} to t = ${t}, B = ${B}`,
    rounds: reshare(old, t, B),
    sizes: {
      commit: 64,
      nonce: 32,
      deal: 96 + B * (98 * t + 32),
      introduce: 96 + B * (98 * t + 32) + B * (64 + 33 * old),
      show: 96 + B * 98 * t,
      prove: 64 + 65 * B,
      certify: 96,
    },
  })),
  ...[1, 16].map((N) => ({
    of: `a batch of ${N} correlations`,
    rounds: correlations(N),
    sizes: {
      propose: 86,
      choose: 48 + 9_232 * N,
      multiply: 58_480 * N,
      answer: 49_248 * N,
      confirm: 32,
    },
  })),
  ...[2, 3, 9].map((t) => ({
    of: `a signature, t = ${t}`,
    rounds: fixedOf(sign(t)),
    sizes: {
      commit: 64 + 8 * (t - 1),
      extend: 9_264,
      multiply: 49_476,
      combine: 96,
      online: 112,
      open: 292,
    },
  })),
]

/** All but R1 of form (b), whose length depends on who sends it. */
function fixedOf<T extends { readonly name: unknown }>(table: T): Omit<T, 'name'> {
  const { name: _, ...rest } = table
  return rest
}

for (const { of, rounds, sizes } of TABLES)
  describe(`the messages of ${of}`, () => {
    it('have the sizes of the specification, each', () => {
      assert.deepEqual(Object.keys(rounds), Object.keys(sizes))
      for (const [name, round] of Object.entries(rounds))
        assert.equal((round.codec as FixedCodec<unknown>).size, sizes[name], name)
    })

    for (const [name, round] of Object.entries(rounds)) {
      const codec: Codec<unknown> = round.codec
      const size = sizes[name] ?? 0

      it(`${round.name} has a number, decodes what was encoded, and nothing of another length`, () => {
        assert.ok(ROUND_NUMBERS[round.name] !== undefined)
        const content = fc.uint8Array({ minLength: size, maxLength: size })
        fc.assert(
          fc.property(content, fc.integer({ min: -3, max: 3 }), (bytes, longer) => {
            assert.deepEqual(codec.encode(codec.decode(bytes)), bytes)
            if (longer === 0) return
            const other = new Uint8Array(size + longer)
            other.set(bytes.subarray(0, other.length))
            assert.throws(() => codec.decode(other), DecodeError)
          }),
          { numRuns: 5, seed: 9 },
        )
      })
    }
  })

describe('names of correlations in R1', () => {
  it('are as many as are counted, at most one per other signer, and nothing else decodes', () => {
    const { codec } = sign(3).name
    const message = (count: number, named: number) =>
      Uint8Array.of(...new Uint8Array(80).fill(5), count, ...new Uint8Array(16 * named).fill(6))
    for (const count of [0, 1, 2]) {
      const bytes = message(count, count)
      assert.deepEqual(codec.encode(codec.decode(bytes)), bytes)
      assert.equal(codec.decode(bytes).correlationIds.length, 16 * count)
      for (const wrong of [message(count, count + 1), bytes.slice(1), message(count + 1, count)])
        assert.throws(() => codec.decode(wrong), DecodeError)
    }
    assert.throws(() => codec.decode(message(3, 3)), DecodeError)
    for (const length of [8, 48])
      assert.throws(
        () =>
          codec.encode({ ...codec.decode(message(0, 0)), correlationIds: new Uint8Array(length) }),
        /bug/,
      )
  })
})

describe('the sizes of a run', () => {
  const total = (t: number, B: number) =>
    Object.values(keygen(t, B)).reduce(
      (sum, { codec }) => sum + (codec as FixedCodec<unknown>).size,
      0,
    )
  it('are 613 bytes per peer for one key of 2-of-3, and 19,072 for 64', () => {
    assert.equal(total(2, 1), 613)
    assert.equal(total(2, 64), 19_072)
  })
})

describe('round numbers', () => {
  it('are unique, and say the kind of the session in their high byte', () => {
    const numbers = Object.values(ROUND_NUMBERS)
    assert.equal(new Set(numbers).size, numbers.length)
    for (const [name, number] of Object.entries(ROUND_NUMBERS)) {
      const kind = {
        session: 0,
        'pair-setup': 1,
        correlations: 3,
        keygen: 4,
        reshare: 5,
        presign: 7,
        sign: 8,
      }[name.split('/')[0] ?? '']
      assert.equal(number >> 8, kind, name)
    }
  })
})
