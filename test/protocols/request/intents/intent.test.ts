import assert from 'node:assert/strict'
import { secp256k1 } from '@noble/curves/secp256k1.js'
import { bytesToHex } from '@noble/hashes/utils.js'
import { type Hex, recoverMessageAddress, recoverTypedDataAddress } from 'viem'
import type { JsonParams } from '../../../../protocols/request/core.ts'
import type { ErrorId } from '../../../../protocols/request/errors.ts'
import {
  addressOf,
  type RecoverableSignature,
} from '../../../../protocols/request/ethereum-address.ts'
import { type Intent, intentOf } from '../../../../protocols/request/intents/intent.ts'
import type { JsonValue } from '../../../../protocols/request/json-value.ts'
import { seeded } from '../../../support/seeded.ts'
import { MAIL } from './mail.ts'
import { refusedAs } from './refused.ts'

const secret = seeded('alice')(32)
const ALICE = addressOf(secp256k1.getPublicKey(secret))
const BOB = '0xd8da6bf26964af9d7eed9e03e53415d37aa96045'

function sign({ digest }: Intent): RecoverableSignature {
  const bytes = secp256k1.sign(digest, secret, { prehash: false, format: 'recovered' })
  return { r: bytes.slice(1, 33), s: bytes.slice(33), recovery: bytes[0] ?? 0 }
}

const transaction = {
  type: '0x2',
  from: ALICE,
  chainId: '0xa',
  nonce: '0x0',
  gas: '0x5208',
  to: BOB,
  value: '0x1',
  data: '0x',
  maxFeePerGas: '0x2',
  maxPriorityFeePerGas: '0x1',
  accessList: [],
}
const mail = MAIL as unknown as JsonValue

describe('intent', () => {
  it('of a message ends in the 65 bytes that viem recovers', async () => {
    const intent = intentOf('personal_sign', ['0x68656c6c6f', ALICE], ALICE)
    assert.equal(intent.type, 'message')
    assert.equal(intent.caip2, null)
    const signature = intent.finish(sign(intent)) as Hex
    assert.match(signature, /^0x[0-9a-f]{128}(1b|1c)$/)
    assert.equal(await recoverMessageAddress({ message: 'hello', signature }), ALICE)
  })

  it('of typed data ends in the 65 bytes that viem recovers', async () => {
    for (const document of [mail, JSON.stringify(mail)]) {
      const intent = intentOf('eth_signTypedData_v4', [ALICE, document], ALICE)
      assert.equal(intent.caip2, 'eip155:1')
      const signature = intent.finish(sign(intent)) as Hex
      const given = { ...MAIL, signature } as Parameters<typeof recoverTypedDataAddress>[0]
      assert.equal(await recoverTypedDataAddress(given), ALICE)
    }
  })

  it('of typed data without a chain names none', () => {
    const document = {
      ...MAIL,
      types: { ...MAIL.types, EIP712Domain: [{ name: 'name', type: 'string' }] },
      domain: { name: 'x' },
    } as unknown as JsonValue
    assert.equal(intentOf('eth_signTypedData_v4', [ALICE, document], ALICE).caip2, null)
  })

  it('has a digest of its own for every type, chain and content', () => {
    const other = { ...MAIL, message: { ...MAIL.message, contents: 'Hi' } } as unknown as JsonValue
    const asked: [string, JsonParams][] = [
      ['personal_sign', ['0x', ALICE]],
      ['personal_sign', ['0x00', ALICE]],
      ['eth_signTypedData_v4', [ALICE, mail]],
      ['eth_signTypedData_v4', [ALICE, other]],
      ['eth_signTransaction', [transaction]],
      ...Object.entries({
        chainId: '0x1',
        nonce: '0x1',
        gas: '0x5209',
        to: ALICE,
        value: '0x2',
        data: '0x00',
        maxFeePerGas: '0x3',
        maxPriorityFeePerGas: '0x2',
        accessList: [{ address: BOB, storageKeys: [] }],
      }).map(([field, value]): [string, JsonParams] => [
        'eth_signTransaction',
        [{ ...transaction, [field]: value }],
      ]),
    ]
    const intents = asked.map(([method, params]) => intentOf(method, params, ALICE))
    for (const which of ['digest', 'intentDigest'] as const)
      assert.equal(new Set(intents.map((intent) => bytesToHex(intent[which]))).size, asked.length)
  })

  it('is the same for an address in lower case', () => {
    const upper = intentOf('personal_sign', ['hi', ALICE], ALICE)
    const lower = intentOf('personal_sign', ['hi', ALICE.toLowerCase()], ALICE.toLowerCase())
    assert.deepEqual(lower.intentDigest, upper.intentDigest)
  })

  it('cannot express a recovery id above 1', () => {
    for (const intent of [
      intentOf('personal_sign', ['hi', ALICE], ALICE),
      intentOf('eth_signTransaction', [transaction], ALICE),
    ])
      assert.throws(() => intent.finish({ ...sign(intent), recovery: 2 }), refusedAs('SIGN_FAILED'))
  })

  const refused: readonly [ErrorId, string, JsonParams][] = [
    ['METHOD_UNSUPPORTED', 'eth_sign', [ALICE, '0x00']],
    ['METHOD_UNSUPPORTED', 'eth_accounts', []],
    ['METHOD_UNSUPPORTED', 'toString', []],
    ['INTENT_MISMATCH', 'personal_sign', ['0x00', BOB]],
    ['INTENT_MISMATCH', 'personal_sign', [ALICE, BOB]],
    ['PARAMS_INVALID', 'personal_sign', [ALICE, '0x68656c6c6f']],
    ['MSG_BUILD_FAILED', 'personal_sign', ['0x0', ALICE]],
    ['INTENT_MISMATCH', 'eth_signTypedData_v4', [BOB, mail]],
    ['PARAMS_INVALID', 'eth_signTypedData_v4', [mail, ALICE]],
    ['MSG_BUILD_FAILED', 'eth_signTypedData_v4', [ALICE, '{"a":1,"a":1}']],
    ['MSG_BUILD_FAILED', 'eth_signTypedData_v4', [ALICE, null]],
    ['INTENT_MISMATCH', 'eth_signTransaction', [{ ...transaction, from: BOB }]],
    ['TX_BUILD_FAILED', 'eth_signTransaction', [{ ...transaction, nonce: '0x00' }]],
    ['PARAMS_INVALID', 'eth_signTransaction', [{ ...transaction, gasLimit: '0x1' }]],
  ]
  for (const [id, method, params] of refused)
    it(`refuses ${method} ${JSON.stringify(params).slice(0, 50)} as ${id}`, () => {
      assert.throws(() => intentOf(method, params, ALICE), refusedAs(id))
    })
})
