import assert from 'node:assert/strict'
import { ed25519, x25519 } from '@noble/curves/ed25519.js'
import { bytesToHex, concatBytes, utf8ToBytes } from '@noble/hashes/utils.js'
import { signObject } from '../../../../protocols/agreement/objects/signed.ts'
import { hpkeSeal } from '../../../../protocols/crypto/hpke.ts'
import type { AccessProof } from '../../../../protocols/request/credentials/proof.ts'
import { type ErrorId, RequestError } from '../../../../protocols/request/errors.ts'
import {
  decodeAccessRequest,
  encodeAccessRequest,
} from '../../../../protocols/request/sealing/access-request.ts'
import {
  EntryKey,
  entryKeyIdOf,
  isEntryKeyOf,
  SignedEntryKey,
} from '../../../../protocols/request/sealing/entry-key.ts'
import { PADDED_SIZES, pad, unpad } from '../../../../protocols/request/sealing/padding.ts'
import {
  keyOfFrame,
  MAX_FRAME_BYTES,
  type OwnEntryKey,
  openRequest,
  readFrame,
  sealRequest,
} from '../../../../protocols/request/sealing/sealed-request.ts'
import {
  frameChunk,
  ResponseOpener,
  ResponseSealer,
  splitResponse,
} from '../../../../protocols/request/sealing/sealed-response.ts'
import { encodeCanonical } from '../../../../protocols/session/canonical-cbor.ts'
import { DecodeError } from '../../../../protocols/session/codec.ts'
import { seeded } from '../../../support/seeded.ts'
import {
  accountProof,
  alice,
  aliceKey,
  approvalProof,
  CORE,
  DIGEST,
  NETWORK,
  oidcProof,
  sessionProof,
  ticketFor,
} from '../credentials/world.ts'

const NOW_MS = 1_800_000_000_000
const secretKey = seeded('entry')(32)
const pub = x25519.getPublicKey(secretKey)
const own: OwnEntryKey = {
  network: NETWORK,
  entryKeyId: entryKeyIdOf(pub),
  notBefore: NOW_MS,
  notAfter: NOW_MS + 86_400_000,
  secretKey,
}
const entry = { network: NETWORK, entryKeyId: own.entryKeyId, pub }
const hints = { deadlineMs: 30_000, progress: false }
const PROOFS: readonly AccessProof[] = [
  alice.approve(DIGEST),
  alice.create(DIGEST),
  accountProof(aliceKey),
  oidcProof(),
  sessionProof({ renewedAt: [CORE.iat - 60] }),
  approvalProof(),
]
const request = encodeAccessRequest({ core: CORE, proofs: PROOFS, ticket: null, hints })
const is = (id: ErrorId) => (error: unknown) => error instanceof RequestError && error.id === id
const flipped = (bytes: Uint8Array, at: number): Uint8Array =>
  bytes.map((byte, i) => (i === at ? byte ^ 1 : byte))

describe('access request', () => {
  it('carries every kind of proof, and a ticket', () => {
    const { bytes } = ticketFor('session', CORE.iat)
    for (const ticket of [null, bytes]) {
      const encoded = encodeAccessRequest({ core: CORE, proofs: PROOFS, ticket, hints })
      const decoded = decodeAccessRequest(encoded, NETWORK)
      assert.deepEqual(decoded.core, CORE)
      assert.deepEqual(decoded.digest, DIGEST)
      assert.deepEqual(decoded.proofs, PROOFS)
      assert.deepEqual(decoded.ticket, ticket)
      assert.deepEqual(encodeAccessRequest(decoded), encoded)
    }
  })

  const body = (change: object): Uint8Array =>
    encodeCanonical({
      v: 1,
      core: decodeAccessRequest(request, NETWORK).coreBytes,
      proofs: [],
      hints,
      ...change,
    })
  const key = accountProof(aliceKey)
  const refused: [string, Uint8Array, ErrorId][] = [
    ['no CBOR', Uint8Array.of(0xff), 'BAD_REQUEST'],
    ['bytes behind it', new Uint8Array([...request, 0]), 'BAD_REQUEST'],
    ['another version', body({ v: 2 }), 'BAD_REQUEST'],
    ['an unknown member', body({ extra: 1 }), 'BAD_REQUEST'],
    ['a deadline of 99 ms', body({ hints: { ...hints, deadlineMs: 99 } }), 'BAD_REQUEST'],
    [
      'a deadline of over a minute',
      body({ hints: { ...hints, deadlineMs: 60_001 } }),
      'BAD_REQUEST',
    ],
    ['more than 512 KiB', new Uint8Array(512 * 1024), 'BAD_REQUEST'],
    ['another core', body({ core: Uint8Array.of(1) }), 'REQ_MALFORMED'],
    ['nine proofs', body({ proofs: Array.from({ length: 9 }, () => key) }), 'REQ_MALFORMED'],
    ['an unknown proof', body({ proofs: [{ ...key, kind: 'pin' }] }), 'REQ_MALFORMED'],
    ['a proof with more in it', body({ proofs: [{ ...key, extra: 1 }] }), 'REQ_MALFORMED'],
    [
      'a signature of 513 bytes',
      body({ proofs: [{ ...key, signature: new Uint8Array(513) }] }),
      'REQ_MALFORMED',
    ],
  ]
  for (const [name, bytes, id] of refused)
    it(`with ${name} is ${id}`, () => {
      assert.throws(() => decodeAccessRequest(bytes, NETWORK), is(id))
    })

  it('is for one network', () => {
    assert.throws(() => decodeAccessRequest(request, new Uint8Array(32)), is('NETWORK_MISMATCH'))
  })

  it('reads a changed byte as a refusal or as just these bytes', () => {
    for (let at = 0; at < request.length; at += 11) {
      const changed = flipped(request, at)
      try {
        assert.deepEqual(encodeAccessRequest(decodeAccessRequest(changed, NETWORK)), changed)
      } catch (error) {
        assert.ok(error instanceof RequestError, String(error))
      }
    }
  })
})

describe('padding', () => {
  it('hides the length within eight sizes', () => {
    for (const [i, size] of PADDED_SIZES.entries()) {
      const smallest = (PADDED_SIZES[i - 1] ?? 3) - 3
      for (const length of [smallest, size - 4]) {
        const bytes = seeded('padding')(length)
        assert.equal(pad(bytes).length, size)
        assert.deepEqual(unpad(pad(bytes)), bytes)
      }
    }
    assert.throws(() => pad(new Uint8Array(512 * 1024 - 3)), DecodeError)
  })

  it('is zeros, of the smallest size', () => {
    const padded = pad(utf8ToBytes('text'))
    assert.throws(() => unpad(flipped(padded, 255)), DecodeError)
    assert.throws(() => unpad(flipped(padded, 3)), DecodeError)
    assert.throws(() => unpad(concatBytes(padded, new Uint8Array(768))), DecodeError)
    assert.throws(() => unpad(padded.slice(0, 3)), DecodeError)
    assert.throws(() => unpad(new Uint8Array()), DecodeError)
  })
})

describe('sealed request', () => {
  const { frame, responseSecret } = sealRequest(seeded('client'), entry, request)

  it('is read by the entry guest alone', () => {
    const read = readFrame(frame)
    const opened = openRequest(read, keyOfFrame(read, [own], NOW_MS))
    assert.deepEqual(opened.request, request)
    assert.deepEqual(opened.responseSecret, responseSecret)
    assert.deepEqual(decodeAccessRequest(opened.request, NETWORK).digest, DIGEST)
    const other = { ...own, secretKey: seeded('other')(32) }
    assert.throws(() => openRequest(read, other), is('DECRYPT_FAILED'))
  })

  it('shows nothing of what it carries, and is new each time', () => {
    const text = bytesToHex(frame)
    const secrets = [
      CORE.nonce,
      CORE.accountId ?? CORE.nonce,
      alice.credentialId,
      utf8ToBytes('personal_sign'),
      utf8ToBytes('app.example'),
      DIGEST,
    ]
    for (const secret of secrets) assert.equal(text.includes(bytesToHex(secret)), false)
    const random = seeded('client 2')
    const frames = [1, 2, 3].map(() => sealRequest(random, entry, request))
    for (const part of [(one: Uint8Array) => one.slice(9, 41), (one: Uint8Array) => one.slice(41)])
      assert.equal(new Set(frames.map((one) => bytesToHex(part(one.frame)))).size, 3)
    assert.equal(new Set(frames.map((one) => bytesToHex(one.responseSecret))).size, 3)
    assert.ok(PADDED_SIZES.includes(frame.length - 41 - 16))
    assert.equal(MAX_FRAME_BYTES, 512 * 1024 + 57)
  })

  it('is bound to the network and the key', () => {
    const read = readFrame(frame)
    for (const change of [{ network: new Uint8Array(32) }, { entryKeyId: new Uint8Array(8) }])
      assert.throws(() => openRequest(read, { ...own, ...change }), is('DECRYPT_FAILED'))
    for (let at = 9; at < frame.length; at += 97)
      assert.throws(() => openRequest(readFrame(flipped(frame, at)), own), is('DECRYPT_FAILED'))
  })

  it('of another size or version is BAD_REQUEST', () => {
    const frames = [
      new Uint8Array(),
      frame.slice(1),
      new Uint8Array([...frame, 0]),
      flipped(frame, 0),
    ]
    for (const bytes of frames) assert.throws(() => readFrame(bytes), is('BAD_REQUEST'))
  })

  it('to a key that is unknown or not in force is ENTRY_KEY_EXPIRED', () => {
    const read = readFrame(frame)
    const at = (keys: OwnEntryKey[], ms: number) => () => keyOfFrame(read, keys, ms)
    assert.throws(at([], NOW_MS), is('ENTRY_KEY_EXPIRED'))
    assert.throws(at([own], own.notBefore - 1), is('ENTRY_KEY_EXPIRED'))
    assert.throws(at([own], own.notAfter), is('ENTRY_KEY_EXPIRED'))
    assert.equal(at([own], own.notAfter - 1)(), own)
  })

  it('with padding that hides something is BAD_REQUEST', () => {
    const aad = concatBytes(NETWORK, own.entryKeyId)
    const padded = flipped(pad(request), pad(request).length - 1)
    const sealed = hpkeSeal(seeded('mallory'), pub, utf8ToBytes('holdfast/rpc/1'), aad, padded)
    assert.ok(sealed)
    const bytes = concatBytes(
      Uint8Array.of(1),
      own.entryKeyId,
      sealed.encapsulated,
      sealed.ciphertext,
    )
    assert.throws(() => openRequest(readFrame(bytes), own), is('BAD_REQUEST'))
  })
})

describe('sealed response', () => {
  const secret = seeded('response')(32)
  const told = ['first', 'second'].map(utf8ToBytes)
  const answer = () => {
    const sealer = new ResponseSealer(secret, seeded('guest'))
    const chunks = told.map((data) => sealer.seal('progress', data))
    return {
      sealer,
      salt: sealer.salt,
      chunks: [...chunks, sealer.seal('result', utf8ToBytes('0x00'))],
    }
  }

  it('is opened chunk by chunk, whole or framed', () => {
    const { salt, chunks } = answer()
    const split = splitResponse(concatBytes(salt, ...chunks.map(frameChunk)))
    assert.deepEqual(split, { salt, chunks })
    const opener = new ResponseOpener(secret, salt)
    const opened = chunks.map((chunk) => opener.open(chunk))
    opener.end()
    assert.deepEqual(
      opened.map(({ kind, data }) => [kind, new TextDecoder().decode(data)]),
      [
        ['progress', 'first'],
        ['progress', 'second'],
        ['result', '0x00'],
      ],
    )
  })

  it('has exactly one last chunk, and is nothing without it', () => {
    const { sealer, salt, chunks } = answer()
    assert.throws(() => sealer.seal('error', new Uint8Array()), /bug/)
    const opener = new ResponseOpener(secret, salt)
    assert.throws(() => opener.end(), DecodeError)
    for (const chunk of chunks.slice(0, 2)) opener.open(chunk)
    assert.throws(() => opener.end(), DecodeError)
    opener.open(chunks[2] ?? salt)
    assert.throws(() => opener.open(chunks[2] ?? salt), DecodeError)
  })

  it('refuses chunks out of order, repeated, changed, of another answer or request', () => {
    const { salt, chunks } = answer()
    const [first = salt, second = salt] = chunks
    const fresh = () => new ResponseOpener(secret, salt)
    assert.throws(() => fresh().open(second), DecodeError)
    const repeated = fresh()
    repeated.open(first)
    assert.throws(() => repeated.open(first), DecodeError)
    for (let at = 0; at < first.length; at++)
      assert.throws(() => fresh().open(flipped(first, at)), DecodeError)
    assert.throws(() => new ResponseOpener(seeded('other')(32), salt).open(first), DecodeError)
    assert.throws(() => new ResponseOpener(secret, flipped(salt, 0)).open(first), DecodeError)
    assert.throws(() => new ResponseOpener(secret, salt.slice(1)), DecodeError)
    assert.throws(() => fresh().open(new Uint8Array(1024 * 1024 + 1)), DecodeError)
  })

  it('never shares a key with the answer to the same frame', () => {
    const random = seeded('guest')
    const sealers = [new ResponseSealer(secret, random), new ResponseSealer(secret, random)]
    const chunks = sealers.map((one) => bytesToHex(one.seal('result', utf8ToBytes('same'))))
    assert.notEqual(chunks[0], chunks[1])
  })

  it('does not split at lengths that lie', () => {
    const { salt, chunks } = answer()
    const body = concatBytes(salt, ...chunks.map(frameChunk))
    assert.throws(() => splitResponse(body.slice(0, 31)), DecodeError)
    assert.throws(() => splitResponse(body.slice(0, -1)), DecodeError)
    assert.throws(() => splitResponse(concatBytes(salt, new Uint8Array(4))), DecodeError)
    assert.throws(() => splitResponse(concatBytes(salt, new Uint8Array(4).fill(0xff))), DecodeError)
    assert.deepEqual(splitResponse(salt).chunks, [])
  })
})

describe('entry key', () => {
  const guestSecret = seeded('guest identity')(32)
  const object: EntryKey = {
    network: NETWORK,
    epoch: 3,
    party: 2,
    entryKeyId: entryKeyIdOf(pub),
    pub,
    notBefore: NOW_MS,
    notAfter: NOW_MS + 25 * 3_600_000,
    evidence: null,
  }
  const sign = (value: EntryKey, secret = guestSecret) =>
    signObject(EntryKey, value, NETWORK, (message) => ed25519.sign(message, secret))
  const member = {
    networkId: NETWORK,
    epoch: 3,
    party: 2,
    guestKey: ed25519.getPublicKey(guestSecret),
  }

  it('is believed by the guest key of the epoch record, while it is in force', () => {
    const entry = sign(object)
    assert.deepEqual(SignedEntryKey.decode(SignedEntryKey.encode(entry)), entry)
    assert.equal(isEntryKeyOf(entry, member, NOW_MS), true)
    assert.equal(
      isEntryKeyOf(sign({ ...object, evidence: Uint8Array.of(1) }), member, NOW_MS),
      true,
    )
  })

  it('is not believed in any other way', () => {
    const entry = sign(object)
    assert.equal(isEntryKeyOf(entry, member, NOW_MS - 1), false)
    assert.equal(isEntryKeyOf(entry, member, object.notAfter), false)
    assert.equal(isEntryKeyOf(sign(object, seeded('mallory')(32)), member, NOW_MS), false)
    for (const change of [{ epoch: 4 }, { party: 1 }, { networkId: new Uint8Array(32) }])
      assert.equal(isEntryKeyOf(entry, { ...member, ...change }, NOW_MS), false)
    const swapped = sign({ ...object, party: 1 })
    assert.equal(
      isEntryKeyOf({ ...swapped, signature: entry.signature }, { ...member, party: 1 }, NOW_MS),
      false,
    )
  })

  it('has the id of its key, and a life of a day and an hour at most', () => {
    for (const change of [
      { entryKeyId: new Uint8Array(8) },
      { notAfter: object.notAfter + 1 },
      { notAfter: object.notBefore },
      { party: 0 },
      { evidence: new Uint8Array(15 * 1024 + 1) },
    ])
      assert.throws(() => EntryKey.encode({ ...object, ...change }), DecodeError)
  })
})
