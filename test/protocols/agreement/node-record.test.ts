import assert from 'node:assert/strict'
import { ed25519 } from '@noble/curves/ed25519.js'
import { bytesToHex } from '@noble/hashes/utils.js'
import fc from 'fast-check'
import {
  decodeNodeRecord,
  decodeSignedNodeRecord,
  encodeNodeRecord,
  encodeSignedNodeRecord,
  NODE_RECORD_SKEW_MS,
  NODE_RECORD_TTL_MS,
  type NodeRecord,
  nodeRecordMessage,
  verifyNodeRecord,
} from '../../../protocols/agreement/node-record.ts'
import { DecodeError } from '../../../protocols/session/codec.ts'
import { seeded } from '../../support/seeded.ts'

const NOW = 1_800_000_000_000
const secret = seeded('alice')(32)
const networkId = new Uint8Array(32).fill(0x11)
const record: NodeRecord = {
  guestSig: ed25519.getPublicKey(secret),
  peerId: '12D3KooWQ8',
  multiaddrs: ['/ip4/127.0.0.1/tcp/4001', '/dns4/a.example/tcp/443/wss'],
  gateway: 'https://a.example',
  seq: 7,
  expiresAt: NOW + 3_600_000,
}

function signed(fields: Partial<NodeRecord> = {}, key = secret, network = networkId): Uint8Array {
  const object = encodeNodeRecord({ ...record, ...fields })
  return encodeSignedNodeRecord(object, ed25519.sign(nodeRecordMessage(network, object), key))
}

describe('node record', () => {
  it('reads what it wrote', () => {
    for (const gateway of [null, 'https://a.example']) {
      const fields = { ...record, gateway }
      assert.deepEqual(decodeNodeRecord(encodeNodeRecord(fields)), fields)
    }
    assert.deepEqual(verifyNodeRecord(signed(), networkId, NOW), record)
  })

  it('refuses another network, another guest, and the time after its end', () => {
    const bad: [Uint8Array, Uint8Array, number][] = [
      [signed(), new Uint8Array(32), NOW],
      [signed({}, seeded('mallory')(32)), networkId, NOW],
      [signed(), networkId, record.expiresAt],
      [signed({ expiresAt: NOW + NODE_RECORD_TTL_MS + NODE_RECORD_SKEW_MS + 1 }), networkId, NOW],
    ]
    for (const [bytes, network, now] of bad)
      assert.throws(() => verifyNodeRecord(bytes, network, now), DecodeError)
  })

  it('refuses lists and texts beyond their bounds', () => {
    const bad: Partial<NodeRecord>[] = [
      { multiaddrs: Array.from({ length: 9 }, () => '/ip4/127.0.0.1') },
      { peerId: 'x'.repeat(513) },
      { gateway: 'https://ä.example' },
      { seq: -1 },
      { guestSig: new Uint8Array(33) },
    ]
    for (const fields of bad)
      assert.throws(() => encodeNodeRecord({ ...record, ...fields }), DecodeError)
  })

  it('verifies no record with a changed byte', () => {
    const bytes = signed()
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), (at, mask) => {
        const changed = bytes.slice()
        changed[at] = (changed[at] ?? 0) ^ mask
        assert.throws(() => verifyNodeRecord(changed, networkId, NOW), DecodeError)
      }),
      { numRuns: 150 },
    )
  }).timeout(20_000)

  it('keeps the bytes that were signed', () => {
    const { objectBytes } = decodeSignedNodeRecord(signed())
    assert.equal(bytesToHex(objectBytes), bytesToHex(encodeNodeRecord(record)))
  })
})
