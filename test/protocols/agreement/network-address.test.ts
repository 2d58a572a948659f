import assert from 'node:assert/strict'
import {
  formatNetworkAddress,
  parseNetworkAddress,
} from '../../../protocols/agreement/network-address.ts'
import { DecodeError } from '../../../protocols/session/codec.ts'

const hex = 'ab'.repeat(32)
const text = `holdfast:${hex}@/ip4/127.0.0.1/tcp/4001/p2p/12D3KooWQ8`

describe('network address', () => {
  it('is holdfast:<networkId hex>@<multiaddr>, both ways', () => {
    const address = parseNetworkAddress(text)
    assert.deepEqual(address.networkId, new Uint8Array(32).fill(0xab))
    assert.equal(address.multiaddr, '/ip4/127.0.0.1/tcp/4001/p2p/12D3KooWQ8')
    assert.equal(formatNetworkAddress(address), text)
  })

  const bad: Readonly<Record<string, string>> = {
    'another scheme': text.replace('holdfast', 'http'),
    'upper-case digits': text.replace('ab', 'AB'),
    'a digit too few': text.replace('ab', 'a'),
    'no multiaddr': `holdfast:${hex}`,
    'an empty multiaddr': `holdfast:${hex}@`,
    'a multiaddr without its slash': `holdfast:${hex}@ip4`,
    'a space': `${text} `,
    'a line break': `${text}\n`,
    'an endless multiaddr': `holdfast:${hex}@/${'x'.repeat(512)}`,
  }
  for (const [name, address] of Object.entries(bad))
    it(`refuses ${name}`, () => {
      assert.throws(() => parseNetworkAddress(address), DecodeError)
    })

  it('writes nothing that it would not read', () => {
    const networkId = new Uint8Array(31)
    assert.throws(() => formatNetworkAddress({ networkId, multiaddr: '/ip4' }), DecodeError)
  })
})
