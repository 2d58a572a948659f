import assert from 'node:assert/strict'
import { ed25519 } from '@noble/curves/ed25519.js'
import { joinHash, type SignedJoin } from '../../../../protocols/agreement/objects/join.ts'
import type { Proposal, SignedProposal } from '../../../../protocols/agreement/objects/proposal.ts'
import { baseOfRecord } from '../../../../protocols/agreement/rules/base.ts'
import { changeOf, needsOperators } from '../../../../protocols/agreement/rules/change.ts'
import { brokenJoin } from '../../../../protocols/agreement/rules/join-rules.ts'
import {
  brokenProposal,
  type Circumstances,
} from '../../../../protocols/agreement/rules/proposal-rules.ts'
import { exampleFirst, exampleJoin, exampleProposal, TIME } from '../example-epochs.ts'
import { BUNDLE, exampleMember } from '../example-genesis.ts'

const first = exampleFirst(5, 3)
const base = baseOfRecord(first.record)
const now: Circumstances = { now: TIME, environment: 'development', removedForFault: [] }
const other = new Uint8Array(32).fill(0xee)
const NEUTRAL = Uint8Array.from({ length: 32 }, (_, i) => (i === 0 ? 1 : 0))
const newcomer = exampleJoin(base, 20)

const proposed = (fields: Partial<Proposal>, joins: readonly SignedJoin[] = []) =>
  exampleProposal(base, { kind: 1, joins: joins.map(joinHash), ...fields })

describe('a proposal', () => {
  const GOOD: Record<string, [fields: Partial<Proposal>, joins?: SignedJoin[]]> = {
    'to refresh': [{ kind: 2 }],
    'to refresh with a pair unbanned': [{ kind: 2, unban: [[1, 4]] }],
    'that a newcomer joins': [{ t: 4 }, [newcomer]],
    'that a member leaves': [{ leaves: [{ index: 5, reason: 1 }], t: 3 }],
    'that its proposer leaves': [{ leaves: [{ index: 1, reason: 0 }], t: 3 }],
    'that a member is updated': [{}, [exampleJoin(base, 2, { label: 'newer' })]],
    'of another bundle': [{ allowAdd: [other] }],
    'of other parameters': [{ params: { ...base.params, drainMs: 60_000 } }],
  }
  for (const [name, [fields, joins = []]] of Object.entries(GOOD))
    it(`${name} is valid`, () => {
      assert.equal(brokenProposal(base, proposed(fields, joins), joins, now), undefined)
    })

  const BROKEN: Record<string, [fields: Partial<Proposal>, rule: string, reason: RegExp]> = {
    'of another committee': [{ committeeId: other }, 'R1', /committee/],
    'on another base': [{ baseHash: other }, 'R1', /base/],
    'by nobody': [{ proposerIndex: 6 }, 'proposal', /no member/],
    'that is over': [{ expiresAt: TIME }, 'proposal', /expired/],
    'of a recovery': [{ kind: 3 }, 'proposal', /recovery/],
    'to refresh with another threshold': [{ kind: 2, t: 4 }, 'proposal', /refresh/],
    'to refresh that drops a bundle': [{ kind: 2, allowDrop: [BUNDLE] }, 'proposal', /refresh/],
    'that a stranger leaves': [{ leaves: [{ index: 9, reason: 1 }] }, 'proposal', /no member/],
    'that another leaves by its own wish': [
      { leaves: [{ index: 4, reason: 0 }] },
      'proposal',
      /own wish/,
    ],
    'that unbans a pair with a stranger': [{ unban: [[1, 9]] }, 'proposal', /unbanned/],
    'that unbans a pair with one who leaves': [
      { leaves: [{ index: 4, reason: 1 }], unban: [[1, 4]] },
      'proposal',
      /unbanned/,
    ],
    'of a bundle that is allowed': [{ allowAdd: [BUNDLE] }, 'R8', /is in it/],
    'against a bundle that is not': [{ allowDrop: [other] }, 'R8', /is not in it/],
    'against the bundle of its members': [{ allowDrop: [BUNDLE] }, 'R8', /not allowed/],
    'of more bundles than a record holds': [
      { allowAdd: Array.from({ length: 64 }, (_, i) => new Uint8Array(32).fill(i)) },
      'R8',
      /more than 64/,
    ],
    'of a threshold too low': [{ t: 2 }, 'R4', /threshold 2/],
    'of a committee too small for its members': [
      { params: { ...base.params, maxMembers: 4 } },
      'R4',
      /5 members/,
    ],
    'that too many leave': [
      { leaves: [2, 3, 4].map((index) => ({ index, reason: 1 })), t: 2 },
      'R4',
      /2 members/,
    ],
    'without any setups': [
      { params: { ...base.params, setupsPerHour: 0 } },
      'proposal',
      /setupsPerHour/,
    ],
  }
  for (const [name, [fields, rule, reason]] of Object.entries(BROKEN))
    it(`${name} is refused (${rule})`, () => {
      const broken = brokenProposal(base, proposed(fields), [], now)
      assert.equal(broken?.rule, rule, broken?.reason)
      assert.match(broken?.reason ?? '', reason)
    })

  it('is refused with the signature of another', () => {
    const mine = proposed({})
    const forged: SignedProposal = { ...mine, signature: proposed({ proposerIndex: 2 }).signature }
    assert.deepEqual(brokenProposal(base, forged, [], now), {
      rule: 'proposal',
      reason: 'not signed by its proposer',
    })
  })

  it('of development setups is refused in production', () => {
    const signed = proposed({ params: { ...base.params, setupsPerHour: 7 } })
    const broken = brokenProposal(base, signed, [], { ...now, environment: 'production' })
    assert.match(broken?.reason ?? '', /not 6 in production/)
  })

  it('whose newcomer has the name of a member is refused (R9)', () => {
    const { peerId } = exampleMember(2)
    const joins = [exampleJoin(base, 20, { peerId })]
    const broken = brokenProposal(base, proposed({ t: 4 }, joins), joins, now)
    assert.deepEqual(broken, { rule: 'R9', reason: 'two members have the same peerId' })
  })

  it('that updates one member twice, or one who leaves, is refused (R3)', () => {
    const twice = [exampleJoin(base, 2, { label: 'a' }), exampleJoin(base, 2, { label: 'b' })]
    assert.deepEqual(brokenProposal(base, proposed({}, twice), twice, now), {
      rule: 'R3',
      reason: 'a member is updated twice',
    })
    const [update] = twice.slice(0, 1)
    const joins = update === undefined ? [] : [update]
    const leaves = [{ index: 2, reason: 1 as const }]
    assert.deepEqual(brokenProposal(base, proposed({ leaves, t: 3 }, joins), joins, now), {
      rule: 'R3',
      reason: 'who leaves is not updated',
    })
  })

  it('cannot be looked at without the joins it names', () => {
    const { object } = proposed({ t: 4 }, [newcomer])
    for (const joins of [
      [],
      [exampleJoin(base, 21)],
      [newcomer, exampleJoin(base, 21)],
      [newcomer, newcomer],
    ])
      assert.deepEqual(brokenProposal(base, proposed({ t: 4 }, [newcomer]), joins, now), {
        rule: 'proposal',
        reason: 'not the joins that it names',
      })
    assert.throws(() => changeOf(object, []), /bug/)
    assert.throws(() => changeOf(object, [exampleJoin(base, 21)]), /bug/)
    assert.throws(() => changeOf(object, [newcomer, exampleJoin(base, 21)]), /bug/)
  })

  it('needs the operators unless it is a plain refresh or the proposer goes', () => {
    const needs = (fields: Partial<Proposal>, joins: SignedJoin[] = []) =>
      needsOperators(base, changeOf(proposed(fields, joins).object, joins))
    assert.equal(needs({ kind: 2 }), false)
    assert.equal(needs({ leaves: [{ index: 1, reason: 0 }] }), false)
    assert.equal(needs({ leaves: [{ index: 2, reason: 1 }] }), true)
    assert.equal(needs({ leaves: [{ index: 1, reason: 2 }] }), true)
    assert.equal(needs({ kind: 2, unban: [[1, 2]] }), true)
    assert.equal(needs({ allowAdd: [other] }), true)
    assert.equal(needs({ t: 4 }), true)
    assert.equal(needs({ params: base.params }), true)
    assert.equal(needs({ t: 4 }, [newcomer]), true)
    assert.equal(needsOperators(first.base, first.change), true)
  })
})

describe('a join', () => {
  const check = (join: SignedJoin, circumstances: Partial<Circumstances> = {}) =>
    brokenJoin(base, join, { ...now, ...circumstances })

  it('of a newcomer, and of a member that is updated, is valid', () => {
    assert.equal(check(newcomer), undefined)
    assert.equal(check(exampleJoin(base, 2, { label: 'newer', measurement: other })), undefined)
  })

  const BROKEN: Record<string, [join: SignedJoin, rule: string, reason: RegExp]> = {
    'for another network': [exampleJoin(base, 20, { networkId: other }), 'join', /network/],
    'for another committee': [exampleJoin(base, 20, { committeeId: other }), 'join', /committee/],
    'that is over': [exampleJoin(base, 20, { expiresAt: TIME }), 'join', /expired/],
    'with a guestSig of small order': [
      exampleJoin(base, 20, { guestSig: NEUTRAL }),
      'join',
      /guestSig of the joiner is no key/,
    ],
    'with an operatorKey of small order': [
      exampleJoin(base, 20, { operatorKey: NEUTRAL }),
      'join',
      /operatorKey/,
    ],
    'with a guestEnc of small order': [
      exampleJoin(base, 20, { guestEnc: new Uint8Array(32) }),
      'join',
      /guestEnc/,
    ],
    'without a peer id': [exampleJoin(base, 20, { peerId: 'nobody' }), 'join', /peerId/],
    'that changes the channel key of a member': [
      exampleJoin(base, 2, { guestEnc: exampleMember(20).guestEnc }),
      'R3',
      /update/,
    ],
    'that changes the operator of a member': [
      exampleJoin(base, 2, { operatorKey: exampleMember(20).operatorKey }),
      'R3',
      /update/,
    ],
    'in the name of another guest': [
      exampleJoin(base, 20, { guestSig: exampleMember(21).guestSig }),
      'join',
      /its guest/,
    ],
    'without the operator': [
      { ...newcomer, operatorSignature: newcomer.guestSignature },
      'join',
      /its operator/,
    ],
    'with another signature of the guest': [
      { ...newcomer, guestSignature: ed25519.sign(other, new Uint8Array(32).fill(1)) },
      'join',
      /its guest/,
    ],
  }
  for (const [name, [join, rule, reason]] of Object.entries(BROKEN))
    it(`${name} is refused`, () => {
      const broken = check(join)
      assert.equal(broken?.rule, rule, broken?.reason)
      assert.match(broken?.reason ?? '', reason)
    })

  it('with any key of one who was removed for a fault is refused', () => {
    for (const key of ['guestSig', 'guestEnc', 'operatorKey'] as const) {
      const gone = { ...exampleMember(9), [key]: newcomer.object[key] }
      assert.match(
        check(newcomer, { removedForFault: [gone] })?.reason ?? '',
        /removed for a fault/,
      )
    }
    assert.equal(check(newcomer, { removedForFault: [exampleMember(9)] }), undefined)
  })
})
