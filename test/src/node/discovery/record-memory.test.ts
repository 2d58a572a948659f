import assert from 'node:assert/strict'
import { sameBytes } from '../../../../protocols/agreement/compare-bytes.ts'
import { nodeRecordKey, nodeRecordVerifier } from '../../../../src/node/discovery/node-records.ts'
import {
  type HighMarks,
  keyBytes,
  RecordMemory,
  RecordRefused,
  type Verified,
} from '../../../../src/node/discovery/record-memory.ts'
import { NETWORK_ID, signRecord, type TestMember, testMembers } from '../support/test-network.ts'

const NOW = 1_800_000_000_000
const HOUR = 3_600_000

describe('RecordMemory, the validator of the DHT', () => {
  let members: TestMember[]
  let known: TestMember[]
  let strangers: TestMember[]
  let now = NOW
  let told: Verified[] = []
  let reasons: string[] = []
  let saved: Map<string, number>
  let marks: HighMarks
  let memory: RecordMemory

  before(async () => {
    members = await testMembers(3, 'members')
    strangers = await testMembers(300, 'strangers')
  })
  const create = (): RecordMemory =>
    new RecordMemory(
      nodeRecordVerifier(NETWORK_ID, (guest) =>
        known.some(({ guestSig }) => sameBytes(guestSig, guest)),
      ),
      () => now,
      marks,
      {
        member: (verified) => told.push(verified),
        refused: (_key, reason) => reasons.push(reason),
      },
    )
  beforeEach(() => {
    known = members
    now = NOW
    told = []
    reasons = []
    saved = new Map()
    marks = {
      load: async () => saved,
      save: async (key, seq) => {
        saved.set(key, seq)
      },
    }
    memory = create()
  })

  const record = (
    member: TestMember,
    change: { seq?: number; expiresAt?: number; multiaddrs?: string[]; network?: Uint8Array } = {},
  ) => ({
    key: nodeRecordKey(member.guestSig),
    bytes: signRecord(
      member,
      {
        peerId: member.peerId,
        multiaddrs: change.multiaddrs ?? ['/ip4/127.0.0.1/tcp/4001'],
        gateway: null,
        seq: change.seq ?? NOW,
        expiresAt: change.expiresAt ?? NOW + HOUR,
      },
      change.network,
    ),
  })
  const member = (index: number): TestMember => {
    const found = members[index]
    assert.ok(found)
    return found
  }
  const refuses = (expected: string, promise: Promise<unknown>): Promise<void> =>
    assert.rejects(promise, (e: unknown) => e instanceof RecordRefused && e.reason === expected)

  it("accepts a member's record, tells of it once, and keeps its order", async () => {
    const valid = record(member(0))
    await memory.accept(valid)
    await memory.accept(valid)
    assert.equal(told.length, 1)
    assert.equal(told[0]?.facts.peerId, member(0).peerId)
    assert.deepEqual(memory.best(valid.key)?.record, valid)
    assert.equal(saved.get(valid.key), NOW)
  })

  const flip = (bytes: Uint8Array, at: number): Uint8Array =>
    bytes.map((byte, i) => (i === at ? byte ^ 1 : byte))

  it('refuses one bad record for each step', async () => {
    const valid = record(member(0))
    const { key, bytes } = valid
    await refuses('size', memory.accept({ key, bytes: new Uint8Array(64 * 1024 + 1) }))
    await refuses('invalid', memory.accept({ key, bytes: new Uint8Array([1, 2, 3]) }))
    await refuses('invalid', memory.accept({ key, bytes: flip(bytes, bytes.length - 1) }))
    await refuses('invalid', memory.accept({ key, bytes: new Uint8Array([...bytes, 0]) }))
    await refuses('key', memory.accept({ key: nodeRecordKey(member(1).guestSig), bytes }))
    await refuses('key', memory.accept({ key: key.toUpperCase(), bytes }))
    await refuses('invalid', memory.accept(record(member(0), { expiresAt: NOW })))
    await refuses('invalid', memory.accept(record(member(0), { expiresAt: NOW + 3 * HOUR })))
    await refuses('invalid', memory.accept(record(member(0), { network: new Uint8Array(32) })))
    await refuses('future', memory.accept(record(member(0), { seq: NOW + 600_001 })))
    assert.equal(memory.highest(key), 0, 'nothing refused was remembered')
    await memory.accept(valid)
    await refuses('stale', memory.accept(record(member(0), { seq: NOW - 1 })))
    assert.deepEqual(memory.best(key)?.record, valid)
    assert.equal(reasons.length, 11)
  })

  it('refuses an older record of a member after a restart, too', async () => {
    await memory.accept(record(member(0)))
    const restarted = create()
    await restarted.load()
    await refuses('stale', restarted.accept(record(member(0), { seq: NOW - 1 })))
    await restarted.accept(record(member(0), { seq: NOW + 1 }))
  })

  it('does not answer a record that has expired since', async () => {
    const valid = record(member(0))
    await memory.accept(valid)
    now += HOUR
    assert.equal(memory.best(valid.key), undefined)
  })

  it('keeps at most 256 records of guests that are no members, and small ones', async () => {
    for (const stranger of strangers.slice(0, 256)) await memory.accept(record(stranger))
    const [one] = strangers.slice(256)
    assert.ok(one)
    await refuses('full', memory.accept(record(one)))
    await memory.accept(record(member(0)))
    now += HOUR // all of them expire
    await memory.accept(record(one, { seq: now, expiresAt: now + HOUR }))
    const long = Array.from({ length: 5 }, (_, i) => `/dns4/${'a'.repeat(250)}/tcp/${i + 1}`)
    const large = record(one, { seq: now + 1, expiresAt: now + HOUR, multiaddrs: long })
    await refuses('size', memory.accept(large))
    assert.deepEqual(told.length, 1)
  }).timeout(10_000)

  it('selects the highest valid order, and validates as kad-dht asks', async () => {
    const [old, young] = [record(member(0)), record(member(0), { seq: NOW + 5 })]
    const key = keyBytes(old.key)
    const bad = flip(record(member(0), { seq: NOW + 9 }).bytes, 60)
    assert.equal(memory.select(key, [old.bytes, bad, young.bytes]), 2)
    await memory.validate(key, young.bytes)
    await assert.rejects(memory.validate(key, old.bytes), RecordRefused)
  })

  it('keeps a record as that of a member from when its author is one, and as a stranger again after', async () => {
    known = []
    await memory.accept(record(member(0)))
    await memory.accept(record(member(1)))
    assert.deepEqual([told.length, saved.size], [0, 0])
    known = members.slice(0, 1)
    await memory.reconsider()
    assert.deepEqual(
      told.map(({ facts }) => facts.peerId),
      [member(0).peerId],
    )
    assert.deepEqual([...saved], [[nodeRecordKey(member(0).guestSig), NOW]])
    assert.ok(memory.best(nodeRecordKey(member(1).guestSig)))
    known = []
    await memory.reconsider()
    assert.equal(memory.best(nodeRecordKey(member(0).guestSig)), undefined)
    assert.equal(memory.highest(nodeRecordKey(member(0).guestSig)), NOW)
    await refuses('stale', memory.accept(record(member(0), { seq: NOW - 1 })))
  })
})
