import assert from 'node:assert/strict'
import { bytesToHex } from '@noble/hashes/utils.js'
import fc from 'fast-check'
import {
  committeeIdOf,
  decodeGenesis,
  encodeGenesis,
  type Genesis,
  networkIdOf,
} from '../../../protocols/agreement/genesis.ts'
import type { Member } from '../../../protocols/agreement/objects/member.ts'
import { quorums } from '../../../protocols/agreement/quorums.ts'
import { decodeCanonical, encodeCanonical } from '../../../protocols/session/canonical-cbor.ts'
import { DecodeError } from '../../../protocols/session/codec.ts'
import { BUNDLE, exampleGenesis, exampleMember } from './example-genesis.ts'

const good = exampleGenesis(4, 3)
const bytes = encodeGenesis(good)

describe('genesis', () => {
  it('reads what it wrote, for every size and threshold of the table', () => {
    for (let n = 3; n <= 16; n++)
      for (let t = Math.floor(n / 2) + 1; t <= Math.min(n - 1, quorums(n, 2).q); t++) {
        const genesis = exampleGenesis(n, t)
        assert.deepEqual(decodeGenesis(encodeGenesis(genesis)), genesis)
      }
  })

  it('is the array of 03 §1.2, field by field', () => {
    const [member] = good.members
    assert.deepEqual((decodeCanonical(bytes, 65_536) as unknown[]).slice(0, 7), [
      'genesis',
      1,
      'example',
      good.salt,
      good.createdAt,
      'development',
      ['params', 1, 3, 16, 604_800, 3600, 30_000, 60_000, null, 600],
    ])
    assert.deepEqual((decodeCanonical(bytes, 65_536) as unknown[][])[7]?.[0], [
      'member',
      1,
      1,
      member?.guestSig,
      member?.guestEnc,
      member?.peerId,
      member?.operatorKey,
      member?.measurement,
      member?.evidenceHash,
      'node 1',
    ])
    assert.deepEqual((decodeCanonical(bytes, 65_536) as unknown[]).slice(8), [[BUNDLE], 1])
  })

  it('names the network by its bytes: any other field gives another id', () => {
    const id = networkIdOf(bytes)
    assert.equal(id.length, 32)
    for (const change of [{ name: 'other' }, { salt: new Uint8Array(16) }, { createdAt: 1 }])
      assert.notDeepEqual(networkIdOf(encodeGenesis({ ...good, ...change })), id)
    assert.notDeepEqual(committeeIdOf(id, 0), committeeIdOf(id, 1))
    assert.notDeepEqual(committeeIdOf(id, 0), id)
  })

  it('refuses every flipped byte, or reads a genesis that is written in just these bytes', () => {
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), (at, mask) => {
        const changed = bytes.slice()
        changed[at] = (changed[at] ?? 0) ^ mask
        refusedOrCanonical(changed)
      }),
      { numRuns: 400 },
    )
  }).timeout(20_000)

  it('refuses every truncation and every addition', () => {
    for (const length of [0, 1, 100, bytes.length - 1])
      assert.throws(() => decodeGenesis(bytes.slice(0, length)), DecodeError)
    assert.throws(() => decodeGenesis(new Uint8Array([...bytes, 0])), DecodeError)
    assert.throws(() => decodeGenesis(new Uint8Array(65_537)), /more than 65536 bytes/)
  })
})

function refusedOrCanonical(changed: Uint8Array): void {
  let genesis: Genesis
  try {
    genesis = decodeGenesis(changed)
  } catch (error) {
    assert.ok(error instanceof DecodeError)
    return
  }
  assert.equal(bytesToHex(encodeGenesis(genesis)), bytesToHex(changed))
}

const withMember = (change: Partial<Member>): Partial<Genesis> => ({
  members: good.members.map((member) => (member.index === 2 ? { ...member, ...change } : member)),
})
const withParams = (change: Partial<Genesis['params']>): Partial<Genesis> => ({
  params: { ...good.params, ...change },
})
const [first] = good.members
if (first === undefined) throw new Error('bug: an example without members')
/** y = 1, the neutral element: the smallest of the small orders. */
const NEUTRAL = Uint8Array.from({ length: 32 }, (_, i) => (i === 0 ? 1 : 0))
const NO_POINT = new Uint8Array(32).fill(0xff)

const BROKEN: Readonly<Record<string, [Partial<Genesis>, RegExp]>> = {
  'two members': [{ members: good.members.slice(0, 2) }, /2 members/],
  'more members than maxMembers': [withParams({ maxMembers: 3 }), /4 members/],
  'maxMembers above 16': [withParams({ maxMembers: 17 }), /maxMembers/],
  '17 members': [
    { members: Array.from({ length: 17 }, (_, i) => exampleMember(i + 1)) },
    /members is not/,
  ],
  'a threshold of half': [withParams({ t: 2 }), /threshold 2/],
  'a threshold of all': [withParams({ t: 4 }), /threshold 4/],
  'a threshold of 0': [withParams({ t: 0 }), /threshold 0/],
  'an index twice': [withMember({ index: 1 }), /indices/],
  'an index left out': [withMember({ index: 5 }), /indices/],
  'members in another order': [{ members: good.members.toReversed() }, /indices/],
  'a guestSig twice': [withMember({ guestSig: first.guestSig }), /same guestSig/],
  'a guestEnc twice': [withMember({ guestEnc: first.guestEnc }), /same guestEnc/],
  'a peerId twice': [withMember({ peerId: first.peerId }), /same peerId/],
  'an operatorKey twice': [withMember({ operatorKey: first.operatorKey }), /same operatorKey/],
  'a guestSig of small order': [withMember({ guestSig: NEUTRAL }), /guestSig of member 2/],
  'a guestSig off the curve': [withMember({ guestSig: NO_POINT }), /guestSig of member 2/],
  'an operatorKey of small order': [withMember({ operatorKey: NEUTRAL }), /operatorKey/],
  'a guestEnc of small order': [withMember({ guestEnc: new Uint8Array(32) }), /guestEnc/],
  'a guestEnc of order one': [withMember({ guestEnc: NEUTRAL }), /guestEnc/],
  'a peerId that is none': [withMember({ peerId: 'not a peer' }), /peerId/],
  'a measurement that is not allowed': [
    withMember({ measurement: new Uint8Array(32) }),
    /measurement of member 2/,
  ],
  'a measurement allowed twice': [{ allow: [BUNDLE, BUNDLE] }, /allowed twice/],
  'a short key': [withMember({ guestSig: new Uint8Array(31) }), /guestSig is not 32 bytes/],
  'a label of 65 characters': [withMember({ label: 'x'.repeat(65) }), /label/],
  'a label beyond ASCII': [withMember({ label: 'Käfer' }), /label/],
  'no name': [{ name: '' }, /no name/],
  'another environment': [{ environment: 'test' as 'development' }, /environment/],
  'another protocol': [{ protocol: 2 }, /protocol 2/],
  'a short salt': [{ salt: new Uint8Array(15) }, /salt/],
  'a negative time': [{ createdAt: -1 }, /createdAt/],
  'no setups': [withParams({ setupsPerHour: 0 }), /setupsPerHour/],
  'the setups of development in production': [{ environment: 'production' }, /not 6 in production/],
}

describe('rules of a genesis', () => {
  for (const [name, [change, reason]] of Object.entries(BROKEN))
    it(`refuse ${name}`, () => {
      assert.throws(
        () => encodeGenesis({ ...good, ...change }),
        (error) => error instanceof DecodeError && reason.test(error.message),
      )
    })

  it('refuse fields too many and too few, other names and other versions', () => {
    const fields = decodeCanonical(bytes, 65_536) as unknown[]
    const mutants = [
      [...fields, null],
      fields.slice(0, -1),
      ['genesys', ...fields.slice(1)],
      ['genesis', 2, ...fields.slice(2)],
      { genesis: 1 },
      'genesis',
    ]
    for (const mutant of mutants)
      assert.throws(() => decodeGenesis(encodeCanonical(mutant)), DecodeError)
  })

  it('take production with six setups an hour', () => {
    const production: Genesis = {
      ...good,
      environment: 'production',
      ...withParams({ setupsPerHour: 6, attestPolicyHash: new Uint8Array(32).fill(3) }),
    }
    assert.deepEqual(decodeGenesis(encodeGenesis(production)), production)
  })
})

/** n, f, q, L, least t, most t, up for a new key: the table of 03 §2. */
const TABLE = [
  [3, 0, 2, 2, 2, 2, 2],
  [4, 1, 3, 3, 3, 3, 4],
  [5, 1, 4, 3, 3, 4, 4],
  [6, 1, 4, 4, 4, 4, 5],
  [7, 2, 5, 5, 4, 5, 6],
  [8, 2, 6, 5, 5, 6, 7],
  [9, 2, 6, 6, 5, 6, 7],
  [10, 3, 7, 7, 6, 7, 9],
  [11, 3, 8, 7, 6, 8, 9],
  [12, 3, 8, 8, 7, 8, 10],
  [13, 4, 9, 9, 7, 9, 11],
  [14, 4, 10, 9, 8, 10, 12],
  [15, 4, 10, 10, 8, 10, 12],
  [16, 5, 11, 11, 9, 11, 14],
] as const

describe('quorums', () => {
  for (const [n, f, q, L, least, most, h] of TABLE)
    it(`of ${n} are those of the table`, () => {
      assert.deepEqual(quorums(n, least), { f, q, L, h })
      const allowed = Array.from({ length: n + 1 }, (_, t) => t).filter((t) => accepts(n, t))
      assert.deepEqual(
        allowed,
        Array.from({ length: most - least + 1 }, (_, i) => least + i),
      )
      assert.equal(q, Math.floor((n + f) / 2) + 1)
      assert.equal(L + q - n, f + 1)
    })
})

function accepts(n: number, t: number): boolean {
  try {
    encodeGenesis(exampleGenesis(n, t))
    return true
  } catch (error) {
    assert.ok(error instanceof DecodeError && /threshold/.test(error.message))
    return false
  }
}
