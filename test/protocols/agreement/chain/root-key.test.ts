import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { bytesToHex } from '@noble/hashes/utils.js'
import {
  type RootDomain,
  rootDigest,
  stampDigest,
} from '../../../../protocols/agreement/chain/root-key.ts'
import { encodeCanonical } from '../../../../protocols/session/canonical-cbor.ts'

const hash = new Uint8Array(32).fill(7)

describe('what rootKey signs', () => {
  it('is SHA-256 of a domain and bytes, as ordinary tools compute it', () => {
    const domains: RootDomain[] = [
      'epoch-active',
      'epoch-test',
      'stamp',
      'canary',
      'committee-grant',
    ]
    for (const domain of domains)
      assert.equal(
        bytesToHex(rootDigest(domain, hash)),
        createHash('sha256').update(`holdfast/${domain}/1`).update(hash).digest('hex'),
      )
    assert.equal(new Set(domains.map((domain) => bytesToHex(rootDigest(domain, hash)))).size, 5)
  })

  it('of a stamp covers its five fields in their encoding', () => {
    const stamp = { committeeId: hash, e: 3, recordHash: hash, issuedAt: 5, validUntil: 6 }
    const fields = encodeCanonical([hash, 3, hash, 5, 6])
    assert.deepEqual(stampDigest(stamp), rootDigest('stamp', fields))
  })
})
