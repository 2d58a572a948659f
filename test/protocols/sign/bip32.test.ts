import assert from 'node:assert/strict'
import { secp256k1 } from '@noble/curves/secp256k1.js'
import { bytesToNumberBE } from '@noble/curves/utils.js'
import { HDKey } from '@scure/bip32'
import fc from 'fast-check'
import { derive, PathError } from '../../../protocols/sign/bip32.ts'

const hex = (bytes: Uint8Array | null | undefined) => Buffer.from(bytes ?? []).toString('hex')

/** Non-hardened steps of the vectors of BIP32: parent, index, child, all extended public keys. */
const VECTORS: [source: string, parent: string, index: number, child: string][] = [
  [
    'BIP32 test vector 1: m/0H to m/0H/1',
    'xpub68Gmy5EdvgibQVfPdqkBBCHxA5htiqg55crXYuXoQRKfDBFA1WEjWgP6LHhwBZeNK1VTsfTFUHCdrfp1bgwQ9xv5ski8PX9rL2dZXvgGDnw',
    1,
    'xpub6ASuArnXKPbfEwhqN6e3mwBcDTgzisQN1wXN9BJcM47sSikHjJf3UFHKkNAWbWMiGj7Wf5uMash7SyYq527Hqck2AxYysAA7xmALppuCkwQ',
  ],
  [
    'BIP32 test vector 1: m/0H/1/2H/2 to m/0H/1/2H/2/1000000000',
    'xpub6FHa3pjLCk84BayeJxFW2SP4XRrFd1JYnxeLeU8EqN3vDfZmbqBqaGJAyiLjTAwm6ZLRQUMv1ZACTj37sR62cfN7fe5JnJ7dh8zL4fiyLHV',
    1_000_000_000,
    'xpub6H1LXWLaKsWFhvm6RVpEL9P4KfRZSW7abD2ttkWP3SSQvnyA8FSVqNTEcYFgJS2UaFcxupHiYkro49S8yGasTvXEYBVPamhGW6cFJodrTHy',
  ],
  [
    'BIP32 test vector 2: m to m/0',
    'xpub661MyMwAqRbcFW31YEwpkMuc5THy2PSt5bDMsktWQcFF8syAmRUapSCGu8ED9W6oDMSgv6Zz8idoc4a6mr8BDzTJY47LJhkJ8UB7WEGuduB',
    0,
    'xpub69H7F5d8KSRgmmdJg2KhpAK8SR3DjMwAdkxj3ZuxV27CprR9LgpeyGmXUbC6wb7ERfvrnKZjXoUmmDznezpbZb7ap6r1D3tgFxHmwMkQTPH',
  ],
]

const parentOf = (xpub: string) => {
  const { publicKey, chainCode } = HDKey.fromExtendedKey(xpub)
  assert.ok(publicKey && chainCode)
  return { publicKey, chainCode }
}

describe('derive()', () => {
  for (const [source, parent, index, child] of VECTORS)
    it(`agrees with ${source}`, () => {
      const { publicKey, chainCode } = parentOf(parent)
      const derived = derive(publicKey, chainCode, [index])
      const expected = parentOf(child)
      assert.equal(hex(derived.publicKey), hex(expected.publicKey))
      assert.equal(hex(derived.chainCode), hex(expected.chainCode))
    })

  const path = fc.array(fc.integer({ min: 0, max: 0x7fff_ffff }), { maxLength: 16 })
  const seed = fc.uint8Array({ minLength: 32, maxLength: 32 })

  it('equals @scure/bip32 on every path, and ε is the difference of the two keys', () => {
    fc.assert(
      fc.property(seed, path, (bytes, indices) => {
        const master = HDKey.fromMasterSeed(bytes)
        assert.ok(master.publicKey && master.chainCode)
        const derived = derive(master.publicKey, master.chainCode, indices)
        const child = indices.reduce((key, index) => key.deriveChild(index), master)
        assert.equal(hex(derived.publicKey), hex(child.publicKey))
        assert.equal(hex(derived.chainCode), hex(child.chainCode))
        assert.deepEqual(derived.path, indices)
        const epsilon = bytesToNumberBE(derived.epsilon)
        const P = secp256k1.Point.fromBytes(master.publicKey)
        const tweaked = epsilon === 0n ? P : P.add(secp256k1.Point.BASE.multiply(epsilon))
        assert.equal(tweaked.toHex(true), hex(derived.publicKey))
      }),
      { numRuns: 15, seed: 32 },
    )
  })

  it('is the key itself for the empty path, with ε = 0', () => {
    const { publicKey, chainCode } = parentOf(VECTORS[0]?.[1] ?? '')
    const derived = derive(publicKey, chainCode, [])
    assert.deepEqual(derived.publicKey, publicKey)
    assert.deepEqual(derived.chainCode, chainCode)
    assert.deepEqual(derived.epsilon, new Uint8Array(32))
  })

  for (const [what, wrong] of [
    ['a hardened index', [44, 0x8000_0000]],
    ['a negative index', [-1]],
    ['a broken index', [1.5]],
    ['an index that is no number', [Number.NaN]],
    ['seventeen indices', Array(17).fill(0)],
  ] as [string, number[]][])
    it(`refuses ${what}`, () => {
      const { publicKey, chainCode } = parentOf(VECTORS[0]?.[1] ?? '')
      assert.throws(() => derive(publicKey, chainCode, wrong), PathError)
    })
})
