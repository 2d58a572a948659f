import assert from 'node:assert/strict'
import { ed25519 } from '@noble/curves/ed25519.js'
import fc from 'fast-check'
import {
  type CertificateContext,
  certificateMessage,
  decodeKeyCertificate,
  encodeKeyCertificate,
  type KeyCertificate,
  verifyKeyCertificate,
} from '../../../protocols/keygen/key-certificate.ts'
import { encodeCanonical } from '../../../protocols/session/canonical-cbor.ts'
import { DecodeError } from '../../../protocols/session/codec.ts'
import { transcriptOf } from '../../../protocols/sharing/hashes.ts'
import { keyRecordHash } from '../../../protocols/sharing/key-record.ts'
import { COMMITTEE, committee, NETWORK, runKeygen, valuesOf } from '../../support/run-keygen.ts'

const flip = (bytes: Uint8Array, at = 5) => bytes.with(at, (bytes[at] ?? 0) ^ 1)

describe('a key certificate', () => {
  const guests = committee(4, 'certificate')
  const context: CertificateContext = {
    networkId: NETWORK,
    committeeId: COMMITTEE,
    members: guests.map(({ index, id }) => ({ index, guestSig: id })),
    quorum: 3,
  }
  let certificates: readonly KeyCertificate[]
  let cert: KeyCertificate
  before(async () => {
    const [first] = valuesOf(
      await runKeygen(guests, { threshold: 3, count: 2, seed: 'certificate' }),
    )
    assert.ok(first?.certificates[0])
    certificates = first.certificates
    cert = first.certificates[0]
  })

  it('of a key generation is true, for every key of the run', () => {
    for (const each of certificates) assert.ok(verifyKeyCertificate(each, context))
  })

  it('is the same after encoding and decoding, and small', () => {
    const bytes = encodeKeyCertificate(cert)
    assert.deepEqual(decodeKeyCertificate(bytes), cert)
    assert.ok(bytes.length < 1000)
  })

  it('needs a quorum of signatures, each of another member', () => {
    const { signatures } = cert
    assert.ok(verifyKeyCertificate({ ...cert, signatures: signatures.slice(1) }, context))
    assert.ok(!verifyKeyCertificate({ ...cert, signatures: signatures.slice(2) }, context))
    const [first, second] = signatures
    assert.ok(first && second)
    for (const wrong of [[], [first, first, first], [second, first, ...signatures.slice(2)]])
      assert.ok(!verifyKeyCertificate({ ...cert, signatures: wrong }, context))
  })

  /** A true T with its true signatures beside another key: T says nothing about a key by itself. */
  const others: [what: string, change: (cert: KeyCertificate) => Partial<KeyCertificate>][] = [
    ['P', ({ publicKey }) => ({ publicKey: flip(publicKey, 0) })],
    [
      'P and F[0] alike',
      ({ publicKey, commitment }) => ({
        publicKey: flip(publicKey, 0),
        commitment: flip(commitment, 0),
      }),
    ],
    ['cc', ({ chainCode }) => ({ chainCode: flip(chainCode) })],
    ['F', ({ commitment }) => ({ commitment: flip(commitment, 33) })],
    ['t', ({ t, commitment }) => ({ t: t - 1, commitment: commitment.slice(33) })],
    ['curve', () => ({ curve: 3 })],
    ['keyId', ({ keyId }) => ({ keyId: flip(keyId) })],
    ['pub', ({ pub }) => ({ pub: flip(pub) })],
    ['committee', ({ committeeId }) => ({ committeeId: flip(committeeId) })],
    ['epoch', ({ epochId }) => ({ epochId: flip(epochId) })],
    ['device key', ({ publicKey }) => ({ deviceKey: publicKey })],
    ['list of records', ({ records }) => ({ records: [...records].reverse() })],
    ['list without its record', ({ records }) => ({ records: records.slice(1) })],
  ]
  for (const [what, change] of others)
    it(`with a true T and signatures but another ${what} is refused`, () => {
      assert.ok(!verifyKeyCertificate({ ...cert, ...change(cert) }, context))
    })

  it('for a key added to the run is refused, for T would be another', () => {
    const forged = { ...cert, chainCode: flip(cert.chainCode) }
    const records = [...cert.records, keyRecordHash(forged)]
    assert.ok(!verifyKeyCertificate({ ...forged, records }, context))
  })

  it('with one bad signature is refused, even beside a quorum', () => {
    for (const at of [0, 3]) {
      const signatures = cert.signatures.map(([index, signature], i) =>
        i === at ? ([index, flip(signature)] as const) : ([index, signature] as const),
      )
      assert.ok(!verifyKeyCertificate({ ...cert, signatures }, context))
    }
  })

  it('signed by strangers, or for another network, is refused', () => {
    const strangers = committee(4, 'strangers')
    const transcript = transcriptOf(cert.pub, cert.records)
    const signedFor = (networkId: Uint8Array, by: typeof guests) => ({
      ...cert,
      signatures: by.map(
        ({ index, secret }) =>
          [index, ed25519.sign(certificateMessage(networkId, transcript), secret)] as const,
      ),
    })
    assert.ok(verifyKeyCertificate(signedFor(NETWORK, guests), context))
    assert.ok(!verifyKeyCertificate(signedFor(NETWORK, strangers), context))
    assert.ok(!verifyKeyCertificate(signedFor(flip(NETWORK), guests), context))
    const fewer = { ...context, members: context.members.slice(0, 3) }
    assert.ok(!verifyKeyCertificate(cert, fewer), 'a signer that is no member')
    const broken = context.members.map((member) => ({
      ...member,
      guestSig: new Uint8Array(32).fill(255),
    }))
    assert.ok(!verifyKeyCertificate(cert, { ...context, members: broken }))
  })

  it('decodes from nothing but its own encoding', () => {
    const good = encodeKeyCertificate(cert)
    const damage = fc.record({
      at: fc.nat(good.length - 1),
      bits: fc.integer({ min: 1, max: 255 }),
      cut: fc.nat(3),
    })
    fc.assert(
      fc.property(damage, ({ at, bits, cut }) => {
        const bad = flip(good.slice(0, good.length - cut), 0)
        bad.set(good.slice(0, good.length - cut))
        if (at < bad.length) bad[at] = (bad[at] ?? 0) ^ bits
        try {
          assert.deepEqual(encodeKeyCertificate(decodeKeyCertificate(bad)), bad)
        } catch (error) {
          assert.ok(error instanceof DecodeError, String(error))
        }
      }),
      { numRuns: 300, seed: 7 },
    )
  })

  for (const [what, change] of [
    ['a key id of 31 bytes', { keyId: new Uint8Array(31) }],
    ['a commitment that does not fit t', { commitment: new Uint8Array(33) }],
    ['a threshold of 17', { t: 17, commitment: new Uint8Array(33 * 17) }],
    ['a threshold of 0', { t: 0, commitment: new Uint8Array() }],
    ['a device key of 32 bytes', { deviceKey: new Uint8Array(32) }],
    ['a record of 33 bytes', { records: [new Uint8Array(33)] }],
    ['a signature of 63 bytes', { signatures: [[1, new Uint8Array(63)]] }],
    ['an index of 0', { signatures: [[0, new Uint8Array(64)]] }],
    ['an index above 16 bits', { signatures: [[65_536, new Uint8Array(64)]] }],
    ['more than 64 KiB', { records: Array(2100).fill(new Uint8Array(32)) }],
  ] as [string, Partial<KeyCertificate>][])
    it(`does not decode with ${what}`, () => {
      const bytes = encodeKeyCertificate({ ...cert, ...change })
      assert.throws(() => decodeKeyCertificate(bytes), DecodeError)
    })

  it('does not decode from another type, version, shape or number of fields', () => {
    for (const value of [null, 7, {}, [], ['keyCert', 1], ['held', 1, ...Array(12).fill(0)]])
      assert.throws(() => decodeKeyCertificate(encodeCanonical(value)), DecodeError)
  })
})
