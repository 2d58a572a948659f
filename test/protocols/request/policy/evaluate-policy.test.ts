import assert from 'node:assert/strict'
import { bytesToHex } from '@noble/hashes/utils.js'
import fc from 'fast-check'
import { CBOR_FORM, JSON_FORM, parseShape } from '../../../../protocols/request/byte-field.ts'
import type {
  ProvenCredential,
  ProvenSession,
} from '../../../../protocols/request/credentials/access-context.ts'
import {
  type Decision,
  evaluatePolicy,
  type PolicyFacts,
  policyHashOf,
} from '../../../../protocols/request/policy/evaluate-policy.ts'
import {
  type PolicyDoc,
  type PolicyNode,
  policyShape,
  sizeOf,
} from '../../../../protocols/request/policy/policy-document.ts'
import { presetPolicy } from '../../../../protocols/request/policy/preset-policy.ts'
import { DecodeError } from '../../../../protocols/session/codec.ts'

const NOW = 1_800_000_000
const ALLOW: PolicyNode = { always: true }
const DENY: PolicyNode = { never: true }
const WAIT: PolicyNode = { delay: 60 }
const LEAVES = { ALLOW, WAIT, DENY }

const policy = (node: PolicyNode): PolicyDoc => ({
  v: 1,
  limits: 'quorum',
  lists: {},
  actions: { 'sign.tx': node, 'session.open': ALLOW },
  rules: [],
})
const FACTS: PolicyFacts = {
  asks: 'sign.tx',
  credentials: [],
  approvals: [],
  now: NOW,
  ticketIat: null,
  pendingSince: null,
}
const decide = (node: PolicyNode, facts: Partial<PolicyFacts> = {}): Decision =>
  evaluatePolicy(policy(node), null, { ...FACTS, ...facts }).decision
const refusal = (node: PolicyNode, facts: Partial<PolicyFacts> = {}) =>
  evaluatePolicy(policy(node), null, { ...FACTS, ...facts }).refusal

const decisions = ['ALLOW', 'WAIT', 'DENY'] as const
const pairs = decisions.flatMap((a) => decisions.map((b) => [a, b] as const))

describe('policy tree', () => {
  it('all: a DENY denies, else a WAIT waits', () => {
    for (const [a, b] of pairs) {
      const expected = [a, b].includes('DENY') ? 'DENY' : [a, b].includes('WAIT') ? 'WAIT' : 'ALLOW'
      assert.equal(decide({ all: [LEAVES[a], LEAVES[b]] }), expected, `${a} ${b}`)
    }
  })

  it('any: an ALLOW allows, else a WAIT waits', () => {
    for (const [a, b] of pairs) {
      const expected = [a, b].includes('ALLOW')
        ? 'ALLOW'
        : [a, b].includes('WAIT')
          ? 'WAIT'
          : 'DENY'
      assert.equal(decide({ any: [LEAVES[a], LEAVES[b]] }), expected, `${a} ${b}`)
    }
  })

  it('threshold: m ALLOW allow; with those that wait, it waits', () => {
    const rows: [number, PolicyNode[], Decision][] = [
      [2, [ALLOW, ALLOW, DENY], 'ALLOW'],
      [2, [ALLOW, WAIT, DENY], 'WAIT'],
      [2, [WAIT, WAIT, DENY], 'WAIT'],
      [2, [ALLOW, DENY, DENY], 'DENY'],
      [3, [ALLOW, ALLOW, WAIT], 'WAIT'],
      [1, [DENY, WAIT, ALLOW], 'ALLOW'],
    ]
    for (const [m, of, expected] of rows) assert.equal(decide({ threshold: { m, of } }), expected)
  })

  it('looks at every node, in document order', () => {
    const { reasons } = evaluatePolicy(
      policy({ all: [DENY, { any: [ALLOW, WAIT] }] }),
      policy(ALLOW),
      FACTS,
    )
    assert.deepEqual(
      reasons.map(({ path, node, decision }) => `${path} ${node} ${decision}`),
      [
        'scope.sign.tx.0 never DENY',
        'scope.sign.tx.1.0 always ALLOW',
        'scope.sign.tx.1.1 delay WAIT',
        'scope.sign.tx.1 any ALLOW',
        'scope.sign.tx all DENY',
        'account.sign.tx always ALLOW',
      ],
    )
  })

  it('denies a class that is missing, in the floor or in the account', () => {
    const asks = 'sign.raw'
    assert.equal(decide(ALLOW, { asks }), 'DENY')
    const open: PolicyDoc = { ...policy(ALLOW), actions: { 'sign.raw': ALLOW } }
    assert.equal(evaluatePolicy(open, policy(ALLOW), { ...FACTS, asks }).decision, 'DENY')
    assert.equal(evaluatePolicy(open, open, { ...FACTS, asks }).decision, 'ALLOW')
  })

  it('an account tightens its scope and never loosens it', () => {
    for (const [a, b] of pairs) {
      const floor = decide(LEAVES[a])
      const { decision } = evaluatePolicy(policy(LEAVES[a]), policy(LEAVES[b]), FACTS)
      const rank = { ALLOW: 0, WAIT: 1, DENY: 2 }
      assert.ok(rank[decision] >= rank[floor])
      assert.equal(rank[decision], Math.max(rank[a], rank[b]))
    }
  })

  it('waits for an approver, hears a no before a yes, and knows when one was late', () => {
    const node: PolicyNode = { all: [{ approval: 'boss' }, { approval: 'chief' }] }
    const said = (id: string, decision: 'allow' | 'deny', exp = NOW + 1) => ({ id, decision, exp })
    const rows: [PolicyFacts['approvals'], string | null][] = [
      [[], 'APPROVAL_REQUIRED'],
      [[said('boss', 'allow')], 'APPROVAL_REQUIRED'],
      [[said('boss', 'allow'), said('chief', 'allow')], null],
      [[said('boss', 'deny')], 'APPROVAL_DENIED'],
      [[said('boss', 'allow'), said('boss', 'deny'), said('chief', 'allow')], 'APPROVAL_DENIED'],
      [[said('boss', 'allow', NOW), said('chief', 'allow')], 'APPROVAL_TIMEOUT'],
      [[said('boss', 'allow', NOW), said('boss', 'allow'), said('chief', 'allow')], null],
      [[said('stranger', 'allow'), said('chief', 'allow')], 'APPROVAL_REQUIRED'],
    ]
    for (const [approvals, expected] of rows) assert.equal(refusal(node, { approvals }), expected)
    const denied: PolicyNode = { all: [DENY, { approval: 'boss' }] }
    assert.equal(refusal(denied, { approvals: [said('boss', 'deny')] }), 'POLICY_DENIED')
  })

  it('matches a credential by its id, kind and role; a session is named for management', () => {
    const id = new Uint8Array(16).fill(1)
    const opened = { id, maxCount: null, openedAt: NOW - 9, ticketIat: NOW - 9 }
    const openers: ProvenCredential[] = [{ id, kind: 'passkey', roles: ['user'] }]
    const session: ProvenCredential = {
      id,
      kind: 'session',
      roles: ['user'],
      session: { ...opened, openers },
    }
    const key: ProvenCredential = { id, kind: 'key', roles: ['user'] }
    const manage = (node: PolicyNode, one: ProvenCredential) => {
      const doc = { ...policy(node), actions: { 'credential.add': node, 'session.open': ALLOW } }
      return evaluatePolicy(doc, null, { ...FACTS, asks: 'credential.add', credentials: [one] })
        .decision
    }
    const rows: [PolicyNode, Decision, Decision, Decision, Decision][] = [
      [{ credential: id }, 'ALLOW', 'ALLOW', 'ALLOW', 'DENY'],
      [{ credential: new Uint8Array(16) }, 'DENY', 'DENY', 'DENY', 'DENY'],
      [{ credential: { role: 'user' } }, 'ALLOW', 'ALLOW', 'ALLOW', 'DENY'],
      [{ credential: { role: 'developer' } }, 'DENY', 'DENY', 'DENY', 'DENY'],
      [{ credential: { kind: 'key' } }, 'ALLOW', 'DENY', 'ALLOW', 'DENY'],
      [{ credential: { kind: 'session' } }, 'DENY', 'ALLOW', 'DENY', 'ALLOW'],
      [{ credential: { kind: 'session', role: 'user' } }, 'DENY', 'ALLOW', 'DENY', 'ALLOW'],
      [{ credential: { kind: 'session', role: 'device' } }, 'DENY', 'DENY', 'DENY', 'DENY'],
    ]
    for (const [node, ...expected] of rows)
      assert.deepEqual(
        [
          decide(node, { credentials: [key] }),
          decide(node, { credentials: [session] }),
          manage(node, key),
          manage(node, session),
        ],
        expected,
      )
  })

  it('counts a session only where the scope and the account allow its opening', () => {
    const id = new Uint8Array(16).fill(1)
    const openers: ProvenCredential[] = [{ id, kind: 'passkey', roles: ['user'] }]
    const opened = { id, maxCount: null, openedAt: NOW - 3600, ticketIat: NOW - 3610, openers }
    const given = (session: Partial<ProvenSession> | null): PolicyFacts => ({
      ...FACTS,
      credentials: [
        {
          id,
          kind: 'session',
          roles: ['user'],
          ...(session === null ? {} : { session: { ...opened, ...session } }),
        },
      ],
    })
    const withOpening = (node: PolicyNode): PolicyDoc => ({
      ...policy({ credential: { role: 'user' } }),
      actions: { 'sign.tx': { credential: { role: 'user' } }, 'session.open': node },
    })
    const rows: [PolicyNode, Partial<ProvenSession> | null, Decision][] = [
      [ALLOW, {}, 'ALLOW'],
      [ALLOW, null, 'DENY'],
      [DENY, {}, 'DENY'],
      [WAIT, {}, 'DENY'],
      [{ approval: 'boss' }, {}, 'DENY'],
      [{ fresh: 10 }, {}, 'ALLOW'],
      [{ fresh: 9 }, {}, 'DENY'],
      [{ credential: { kind: 'passkey' } }, {}, 'ALLOW'],
      [{ credential: { kind: 'key' } }, {}, 'DENY'],
      [{ credential: { kind: 'session' } }, { openers: given({}).credentials }, 'DENY'],
    ]
    for (const [node, session, expected] of rows) {
      const facts = given(session)
      const name = JSON.stringify(node)
      assert.equal(evaluatePolicy(withOpening(node), null, facts).decision, expected, name)
      assert.equal(
        evaluatePolicy(withOpening(ALLOW), withOpening(node), facts).decision,
        expected,
        name,
      )
    }
    const { 'session.open': _, ...actions } = withOpening(ALLOW).actions
    assert.equal(evaluatePolicy({ ...policy(ALLOW), actions }, null, given({})).decision, 'DENY')
  })

  it('never allows more for fewer facts', () => {
    const leaf = fc.constantFrom<PolicyNode>(
      ALLOW,
      DENY,
      WAIT,
      { approval: 'a' },
      { fresh: 9 },
      { credential: { role: 'user' } },
    )
    const { node } = fc.letrec<{ node: PolicyNode }>((tie) => ({
      node: fc.oneof(
        { maxDepth: 4 },
        leaf,
        fc.array(tie('node'), { minLength: 1, maxLength: 3 }).map((all): PolicyNode => ({ all })),
        fc.array(tie('node'), { minLength: 1, maxLength: 3 }).map((any): PolicyNode => ({ any })),
        fc
          .array(tie('node'), { minLength: 1, maxLength: 3 })
          .map((of): PolicyNode => ({ threshold: { m: of.length, of } })),
      ),
    }))
    const full: PolicyFacts = {
      ...FACTS,
      credentials: [{ id: new Uint8Array(16), kind: 'key', roles: ['user'] }],
      approvals: [{ id: 'a', decision: 'allow', exp: NOW + 1 }],
      ticketIat: NOW,
      pendingSince: NOW - 60,
    }
    fc.assert(
      fc.property(node, (tree) => {
        if (decide(tree) === 'ALLOW') assert.equal(decide(tree, full), 'ALLOW')
        const [first, again] = [
          evaluatePolicy(policy(tree), null, full),
          evaluatePolicy(policy(tree), null, full),
        ]
        assert.deepEqual(first, again)
      }),
      { numRuns: 300 },
    )
  })
})

const nested = (depth: number): PolicyNode => (depth === 1 ? ALLOW : { all: [nested(depth - 1)] })

describe('policy document', () => {
  const parse = (value: unknown) => parseShape(policyShape(CBOR_FORM), value, 'policy')

  it('takes presets, eight levels, 256 nodes, and ids in both forms', () => {
    for (const mode of ['user', 'developer', 'hybrid'] as const) {
      const doc = presetPolicy(mode)
      assert.deepEqual(parse(doc), doc)
      assert.deepEqual(parseShape(policyShape(JSON_FORM), doc, 'policy'), doc)
    }
    assert.deepEqual(sizeOf(policy(nested(8))), { depth: 8, nodes: 9 })
    parse(policy(nested(8)))
    const wide = (count: number): PolicyNode => ({
      all: Array.from({ length: count }, () => ALLOW),
    })
    parse(policy({ all: [wide(62), wide(62), wide(62), wide(62), wide(1)] }))
    assert.throws(
      () => parse(policy({ all: [wide(62), wide(62), wide(62), wide(62), wide(2)] })),
      DecodeError,
    )
    const uuid = '11111111-1111-8111-9111-111111111111'
    const json = parseShape(policyShape(JSON_FORM), policy({ credential: uuid } as never), 'policy')
    const node = json.actions['sign.tx']
    assert.ok(node && 'credential' in node && node.credential instanceof Uint8Array)
  })

  const refused: Record<string, unknown> = {
    'nine levels': policy(nested(9)),
    'an empty all': policy({ all: [] }),
    'an empty any': policy({ any: [] }),
    'a threshold of none': policy({ threshold: { m: 0, of: [ALLOW] } }),
    'a threshold above its nodes': policy({ threshold: { m: 2, of: [ALLOW] } }),
    'two nodes in one': policy({ always: true, never: true }),
    'any credential at all': policy({ credential: {} }),
    'an unknown kind': policy({ credential: { kind: 'pin' } } as never),
    'an id of 15 bytes': policy({ credential: new Uint8Array(15) }),
    'a delay of nothing': policy({ delay: 0 }),
    'a rule, which nobody would enforce': policy({ rule: { chain: 'eip155:1' } } as never),
    'a lambda': policy({ lambda: new Uint8Array(16) } as never),
    rules: { ...policy(ALLOW), rules: [{ never: true }] },
    lists: { ...policy(ALLOW), lists: { good: [] } },
    'an unknown class': { ...policy(ALLOW), actions: { 'sign.all': ALLOW } },
    'another version': { ...policy(ALLOW), v: 2 },
    'an unknown member': { ...policy(ALLOW), extra: 1 },
  }
  for (const [name, value] of Object.entries(refused))
    it(`refuses ${name}`, () => {
      assert.throws(() => parse(value), DecodeError)
    })

  it('has a hash of the scope and the account', () => {
    const [scope, doc] = [new Uint8Array(32), presetPolicy('user')]
    const hashes = [
      policyHashOf(scope, null),
      policyHashOf(scope, doc),
      policyHashOf(new Uint8Array(32).fill(1), doc),
      policyHashOf(scope, presetPolicy('hybrid')),
    ]
    assert.equal(new Set(hashes.map(bytesToHex)).size, 4)
  })
})
