import { deepEqual, equal, throws } from 'node:assert/strict'
import { decodeAccount } from '../../../../enclave-runtime/guest/accounts/account.ts'
import {
  choiceOf,
  decodeVotes,
  encodeVotes,
  type Vote,
} from '../../../../enclave-runtime/guest/keys/assignment-votes.ts'
import { CertifiedKeys } from '../../../../enclave-runtime/guest/keys/certified-keys.ts'
import {
  decodePendingBatch,
  encodePendingBatch,
  type PendingBatch,
} from '../../../../enclave-runtime/guest/keys/pending-batch.ts'
import { ReadyKeys } from '../../../../enclave-runtime/guest/keys/ready-keys.ts'
import { encodeCanonical } from '../../../../protocols/session/canonical-cbor.ts'
import { DecodeError } from '../../../../protocols/session/codec.ts'
import { seeded } from '../../../support/seeded.ts'
import { GuestNet } from '../guest-net.ts'
import { NETWORK } from '../vault/vault-fixture.ts'

const random = seeded('records of keys')
const b32 = (fill: number): Uint8Array => new Uint8Array(32).fill(fill)

const vote = (party: number, key: number, final = false): Vote => ({
  party,
  final,
  keyId: b32(key),
  signature: random(64),
})

/** Critical records in memory. */
const criticals = (records: ReadonlyMap<string, Uint8Array>) => ({
  critical: (name: string) => records.get(name),
  criticalNames: (prefix: string) => [...records.keys()].filter((name) => name.startsWith(prefix)),
})

describe('records of keys', () => {
  it('pending batches come back as they were, and other bytes are refused', () => {
    const key = {
      keyId: b32(1),
      curve: 1,
      t: 2,
      publicKey: random(33),
      chainCode: b32(2),
      commitment: random(66),
      record: b32(3),
    }
    const batch: PendingBatch = {
      purpose: { kind: 'ready', owner: 3 },
      epoch: { e: 2, k: 1 },
      sid: b32(4),
      pub: b32(5),
      transcript: b32(6),
      keys: [key, { ...key, keyId: b32(7) }],
      proofs: new Map([
        [1, random(130)],
        [2, random(130)],
      ]),
    }
    const bytes = encodePendingBatch(batch)
    deepEqual(decodePendingBatch(bytes), batch)
    const open = { ...batch, proofs: null }
    deepEqual(decodePendingBatch(encodePendingBatch(open)), open)
    const short = { ...batch, proofs: new Map([[1, random(65)]]) }
    throws(() => decodePendingBatch(encodePendingBatch(short)), DecodeError)
    throws(() => decodePendingBatch(bytes.subarray(1)), DecodeError)
  })

  it('of an older version are refused by name when the guest starts', async () => {
    const net = await GuestNet.create('older records', { n: 2, t: 2 })
    const older: [string, Uint8Array][] = [
      [`pending/${'0'.repeat(64)}`, encodeCanonical(['pending', 1, ...Array<number>(14).fill(0)])],
      ['certified/00', encodeCanonical(['certified', 1, []])],
    ]
    for (const [name, record] of older) {
      const { vault } = net.guest(1)
      await vault.write({ critical: new Map([[name, record]]) })
      let refused: unknown
      await net.restart(1).catch((error: unknown) => {
        refused = error
      })
      equal(
        refused instanceof Error && refused.message,
        `the record ${name} is not of this version`,
      )
      const reopened = await net.guest(1).node.open(NETWORK)
      await reopened.write({ critical: new Map([[name, null]]) })
      reopened.close()
      await net.restart(1)
    }
    const account = encodeCanonical(['account', 1, 'ACTIVE', b32(0), b32(0), [], b32(0)])
    throws(() => decodeAccount(account), DecodeError)
  })

  it('marks of accounts are found among thousands, and rewrite only their part', () => {
    const marks = new CertifiedKeys(criticals(new Map()))
    const records = new Map<string, Uint8Array>()
    const accounts = Array.from({ length: 3_000 }, () => [random(16), random(32)] as const)
    for (const [account, key] of accounts) records.set(...marks.add(account, key))
    const again = new CertifiedKeys(criticals(records))
    for (const [account, key] of accounts) {
      deepEqual([again.has(account), again.allows(account, key)], [true, true])
      equal(again.allows(account, random(32)), false)
    }
    const bytes = [...records.values()].reduce((sum, { length }) => sum + length, 0)
    equal(bytes, 3_000 * 32 + records.size) // 32 B for each account, and a byte of format
    equal(again.has(random(16)), false)
  })

  it('ready keys are given away once, oldest batch first, each batch until it is empty', () => {
    const ready = new ReadyKeys(criticals(new Map()))
    const records = new Map<string, Uint8Array>()
    for (const [batch, owner, keys] of [
      [1, 3, [10, 11]],
      [2, 3, [12]],
      [3, 4, [13]],
    ] as const) {
      const { change, added } = ready.recordOf(b32(batch), owner, keys.map(b32))
      equal(ready.ownerOf(b32(keys[0])), undefined) // not before it is durable
      records.set(...change)
      added()
    }
    deepEqual([ready.count, ready.countOf(3), ready.countOf(4), ready.countOf(5)], [4, 3, 1, 0])
    const given: number[] = []
    for (let key = ready.keysOf(3)[0]; key !== undefined; key = ready.keysOf(3)[0]) {
      given.push(key[0] ?? 0)
      const [name, record] = ready.take(key)
      if (record === null) records.delete(name)
      else records.set(name, record)
    }
    deepEqual(given, [10, 11, 12])
    throws(() => ready.take(b32(10)), /given away twice/)
    equal(new ReadyKeys(criticals(records)).count, 1)
    equal(ready.ownerOf(b32(13)), 4)
  })

  it('votes come back as they were, and name each key once', () => {
    const votes = [vote(1, 7), vote(2, 8), vote(3, 7), vote(1, 7, true)]
    const bytes = encodeVotes(votes)
    deepEqual(decodeVotes(bytes), votes)
    equal(bytes.length < 4 * 72 + 2 * 34 + 10, true)
    deepEqual(decodeVotes(new Uint8Array()), [])
    throws(() => decodeVotes(bytes.subarray(1)), DecodeError)
    throws(() => decodeVotes(encodeCanonical([[], [[1, 0, 0, random(64)]]])), DecodeError)
  })

  it('the choice among votes is the same for everyone: most, then the lowest', () => {
    deepEqual(choiceOf([vote(1, 7), vote(2, 8), vote(3, 8)]), b32(8))
    deepEqual(choiceOf([vote(1, 8), vote(2, 7)]), b32(7))
    deepEqual(choiceOf([vote(2, 7), vote(1, 8)]), b32(7))
    equal(choiceOf([]), undefined)
  })
})
