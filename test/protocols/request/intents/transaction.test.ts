import assert from 'node:assert/strict'
import { secp256k1 } from '@noble/curves/secp256k1.js'
import fc from 'fast-check'
import {
  type Hex,
  keccak256,
  recoverTransactionAddress,
  serializeTransaction,
  type TransactionSerializable,
} from 'viem'
import {
  addressOf,
  addressText,
  type RecoverableSignature,
} from '../../../../protocols/request/ethereum-address.ts'
import { hexBytes, hexText } from '../../../../protocols/request/hex.ts'
import { intentOf } from '../../../../protocols/request/intents/intent.ts'
import { decodeRlp, encodeRlp } from '../../../../protocols/request/intents/rlp.ts'
import { parseSignedTransaction } from '../../../../protocols/request/intents/signed-transaction.ts'
import { transactionDigest } from '../../../../protocols/request/intents/transaction.ts'
import { parseTransaction } from '../../../../protocols/request/intents/transaction-json.ts'
import type { JsonValue } from '../../../../protocols/request/json-value.ts'
import { DecodeError } from '../../../../protocols/session/codec.ts'
import { seeded } from '../../../support/seeded.ts'
import { refusedAs } from './refused.ts'

const secret = seeded('alice')(32)
const ALICE = addressOf(secp256k1.getPublicKey(secret))

function signWith(key: Uint8Array, digest: Uint8Array): RecoverableSignature {
  const bytes = secp256k1.sign(digest, key, { prehash: false, format: 'recovered' })
  return { r: bytes.slice(1, 33), s: bytes.slice(33), recovery: bytes[0] ?? 0 }
}

const quantity = (value: bigint): Hex => `0x${value.toString(16)}`
const hexOf = (min: number, max: number): fc.Arbitrary<Hex> =>
  fc.uint8Array({ minLength: min, maxLength: max }).map((bytes) => hexText(bytes) as Hex)
const upTo = (max: bigint): fc.Arbitrary<bigint> =>
  fc.oneof(fc.bigInt({ min: 0n, max }), fc.constantFrom(0n, 1n, 127n, 128n, max))
const address = fc
  .uint8Array({ minLength: 20, maxLength: 20 })
  .map((bytes) => addressText(bytes) as Hex)
const U64 = 2n ** 64n - 1n
const U256 = 2n ** 256n - 1n

interface Given {
  readonly fields: Record<string, JsonValue>
  readonly viem: TransactionSerializable
}

const transactions: fc.Arbitrary<Given> = fc
  .record({
    type: fc.constantFrom(0, 1, 2),
    chainId: fc.oneof(
      fc.constantFrom(1, 137, 31_337, Number.MAX_SAFE_INTEGER),
      fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
    ),
    nonce: fc.oneof(fc.nat(), fc.constantFrom(0, 127, 128, Number.MAX_SAFE_INTEGER)),
    gas: upTo(U64),
    to: fc.option(address),
    value: upTo(U256),
    data: fc.oneof(hexOf(1, 100), hexOf(60, 400)),
    fees: fc.tuple(upTo(U256 - 1n), upTo(U256 - 1n)),
    accessList: fc.array(
      fc.record({ address, storageKeys: fc.array(hexOf(32, 32), { maxLength: 3 }) }),
      { maxLength: 3 },
    ),
  })
  .map(({ type, chainId, nonce, fees, accessList, ...rest }) => {
    const [low, high] = fees[0] < fees[1] ? fees : [fees[1], fees[0]]
    const base = { chainId, nonce, ...rest }
    const fields = {
      type: `0x${type}`,
      from: ALICE,
      chainId: quantity(BigInt(chainId)),
      nonce: quantity(BigInt(nonce)),
      gas: quantity(rest.gas),
      to: rest.to,
      value: quantity(rest.value),
      data: rest.data,
    }
    if (type === 0)
      return {
        fields: { ...fields, gasPrice: quantity(high) },
        viem: { type: 'legacy', ...base, gasPrice: high },
      }
    if (type === 1)
      return {
        fields: { ...fields, gasPrice: quantity(high), accessList },
        viem: { type: 'eip2930', ...base, gasPrice: high, accessList },
      }
    return {
      fields: {
        ...fields,
        maxFeePerGas: quantity(high),
        maxPriorityFeePerGas: quantity(low),
        accessList,
      },
      viem: {
        type: 'eip1559',
        ...base,
        maxFeePerGas: high,
        maxPriorityFeePerGas: low,
        accessList,
      },
    }
  })

describe('transaction', () => {
  it('has the digest and the raw form of viem, of every type', async () => {
    const seen = new Set<unknown>()
    await fc.assert(
      fc.asyncProperty(transactions, async ({ fields, viem }) => {
        seen.add(fields['type'])
        const { digest, finish } = intentOf('eth_signTransaction', [fields], ALICE)
        assert.equal(hexText(digest), keccak256(serializeTransaction(viem)))
        const signature = signWith(secret, digest)
        const raw = finish(signature)
        const [r, s] = [hexText(signature.r) as Hex, hexText(signature.s) as Hex]
        const yParity = signature.recovery
        const v = BigInt(27 + yParity)
        assert.equal(raw, serializeTransaction(viem, { r, s, yParity, v }))

        const parsed = parseSignedTransaction(raw)
        assert.deepEqual(parsed.transaction, parseTransaction(fields, ALICE))
        assert.deepEqual(parsed.signature, signature)
        assert.deepEqual(parsed.digest, digest)
        assert.equal(parsed.from, ALICE)
      }),
      { numRuns: 300 },
    )
    assert.equal(seen.size, 3)
  }).timeout(60_000)

  it('is recovered by viem to the account that signed', async () => {
    const { digest, finish } = intentOf('eth_signTransaction', [fee], ALICE)
    const raw = finish(signWith(secret, digest)) as `0x02${string}`
    assert.equal(await recoverTransactionAddress({ serializedTransaction: raw }), ALICE)
  })

  it('is the example of EIP-155', () => {
    const key = new Uint8Array(32).fill(0x46)
    const from = addressOf(secp256k1.getPublicKey(key))
    const fields = {
      type: '0x0',
      from,
      chainId: '0x1',
      nonce: '0x9',
      gas: '0x5208',
      gasPrice: '0x4a817c800',
      to: `0x${'35'.repeat(20)}`,
      value: '0xde0b6b3a7640000',
      data: '0x',
    }
    const { digest, finish, caip2 } = intentOf('eth_signTransaction', [fields], from)
    assert.equal(caip2, 'eip155:1')
    assert.equal(
      hexText(digest),
      '0xdaf5a779ae972f972197303d7b574746c7ef83eadac0f2791ad23db92e4c8e53',
    )
    assert.equal(
      finish(signWith(key, digest)),
      '0xf86c098504a817c800825208943535353535353535353535353535353535353535880de0b6b3a76400008025a028ef61340bd939bc2195fe537567866003e1a15d3c71ff63e1590620aa636276a067cbe9d8997f761aecb703304b3800ccf555c9f3dc64214b297fb1966a3b6d83',
    )
  })
})

const BOB = '0xd8da6bf26964af9d7eed9e03e53415d37aa96045'
const common = {
  from: ALICE,
  chainId: '0x1',
  nonce: '0x0',
  gas: '0x5208',
  to: BOB,
  value: '0x1',
  data: '0x',
}
const legacy: Readonly<Record<string, JsonValue>> = { ...common, type: '0x0', gasPrice: '0x1' }
const fee: Readonly<Record<string, JsonValue>> = {
  ...common,
  type: '0x2',
  maxFeePerGas: '0x2',
  maxPriorityFeePerGas: '0x1',
  accessList: [],
}

describe('fields of a transaction', () => {
  for (const [name, good] of Object.entries({ legacy, fee }))
    for (const field of Object.keys(good))
      it(`are all required: ${name} without ${field} is refused`, () => {
        const { [field]: _, ...rest } = good
        assert.throws(() => parseTransaction(rest, ALICE), refusedAs('TX_BUILD_FAILED'))
      })

  const quantities = ['chainId', 'nonce', 'gas', 'value', 'maxFeePerGas', 'maxPriorityFeePerGas']
  const notCanonical = ['', '0x', '0x01', '0x00', '1', '0X1', '0xA', '0x1 ', '-0x1', '0xg', 1, null]
  for (const field of quantities)
    it(`are canonical quantities: ${field}`, () => {
      for (const value of [...notCanonical, `0x1${'0'.repeat(64)}`])
        assert.throws(
          () => parseTransaction({ ...fee, [field]: value }, ALICE),
          refusedAs('TX_BUILD_FAILED', new RegExp(field)),
        )
    })

  const bad: Readonly<
    Record<string, [base: object, change: Record<string, unknown>, why: RegExp]>
  > = {
    'a chain 0': [fee, { chainId: '0x0' }, /chainId/],
    'a chain of 2^53': [legacy, { chainId: '0x20000000000000' }, /chainId/],
    'a nonce of 2^64-1': [fee, { nonce: '0xffffffffffffffff' }, /nonce/],
    'gas of 2^64': [fee, { gas: '0x10000000000000000' }, /gas/],
    'a tip above the fee': [fee, { maxPriorityFeePerGas: '0x3' }, /exceeds/],
    'a creation without code': [fee, { to: null }, /creation/],
    'an empty recipient': [fee, { to: '0x' }, /to is/],
    'a short recipient': [fee, { to: '0x1234' }, /to is/],
    'a recipient with a wrong checksum': [
      fee,
      { to: '0xD8dA6BF26964aF9D7eEd9e03E53415D37aA96045' },
      /to is/,
    ],
    'half a byte of data': [fee, { data: '0x1' }, /data/],
    'data without 0x': [fee, { data: 'aa' }, /data/],
    'no from': [fee, { from: null }, /from/],
    'type 3': [fee, { type: '0x3' }, /type/],
    'type 4': [fee, { type: '0x4' }, /type/],
    'a type as a number': [fee, { type: 2 }, /type/],
    'a type as a word': [fee, { type: 'eip1559' }, /type/],
    'a gas price beside fees': [fee, { gasPrice: '0x1' }, /belong/],
    'fees in a legacy transaction': [legacy, { maxFeePerGas: '0x1' }, /belong/],
    'an access list in a legacy transaction': [legacy, { accessList: [] }, /belong/],
    'an unknown field': [fee, { input: '0x' }, /belong/],
    blobs: [fee, { blobVersionedHashes: [] }, /belong/],
    'an access list that is no list': [fee, { accessList: {} }, /accessList/],
    'an access list with another entry': [fee, { accessList: [[BOB, []]] }, /accessList/],
    'an entry with a field more': [
      fee,
      { accessList: [{ address: BOB, storageKeys: [], x: 1 }] },
      /accessList/,
    ],
    'an entry without address': [
      fee,
      { accessList: [{ address: '0x', storageKeys: [] }] },
      /no address/,
    ],
    'an entry without keys': [
      fee,
      { accessList: [{ address: BOB, storageKeys: '0x' }] },
      /no storageKeys/,
    ],
    'a short storage key': [
      fee,
      { accessList: [{ address: BOB, storageKeys: ['0x00'] }] },
      /32 bytes/,
    ],
  }
  for (const [name, [base, change, why]] of Object.entries(bad))
    it(`refuse ${name} as TX_BUILD_FAILED`, () => {
      const fields = { ...base, ...change } as JsonValue
      assert.throws(() => parseTransaction(fields, ALICE), refusedAs('TX_BUILD_FAILED', why))
    })

  it('refuse what is no object', () => {
    for (const given of ['0x', null, [legacy]])
      assert.throws(() => parseTransaction(given, ALICE), refusedAs('TX_BUILD_FAILED'))
  })

  it('refuse another sender as INTENT_MISMATCH', () => {
    assert.throws(
      () => parseTransaction({ ...fee, from: BOB }, ALICE),
      refusedAs('INTENT_MISMATCH'),
    )
    assert.ok(parseTransaction({ ...fee, from: ALICE.toLowerCase() }, ALICE))
  })
})

describe('signed transaction', () => {
  const tx = parseTransaction({ ...fee, accessList: [{ address: BOB, storageKeys: [] }] }, ALICE)
  const request = { ...fee, accessList: [{ address: BOB, storageKeys: [] }] }
  const finish = intentOf('eth_signTransaction', [request], ALICE).finish
  const signature = signWith(secret, transactionDigest(tx))
  const raw = finish(signature)
  const legacyIntent = intentOf('eth_signTransaction', [legacy], ALICE)
  const legacyRaw = legacyIntent.finish(signWith(secret, legacyIntent.digest))

  it('is refused, or no longer from its sender, when any byte changes', () => {
    for (const whole of [raw, legacyRaw]) {
      const bytes = hexBytes(whole) ?? new Uint8Array(0)
      for (let at = 0; at < bytes.length; at++) {
        const changed = bytes.slice()
        changed[at] = (changed[at] ?? 0) ^ (1 << (at % 8))
        try {
          const { from } = parseSignedTransaction(hexText(changed))
          assert.notEqual(from, ALICE, `byte ${at}`)
        } catch (error) {
          if (!(error instanceof DecodeError)) throw error
        }
      }
    }
  })

  it('is refused with a high s, a parity above 1, or the old form without a chain', () => {
    const { n } = secp256k1.Point.CURVE()
    const highS = n - BigInt(hexText(signature.s))
    const high = {
      ...signature,
      s: hexBytes(`0x${highS.toString(16).padStart(64, '0')}`) ?? signature.s,
    }
    const flipped = { ...high, recovery: 1 - high.recovery }
    assert.throws(() => parseSignedTransaction(finish(flipped)), DecodeError)
    const items = decodeRlp((hexBytes(raw) ?? new Uint8Array(0)).slice(1)) as Uint8Array[]
    const parity2 = items.map((item, i) => (i === 9 ? Uint8Array.of(2) : item))
    const rebuilt = Buffer.from(encodeRlp(parity2)).toString('hex')
    assert.throws(() => parseSignedTransaction(`0x02${rebuilt}`), /parity/)
    const old = decodeRlp(hexBytes(legacyRaw) ?? new Uint8Array(0)) as Uint8Array[]
    for (const v of [27, 28, 35, 36]) {
      const marked = encodeRlp(old.map((item, i) => (i === 6 ? Uint8Array.of(v) : item)))
      assert.throws(() => parseSignedTransaction(hexText(marked)), /without a chain/)
    }
  })

  it('is refused in other types, lengths and texts', () => {
    const bad = [
      '',
      '0x',
      raw.slice(2),
      raw.replace('0x02', '0x01'),
      raw.replace('0x02', '0x03'),
      raw.replace('0x02', '0x00'),
      raw.slice(0, -2),
      `${raw}00`,
      '0xc0',
      '0x02c0',
      '0x0280',
    ]
    for (const text of bad) assert.throws(() => parseSignedTransaction(text), DecodeError, text)
  })
})
