import assert from 'node:assert/strict'
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js'
import fc from 'fast-check'
import { hashMessage } from 'viem'
import { hexText } from '../../../../protocols/request/hex.ts'
import { messageBytes, messageDigest } from '../../../../protocols/request/intents/message.ts'
import { refusedAs } from './refused.ts'

describe('personal message', () => {
  it('has the digest of viem for any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        assert.equal(hexText(messageDigest(bytes)), hashMessage({ raw: bytes }))
      }),
    )
  })

  it('has the digest of viem for any text', () => {
    const text = fc.string({ unit: 'grapheme' }).filter((given) => !given.startsWith('0x'))
    fc.assert(
      fc.property(text, (given) => {
        assert.equal(hexText(messageDigest(messageBytes(given))), hashMessage(given))
      }),
    )
  })

  it('has the digest that is published for "hello world"', () => {
    assert.equal(
      bytesToHex(messageDigest(messageBytes('hello world'))),
      'd9eba16ed0ecae432b71fe008c98cc872bb4cc214d3220a36f365326cf807d68',
    )
  })

  it('takes hex data as bytes and all else as UTF-8', () => {
    assert.deepEqual(messageBytes('0x68656C6c6f'), utf8ToBytes('hello'))
    assert.deepEqual(messageBytes('0x'), new Uint8Array(0))
    for (const text of ['68656c6c6f', '0xzz', '0X00', ' 0x00', '0x00 ', '', 'é€𐍈'])
      assert.deepEqual(messageBytes(text), utf8ToBytes(text))
  })

  it('refuses half a byte, which wallets read in two ways, and text that is not Unicode', () => {
    for (const data of ['0x0', '0xabc', '\ud800'])
      assert.throws(() => messageBytes(data), refusedAs('MSG_BUILD_FAILED'))
  })
})
