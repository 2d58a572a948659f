import assert from 'node:assert/strict'
import { blake3 } from '@noble/hashes/blake3.js'
import {
  FORMS,
  type InstanceFields,
  instanceId,
  KINDS,
} from '../../../protocols/session/instance.ts'

const bytes = (fill: number, length = 32) => new Uint8Array(length).fill(fill)
const hex = (value: Uint8Array) => Buffer.from(value).toString('hex')
const guests = [
  { index: 1, id: bytes(1) },
  { index: 2, id: bytes(2) },
]

const signature: InstanceFields = {
  kind: KINDS.signature,
  networkId: bytes(3),
  epochId: bytes(4),
  keyIds: [bytes(5)],
  path: [44, 60, 0, 0, 0],
  publicKey: bytes(2, 33),
  participants: guests,
  form: FORMS.full,
  requestDigest: bytes(6),
  digest: bytes(7),
  attempt: 0,
  coordinatorNonce: bytes(8),
}

const dealing: InstanceFields = {
  kind: KINDS.keygen,
  networkId: bytes(3),
  epochId: bytes(4),
  participants: { dealers: guests, receivers: guests },
  params: { curve: 1, threshold: 2, count: 1, chunk: 0, subAttempt: 0 },
  form: FORMS.none,
  requestDigest: bytes(6),
  attempt: 0,
  coordinatorNonce: bytes(8),
}

/** One change of each field; the compiler makes sure that none is forgotten. */
const changes: Record<keyof InstanceFields, Partial<InstanceFields>[]> = {
  kind: [{ kind: KINDS.presignature }],
  networkId: [{ networkId: bytes(9) }],
  epochId: [{ epochId: bytes(9) }],
  keyIds: [{ keyIds: [bytes(9)] }, { keyIds: [] }, { keyIds: [bytes(5), bytes(5)] }],
  path: [{ path: [44, 60, 0, 0, 1] }, { path: [] }, { path: [44, 60, 0, 0] }],
  publicKey: [{ publicKey: bytes(3, 33) }],
  participants: [
    { participants: guests.slice(0, 1) },
    { participants: [guests[0] ?? [], { index: 3, id: bytes(2) }].flat() },
    { participants: [guests[0] ?? [], { index: 2, id: bytes(9) }].flat() },
  ],
  params: [{ params: { curve: 1, threshold: 2, count: 1, chunk: 0, subAttempt: 0 } }],
  form: [{ form: FORMS.correlated }],
  requestDigest: [{ requestDigest: bytes(9) }],
  digest: [{ digest: bytes(9) }],
  attempt: [{ attempt: 1 }],
  coordinatorNonce: [{ coordinatorNonce: bytes(9) }],
}

const dealChanges: Partial<InstanceFields>[] = [
  ...(['curve', 'threshold', 'count', 'chunk', 'subAttempt'] as const).map((name) => ({
    params: { curve: 1, threshold: 2, count: 1, chunk: 0, subAttempt: 0, [name]: 7 },
  })),
  { participants: { dealers: guests.slice(0, 1), receivers: guests } },
  { participants: { dealers: guests, receivers: guests.slice(0, 1) } },
  { participants: { dealers: guests, receivers: guests, device: bytes(1) } },
  { participants: guests },
]

describe('instanceId()', () => {
  it('is 32 bytes, the same for the same fields', () => {
    assert.equal(instanceId(signature).length, 32)
    assert.deepEqual(instanceId(signature), instanceId({ ...signature }))
  })

  it('differs when any single field differs, or is left out', () => {
    const seen = new Set([hex(instanceId(signature)), hex(instanceId(dealing))])
    let expected = 2
    const add = (fields: InstanceFields) => {
      seen.add(hex(instanceId(fields)))
      expected++
    }
    for (const list of Object.values(changes))
      for (const change of list) add({ ...signature, ...change })
    for (const change of dealChanges) add({ ...dealing, ...change })
    for (const name of ['keyIds', 'path', 'publicKey', 'requestDigest', 'digest'] as const) {
      const { [name]: _, ...rest } = signature
      add(rest)
    }
    assert.equal(seen.size, expected)
  })

  it('lists participants in party order, however they are given', () => {
    const reversed = { ...signature, participants: [...guests].reverse() }
    assert.deepEqual(instanceId(reversed), instanceId(signature))
  })

  /** RO(instance; …) with every field written out in hex, as 02 §11 lays it out. */
  const byHand = (...fields: string[]) => {
    const framed = fields.map((field) => {
      const length = Buffer.alloc(4)
      length.writeUInt32LE(field.length / 2)
      return Buffer.concat([length, Buffer.from(field, 'hex')])
    })
    const context = new TextEncoder().encode('holdfast dkls v1 instance/')
    return hex(blake3(Buffer.concat(framed), { context }))
  }
  const b32 = (byte: string) => byte.repeat(32)
  const both = `0200${'0100'}${b32('01')}${'0200'}${b32('02')}`

  it('hashes the fields of a signature as the specification lays them out', () => {
    const expected = byHand(
      '08',
      b32('03'),
      b32('04'),
      `0100${b32('05')}`,
      '052c0000003c000000000000000000000000000000',
      '02'.repeat(33),
      both,
      '',
      '01',
      b32('06'),
      b32('07'),
      '00000000',
      b32('08'),
    )
    assert.equal(hex(instanceId(signature)), expected)
  })

  it('hashes the fields of a key generation as the specification lays them out', () => {
    const expected = byHand(
      '04',
      b32('03'),
      b32('04'),
      '',
      '',
      '00'.repeat(33),
      `${both}${both}0000`,
      '010200010000000000' + '0000',
      '00',
      b32('06'),
      '',
      '00000000',
      b32('08'),
    )
    assert.equal(hex(instanceId(dealing)), expected)
  })

  it('takes no field of another length', () => {
    assert.throws(() => instanceId({ ...signature, networkId: bytes(3, 31) }), /^Error: bug/)
    assert.throws(() => instanceId({ ...signature, coordinatorNonce: bytes(3, 33) }), /^Error: bug/)
  })
})
