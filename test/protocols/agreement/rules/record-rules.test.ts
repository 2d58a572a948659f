import assert from 'node:assert/strict'
import { compareBytes } from '../../../../protocols/agreement/compare-bytes.ts'
import { joinHash } from '../../../../protocols/agreement/objects/join.ts'
import type { EpochRecord } from '../../../../protocols/agreement/objects/record.ts'
import { baseOfRecord } from '../../../../protocols/agreement/rules/base.ts'
import { nextRoster } from '../../../../protocols/agreement/rules/change.ts'
import {
  brokenRecord,
  brokenRoster,
  brokenSuccession,
} from '../../../../protocols/agreement/rules/record-rules.ts'
import { exampleFirst, exampleJoin, exampleNext, memberOf } from '../example-epochs.ts'
import { exampleMember } from '../example-genesis.ts'

const first = exampleFirst(7, 4)
const base = baseOfRecord(first.record)
/** Two come, one goes, one runs a newer bundle. */
const NEWER = new Uint8Array(32).fill(0xb1)
const joins = [
  exampleJoin(base, 20),
  exampleJoin(base, 21),
  exampleJoin(base, 3, {
    measurement: NEWER,
    label: 'node 3, newer',
    peerId: `Qm${'3'.repeat(44)}`,
  }),
]
const good = exampleNext(
  base,
  {
    kind: 1,
    joins: joins.map(joinHash),
    leaves: [{ index: 2, reason: 1 }],
    t: 5,
    allowAdd: [NEWER],
    unban: [[1, 4]],
  },
  joins,
)
const other = new Uint8Array(32).fill(0xee)
const newcomers = good.record.members.filter(({ index }) => index >= base.nextIndex)

const without = (...indices: number[]) =>
  good.record.members.filter(({ index }) => !indices.includes(index))

const withMember = (index: number, fields: object) =>
  good.record.members.map((member) => (member.index === index ? { ...member, ...fields } : member))

const check = (change: Partial<EpochRecord>) =>
  brokenRecord(base, good.change, good.start.object, { ...good.record, ...change })

describe('the record of an attempt', () => {
  it('keeps every rule as it is built, and is a record that follows its base', () => {
    assert.equal(check({}), undefined)
    assert.equal(brokenSuccession(base, good.record), undefined)
  })

  it('gives newcomers the next indices in order of guestSig, and uses none again', () => {
    assert.deepEqual(
      newcomers.map(({ index }) => index),
      [8, 9],
    )
    const [a, b] = newcomers
    assert.ok(a !== undefined && b !== undefined && compareBytes(a.guestSig, b.guestSig) < 0)
    assert.equal(good.record.nextIndex, 10)
    assert.ok(!good.record.members.some(({ index }) => index === 2))
    const later = baseOfRecord(good.record)
    const join = exampleJoin(later, 2) // the one who left comes back as somebody new
    const back = exampleNext(later, { kind: 1, joins: [joinHash(join)], t: 5 }, [join])
    assert.equal(brokenRecord(later, back.change, back.start.object, back.record), undefined)
    assert.deepEqual(back.record.members.at(-1)?.index, 10)
  })

  it('changes of an updated member only what an update may change', () => {
    const before = memberOf(base, 3)
    const after = memberOf(good.record, 3)
    assert.deepEqual(after, {
      ...before,
      measurement: NEWER,
      label: 'node 3, newer',
      peerId: `Qm${'3'.repeat(44)}`,
    })
  })

  it('carries the terms of the base where the proposal changes none', () => {
    assert.deepEqual(good.record.params, { ...base.params, t: 5 })
    assert.deepEqual(good.record.allow, [...base.allow, NEWER])
  })
})

/** Each rule broken alone, and where it may be that, by a stranger who sees the two records only. */
const BROKEN: Record<string, [change: Partial<EpochRecord>, rule: string, reason: RegExp]> = {
  'another base': [{ prevHash: other }, 'R1', /prevHash/],
  'a later epoch': [{ e: 2 }, 'R1', /does not follow/],
  'another network': [{ networkId: other }, 'R1', /network/],
  'another committee': [{ committeeId: other }, 'R1', /committee/],
  'another protocol': [{ protocol: 2 }, 'R1', /protocol/],
  'a kind of the genesis': [{ kind: 0 }, 'R1', /kind 0/],
  'a recovery': [{ kind: 3 }, 'R1', /kind 3/],
  'another rootKey': [{ rootKey: new Uint8Array(33).fill(2) }, 'R2', /rootKey/],
  'other keys of one that stays': [withChange(3, { guestEnc: other }), 'R3', /other keys/],
  'another operator': [withChange(4, { operatorKey: other }), 'R3', /other keys/],
  'another guest under an old index': [withChange(4, { guestSig: other }), 'R3', /other keys/],
  'an index that was given before': [
    {
      members: [{ ...exampleMember(20), index: 2 }, ...without(1)].toSorted(
        (a, b) => a.index - b.index,
      ),
    },
    'R3',
    /other keys/,
  ],
  'a gap of indices': [
    { members: withMember(9, { index: 10 }), nextIndex: 11 },
    'R3',
    /next indices/,
  ],
  'newcomers in another order': [
    {
      members: [
        ...without(8, 9),
        ...newcomers.toReversed().map((m, i) => ({ ...m, index: 8 + i })),
      ],
    },
    'R3',
    /order of guestSig/,
  ],
  'an index that would be given again': [{ nextIndex: 9 }, 'R3', /nextIndex/],
  'a threshold of half': [{ t: 4, params: { ...good.record.params, t: 4 } }, 'R4', /threshold 4/],
  'a threshold above the quorum': [
    { t: 7, params: { ...good.record.params, t: 7 } },
    'R4',
    /threshold 7/,
  ],
  'more members than allowed': [
    { params: { ...good.record.params, maxMembers: 7 } },
    'R4',
    /8 members/,
  ],
  'two thresholds': [{ params: { ...good.record.params, t: 6 } }, 'R4', /another t/],
  'a bundle that is not allowed': [{ allow: base.allow }, 'R8', /member 3 is not allowed/],
  'the bundle of one not allowed': [withChange(5, { measurement: other }), 'R8', /member 5/],
  'two with one peer id': [
    withChange(4, { peerId: memberOf(base, 5).peerId }),
    'R9',
    /same peerId/,
  ],
}

function withChange(index: number, fields: object): Partial<EpochRecord> {
  return { members: withMember(index, fields) }
}

/** What only one who knows proposal and START sees. */
const UNDUE: Record<string, [change: Partial<EpochRecord>, rule: string, reason: RegExp]> = {
  'another attempt': [{ k: 2 }, 'R1', /attempt 1/],
  'another kind': [{ kind: 2, members: base.members, ...terms() }, 'R1', /kind/],
  'another proposal': [{ proposalHash: other }, 'R1', /proposal/],
  'another epochId': [{ epochId: other }, 'R1', /epochId/],
  'another time': [{ createdAt: good.record.createdAt + 1 }, 'R1', /createdAt/],
  'other pairs unbanned': [{ unban: [] }, 'R1', /unban/],
  'a member that was not updated, changed': [withChange(5, { label: 'another' }), 'R3', /proposed/],
  'a member that left, kept': [
    { members: [...good.record.members, memberOf(base, 2)].toSorted((a, b) => a.index - b.index) },
    'R3',
    /proposed/,
  ],
  'a member that stays, left out': [{ members: without(5) }, 'R3', /proposed/],
  'another threshold': [
    { t: 6, params: { ...good.record.params, t: 6 } },
    'R4',
    /t is not that proposed/,
  ],
  'other parameters': [{ params: { ...good.record.params, drainMs: 1 } }, 'R4', /params/],
  'a bundle allowed by nobody': [{ allow: [...good.record.allow, other] }, 'R8', /allow/],
}

function terms(): Partial<EpochRecord> {
  const { t, allow, params, nextIndex } = base
  return { t, allow, params, nextIndex, unban: [] }
}

describe('rules of a record', () => {
  for (const [name, [change, rule, reason]] of Object.entries(BROKEN))
    it(`refuse ${name}, whoever checks (${rule})`, () => {
      for (const broken of [check(change), brokenSuccession(base, { ...good.record, ...change })]) {
        assert.equal(broken?.rule, rule, broken?.reason)
        assert.match(broken?.reason ?? '', reason)
      }
    })

  for (const [name, [change, rule, reason]] of Object.entries(UNDUE))
    it(`refuse ${name}, when base, proposal and START are known (${rule})`, () => {
      assert.equal(brokenSuccession(base, { ...good.record, ...change }), undefined)
      const broken = check(change)
      assert.equal(broken?.rule, rule, broken?.reason)
      assert.match(broken?.reason ?? '', reason)
    })

  it('R3: refuse an index below the next one that nobody had', () => {
    const later = baseOfRecord(good.record) // index 2 is gone since
    const next = exampleNext(later)
    const members = [{ ...exampleMember(22), index: 2 }, ...next.record.members].toSorted(
      (a, b) => a.index - b.index,
    )
    const broken = brokenSuccession(later, { ...next.record, kind: 1, members })
    assert.deepEqual(broken, { rule: 'R3', reason: 'member 2 has an index that was given before' })
  })

  it('R3: refuse the newcomer after whom no index is left', () => {
    const at = (nextIndex: number) => {
      const late = { ...base, nextIndex }
      return brokenRoster(
        late,
        nextRoster(late, {
          ...good.change,
          joins: joins[0] ? [joins[0].object] : [],
          allowAdd: [],
        }),
      )
    }
    assert.equal(at(0xffff - 1), undefined)
    assert.deepEqual(at(0xffff), { rule: 'R3', reason: 'no index is left' })
  })

  it('R1 and R3: refuse a refresh that changes a member or the terms', () => {
    const { record } = exampleNext(base)
    const rule = (fields: Partial<EpochRecord>) =>
      brokenSuccession(base, { ...record, ...fields })?.rule
    assert.equal(rule({}), undefined)
    const [one, ...rest] = record.members
    assert.ok(one !== undefined)
    assert.equal(rule({ members: [{ ...one, label: 'newer' }, ...rest] }), 'R3')
    assert.equal(rule({ members: rest }), 'R1')
    assert.equal(rule({ t: 5, params: { ...record.params, t: 5 } }), 'R1')
    assert.equal(rule({ allow: [...record.allow, other] }), 'R1')
    assert.equal(rule({ params: { ...record.params, drainMs: 1 } }), 'R1')
    assert.equal(rule({ unban: [[1, 2]] }), undefined)
  })

  it('R1: refuse a genesis epoch that somebody proposed', () => {
    const proposed = { ...first.record, proposalHash: other }
    assert.deepEqual(brokenSuccession(first.base, proposed), {
      rule: 'R1',
      reason: 'nobody proposes epoch 0',
    })
  })

  it('R5: refuse more who leave than may', () => {
    const leaves = [2, 3, 4, 5].map((index) => ({ index, reason: 1 as const }))
    const three = exampleNext(base, { kind: 1, leaves: leaves.slice(0, 3), t: 3 })
    assert.equal(brokenSuccession(base, three.record), undefined)
    const broken = brokenSuccession(base, exampleNext(base, { kind: 1, leaves, t: 2 }).record)
    assert.deepEqual(broken, { rule: 'R5', reason: '4 leave, where at most 3 may' })
  })

  it('R6: refuse more who join than may, updates not counted', () => {
    const small = baseOfRecord(exampleFirst(4, 3).record)
    const update = exampleJoin(small, 1, { label: 'newer' })
    const joining = (...ids: number[]) => {
      const joins = [...ids.map((id) => exampleJoin(small, id)), update]
      return exampleNext(small, { kind: 1, joins: joins.map(joinHash), t: 5 }, joins).record
    }
    assert.equal(brokenSuccession(small, joining(20, 21, 22, 23)), undefined)
    assert.deepEqual(brokenSuccession(small, joining(20, 21, 22, 23, 24)), {
      rule: 'R6',
      reason: '5 join, at most 4 may',
    })
  })
})
