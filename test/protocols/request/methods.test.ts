import assert from 'node:assert/strict'
import { toBase64url } from '../../../protocols/request/base64url.ts'
import { type ErrorId, RequestError } from '../../../protocols/request/errors.ts'
import {
  isMethod,
  METHOD_CLASSES,
  type MethodName,
  methodNamed,
  parseParams,
} from '../../../protocols/request/methods.ts'
import { ALGORITHMS, testKey } from './keys.ts'

const refusedAs = (id: ErrorId) => (error: unknown) =>
  error instanceof RequestError && error.id === id

const { key } = testKey('ES256', 'alice')
const credential = { kid: key.kid, alg: key.alg, spki: toBase64url(key.spki) }
const ADDRESS = '0xd8dA6BF26964aF9D7eEd9e03E53415D37aA96045'

describe('parameters of a method', () => {
  it('are read for each key algorithm of a new account', () => {
    for (const alg of ALGORITHMS) {
      const { kid, spki } = testKey(alg, 'alice').key
      const params = { credential: { kid, alg, spki: toBase64url(spki) } }
      assert.deepEqual(parseParams('holdfast_createAccount', params), {
        credential: { kid, alg, spki },
      })
    }
  })

  it('are read for the other methods', () => {
    assert.deepEqual(parseParams('eth_accounts', []), [])
    assert.deepEqual(parseParams('personal_sign', ['0x', ADDRESS]), ['0x', ADDRESS])
    const lower = ADDRESS.toLowerCase()
    assert.deepEqual(parseParams('eth_signTypedData_v4', [lower, '{}']), [lower, '{}'])
    const tx = { type: '0x2', to: null, accessList: [{ address: lower, storageKeys: ['0x00'] }] }
    assert.deepEqual(parseParams('eth_signTransaction', [tx]), [tx])
  })

  const tx = { type: '0x0' }
  const bad: readonly [MethodName, string, unknown][] = [
    ['holdfast_createAccount', 'no credential', {}],
    ['holdfast_createAccount', 'an array', [{ credential }]],
    ['holdfast_createAccount', 'an unknown field', { credential, user: 'x' }],
    [
      'holdfast_createAccount',
      'an unknown field of the key',
      { credential: { ...credential, x: 1 } },
    ],
    [
      'holdfast_createAccount',
      'an unknown algorithm',
      { credential: { ...credential, alg: 'none' } },
    ],
    [
      'holdfast_createAccount',
      'a key of another algorithm',
      { credential: { ...credential, alg: 'EdDSA' } },
    ],
    ['holdfast_createAccount', 'a key in hex', { credential: { ...credential, spki: '0x30' } }],
    ['holdfast_createAccount', 'an empty kid', { credential: { ...credential, kid: '' } }],
    ['eth_accounts', 'an argument', [1]],
    ['eth_accounts', 'an object', {}],
    ['personal_sign', 'the order of eth_sign', [ADDRESS, '0x68656c6c6f']],
    ['personal_sign', 'a wrong checksum', ['0x', ADDRESS.replace('d8dA', 'D8dA')]],
    ['personal_sign', 'a third argument', ['0x', ADDRESS, '']],
    ['personal_sign', 'data that is no text', [1, ADDRESS]],
    ['eth_signTypedData_v4', 'no document', [ADDRESS]],
    ['eth_signTypedData_v4', 'the other order', ['{}', ADDRESS]],
    ['eth_signTransaction', 'no transaction', []],
    ['eth_signTransaction', 'an unknown field', [{ ...tx, gasLimit: '0x1' }]],
    ['eth_signTransaction', 'a number', [{ ...tx, nonce: 1 }]],
    ['eth_signTransaction', 'an entry with an unknown field', [{ ...tx, accessList: [{ x: 1 }] }]],
  ]
  for (const [method, name, params] of bad)
    it(`of ${method} refuse ${name} as PARAMS_INVALID`, () => {
      assert.throws(() => parseParams(method, params), refusedAs('PARAMS_INVALID'))
    })

  it('say what is wrong in a short line, however long the name that is wrong', () => {
    assert.throws(
      () => parseParams('eth_signTransaction', [{ ['x'.repeat(10_000)]: '0x' }]),
      (error) => error instanceof RequestError && error.message.length < 300,
    )
  })
})

describe('method', () => {
  it('is one of the table, which object properties are not', () => {
    for (const name of Object.keys(METHOD_CLASSES)) assert.equal(methodNamed(name), name)
    for (const name of ['eth_sign', 'toString', '__proto__', '']) {
      assert.equal(isMethod(name), false)
      assert.throws(() => methodNamed(name), refusedAs('METHOD_UNSUPPORTED'))
    }
  })
})
