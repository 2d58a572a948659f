import assert from 'node:assert/strict'
import { createPublicKey, verify } from 'node:crypto'
import { secp256k1 } from '@noble/curves/secp256k1.js'
import { bytesToNumberBE } from '@noble/curves/utils.js'
import { recoverPublicKey } from 'viem'
import { publicKeyToAddress } from 'viem/accounts'
import { recoverAddress } from 'viem/utils'
import type { Signature } from '../../../protocols/kernel/kernel.ts'
import { derive } from '../../../protocols/sign/bip32.ts'
import { faultsOf, type Letter } from '../../../protocols/simulation/simulate.ts'
import { transcriptDigest } from '../../support/run-frozen.ts'
import { valuesOf } from '../../support/run-keygen.ts'
import {
  digestOf,
  ETHEREUM,
  freshWorld,
  held,
  type inputsOf,
  runSign,
  world,
} from '../../support/run-sign.ts'

const { Point } = secp256k1
const HALF = Point.Fn.ORDER >> 1n
const hex = (bytes: Uint8Array): `0x${string}` => `0x${Buffer.from(bytes).toString('hex')}`

const subsets = (of: number, size: number): number[][] =>
  size === 0
    ? [[]]
    : Array.from({ length: of }, (_, i) => i + 1).flatMap((first) =>
        subsets(of, size - 1)
          .filter((rest) => rest.every((other) => other > first))
          .map((rest) => [first, ...rest]),
      )

/** Noble, viem and OpenSSL must all agree; s is low, and the recovery id leads back to the key. */
async function assertValid(publicKey: Uint8Array, text: string, signature: Signature) {
  const { r, s, recovery } = signature
  const digest = digestOf(text)
  assert.ok(bytesToNumberBE(s) <= HALF, 'low s')
  const compact = new Uint8Array([...r, ...s])
  assert.ok(secp256k1.verify(compact, digest, publicKey, { prehash: false, lowS: true }), 'noble')

  const uncompressed = Point.fromBytes(publicKey).toBytes(false)
  const found = await recoverPublicKey({
    hash: hex(digest),
    signature: { r: hex(r), s: hex(s), yParity: recovery & 1 },
  })
  assert.equal(found, hex(uncompressed), 'viem')
  const address = await recoverAddress({
    hash: hex(digest),
    signature: { r: hex(r), s: hex(s), yParity: recovery & 1 },
  })
  assert.equal(address, publicKeyToAddress(hex(uncompressed)), 'viem, address')

  const [x, y] = [uncompressed.subarray(1, 33), uncompressed.subarray(33)]
  const jwk = { kty: 'EC', crv: 'secp256k1', x: base64url(x), y: base64url(y) }
  const key = createPublicKey({ key: jwk, format: 'jwk' })
  // OpenSSL hashes the message itself; the digest is SHA-256 of this text.
  const message = new TextEncoder().encode(text)
  assert.ok(verify('sha256', message, { key, dsaEncoding: 'ieee-p1363' }, compact), 'OpenSSL')
}

const base64url = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64url')

describe('sign()', function () {
  this.timeout(120_000)

  for (const [t, n] of [
    [2, 2],
    [2, 3],
    [3, 5],
    [4, 7],
  ] as const)
    it(`signs with every ${t} of ${n} guests, under the same key`, async () => {
      const all = await world(t, n)
      const before = held(all.guests)
      for (const signers of subsets(n, t)) {
        const text = `by ${signers.join()}`
        const results = valuesOf(
          await runSign(all, { signers, seed: text, digest: digestOf(text) }),
        )
        const [first] = results
        assert.ok(first)
        for (const result of results) assert.deepEqual(result, first)
        await assertValid(all.derived.publicKey, text, first)
      }
      assert.deepEqual(held(all.guests), before, 'nothing of a run is left')
    })

  for (const [t, n, signers] of [
    [3, 3, [1, 2, 3]],
    [3, 4, [1, 3, 4]],
    [2, 6, [2, 6]],
    [5, 6, [1, 2, 4, 5, 6]],
  ] as const)
    it(`signs with ${signers.join()} of ${n}, threshold ${t}`, async () => {
      const all = await world(t, n)
      const text = `${t} of ${n}`
      const digest = digestOf(text)
      const [first] = valuesOf(await runSign(all, { signers, seed: text, digest }))
      assert.ok(first)
      await assertValid(all.derived.publicKey, text, first)
    })

  it('signs under the generated key itself and under any key below it', async () => {
    const all = await world(2, 3)
    const key = all.keys.get(1)?.keys[0]
    assert.ok(key)
    for (const path of [[], [0], ETHEREUM, [1, 2, 3, 2_147_483_647]]) {
      const derived = derive(key.publicKey, key.chainCode, path)
      const text = `path ${path.join('/')}`
      const results = await runSign(
        { ...all, derived },
        { signers: [1, 3], seed: text, digest: digestOf(text) },
      )
      const [signature] = valuesOf(results)
      assert.ok(signature)
      await assertValid(derived.publicKey, text, signature)
    }
  })

  it('makes another nonce each time: two signatures of one digest differ', async () => {
    const all = await world(2, 3)
    const digest = digestOf('twice')
    const [a] = valuesOf(await runSign(all, { signers: [1, 2], seed: 'first', digest }))
    const [b] = valuesOf(await runSign(all, { signers: [1, 2], seed: 'second', digest }))
    assert.notDeepEqual(a?.r, b?.r)
  })

  it('gives every recovery id that can be seen: both parities of R', async () => {
    const all = await world(2, 2)
    const seen = new Set<number>()
    for (let i = 0; i < 12; i++) {
      const [signature] = valuesOf(await runSign(all, { signers: [1, 2], seed: `parity ${i}` }))
      if (signature) seen.add(signature.recovery)
    }
    assert.deepEqual([...seen].sort(), [0, 1])
  })

  it('sends the sizes of the specification: 58,908 bytes per peer in all for t = 2', async () => {
    for (const [t, n, first] of [
      [2, 2, 72],
      [3, 5, 80],
    ] as const) {
      const letters: Letter[] = []
      const signers = Array.from({ length: t }, (_, i) => i + 1)
      const tamper = (letter: Letter) => {
        letters.push(letter)
        return letter.bytes
      }
      valuesOf(await runSign(await world(t, n), { signers, seed: 'sizes', tamper }))
      const sizes = letters
        .filter(({ from, to }) => from === 1 && to === 2)
        .map(({ bytes }) => bytes.length)
      assert.deepEqual(sizes, [first, 9_264, 49_476, 96])
      if (t === 2)
        assert.equal(
          sizes.reduce((sum, size) => sum + size),
          58_908,
        )
    }
  })

  it('says the same as ever with the same randomness', async () => {
    const letters: Letter[] = []
    const tamper = (letter: Letter) => {
      letters.push(letter)
      return letter.bytes
    }
    const fresh = await freshWorld(2, 3, 'frozen')
    valuesOf(await runSign(fresh, { signers: [1, 3], seed: 'frozen', tamper }))
    // Frozen for version 1: a difference is another protocol, or other draws in the kernel.
    assert.equal(
      transcriptDigest(letters),
      'b7606219d3636b467144d1e6421280dddc9a24c4459f40865f41b874fdcefdad',
    )
  })

  it('does not sign with fewer than t: t − 1 shares give no valid signature', async () => {
    const all = await world(3, 5)
    const results = await runSign(all, { signers: [1, 2], seed: 'too few' })
    assert.deepEqual(
      new Set(faultsOf(results).map(({ kind }) => kind)),
      new Set(['sum']), // the key shares of two do not add up to P'
    )
  })

  it('awaits beforeLast after all checks, before R3 leaves; when it fails, nothing leaves', async () => {
    const all = await world(2, 3)
    const before = held(all.guests)
    for (const fails of [false, true]) {
      const seen: string[] = []
      const results = await runSign(all, {
        signers: [1, 2],
        seed: 'before last',
        tamper: ({ from, round, bytes }) => {
          if (from === 1) seen.push(round)
          return bytes
        },
        alter: (me, honest) => ({
          ...honest,
          beforeLast: async () => {
            await Promise.resolve()
            if (me === 1) seen.push('beforeLast')
            if (me === 1 && fails) throw new Error('disk full')
          },
        }),
      })
      const rounds = ['sign/1-commit', 'sign/1b-extend', 'sign/2-multiply', 'beforeLast']
      assert.deepEqual(seen, fails ? rounds : [...rounds, 'sign/3-combine'])
      assert.equal(results[0]?.status, fails ? 'rejected' : 'fulfilled')
      assert.deepEqual(held(all.guests), before)
    }
  })

  it('leaves no secret after it was cancelled in any round', async () => {
    const all = await world(2, 3)
    const before = held(all.guests)
    for (const round of ['1-commit', '1b-extend', '2-multiply', '3-combine']) {
      const stop = new AbortController()
      const results = await runSign(all, {
        signers: [1, 2],
        seed: 'cancelled',
        signal: stop.signal,
        tamper: (letter) => {
          if (letter.round.endsWith(round)) stop.abort()
          return letter.bytes
        },
      })
      assert.deepEqual(faultsOf(results), [])
      assert.ok(results.every(({ status }) => status === 'rejected'))
      assert.deepEqual(held(all.guests), before, round)
    }
  })

  it('ends in no signature when the guests computed different digests, and blames nobody', async () => {
    const all = await world(2, 3)
    const results = await runSign(all, {
      signers: [1, 2],
      seed: 'digests',
      alter: (me, honest) => ({ ...honest, digest: digestOf(`seen by ${me}`) }),
    })
    assert.ok(results.every(({ status }) => status === 'rejected'))
    assert.ok(faultsOf(results).length > 0)
    for (const fault of faultsOf(results))
      assert.deepEqual(fault, { kind: 'signature', round: 'sign/3-combine' })
  })

  describe('asks for each setup before it uses it', () => {
    const failing = (
      what: string,
      kind: string,
      change: (pair: ReturnType<typeof pairOf>) => ReturnType<typeof pairOf> | undefined,
    ) =>
      it(what, async () => {
        const all = await world(2, 3)
        const before = held(all.guests)
        const results = await runSign(all, {
          signers: [1, 2],
          seed: what,
          alter: (me, honest) => {
            if (me !== 1) return honest
            const pair = change(pairOf(honest))
            return { ...honest, pairs: new Map(pair ? [[2, pair]] : []) }
          },
        })
        const [first] = results
        assert.ok(first)
        assert.deepEqual(faultsOf([first]), [{ kind, round: 'sign/1-commit', from: 2 }])
        assert.deepEqual(held(all.guests), before)
      })
    const pairOf = (inputs: ReturnType<typeof inputsOf>) => {
      const pair = inputs.pairs.get(2)
      assert.ok(pair)
      return pair
    }

    failing('a missing one is setup-missing', 'setup-missing', () => undefined)
    failing('a banned one is banned', 'banned', (pair) => {
      pair.gate.close('banned')
      return pair
    })
    failing('a replaced one is generation', 'generation', (pair) => {
      pair.gate.close('generation')
      return pair
    })
    failing('one of another epoch is generation', 'generation', (pair) => ({
      ...pair,
      epochId: new Uint8Array(32).fill(1),
    }))
    failing('one that the peer does not hold is generation', 'generation', (pair) => ({
      ...pair,
      setupId: new Uint8Array(32).fill(1),
    }))

    for (const [round, kind] of [
      ['sign/1-commit', 'banned'],
      ['sign/1b-extend', 'generation'],
      ['sign/2-multiply', 'banned'],
    ] as const)
      it(`and again: closed during ${round}, it is not touched any more`, async () => {
        const all = await world(2, 3)
        const before = held(all.guests)
        const results = await runSign(all, {
          signers: [1, 2],
          seed: 'closed',
          alter: (me, honest) => {
            if (me === 1) gate = pairOf(honest).gate
            return honest
          },
          tamper: (letter) => {
            if (letter.round === round && letter.from === 2) gate?.close(kind)
            return letter.bytes
          },
        })
        const [first] = results
        assert.ok(first)
        assert.deepEqual(
          faultsOf([first]).map((fault) => fault.kind),
          [kind],
        )
        assert.deepEqual(held(all.guests), before)
      })
    let gate: { close(reason: 'banned' | 'generation'): void } | undefined
  })

  it('takes another signer set, or a derived key of another key, for a defect', async () => {
    const all = await world(2, 3)
    for (const alter of [
      (_: number, honest: ReturnType<typeof inputsOf>) => ({
        ...honest,
        guests: honest.guests.slice(0, 1),
      }),
      (_: number, honest: ReturnType<typeof inputsOf>) => ({
        ...honest,
        derived: { ...honest.derived, epsilon: new Uint8Array(32) },
      }),
    ]) {
      const results = await runSign(all, { signers: [1, 2], seed: 'defect', alter })
      assert.throws(() => valuesOf(results), /^Error: bug/)
    }
  })
})
