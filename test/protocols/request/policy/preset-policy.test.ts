import assert from 'node:assert/strict'
import type { ProvenCredential } from '../../../../protocols/request/credentials/access-context.ts'
import { verifyProofs } from '../../../../protocols/request/credentials/verify-proofs.ts'
import { METHOD_ACCESS } from '../../../../protocols/request/method-access.ts'
import { POLICY_CLASSES, type PolicyClass } from '../../../../protocols/request/method-class.ts'
import { evaluatePolicy } from '../../../../protocols/request/policy/evaluate-policy.ts'
import {
  CONTROL_MODES,
  type ControlMode,
  presetPolicy,
} from '../../../../protocols/request/policy/preset-policy.ts'
import {
  alice,
  CONTEXT,
  CORE,
  DIGEST,
  developerProof,
  digestOf,
  dora,
  NOW,
  sessionProof,
} from '../credentials/world.ts'

const id = new Uint8Array(16)
const one = (
  kind: ProvenCredential['kind'],
  ...roles: ProvenCredential['roles']
): ProvenCredential => ({ id, kind, roles })

/** What a session of these openers comes to. */
const session = (...openers: readonly ProvenCredential[]): ProvenCredential[] =>
  openers.map(({ roles }) => ({
    id,
    kind: 'session',
    roles,
    session: { id, maxCount: null, openedAt: NOW - 3600, ticketIat: NOW - 3605, openers },
  }))

/** What a request may come with. */
const APPROVED: Readonly<Record<string, readonly ProvenCredential[]>> = {
  nothing: [],
  'user passkey': [one('passkey', 'user')],
  'user key': [one('key', 'user')],
  'user token': [one('oidc', 'user')],
  'developer key': [one('key', 'developer')],
  'guardian key': [one('key', 'guardian')],
  'user session': session(one('passkey', 'user')),
  'developer session': session(one('key', 'developer')),
  'session of both': session(one('passkey', 'user'), one('key', 'developer')),
  'user and developer': [one('passkey', 'user'), one('key', 'developer')],
  'user session and developer': [...session(one('passkey', 'user')), one('key', 'developer')],
}

const GROUPS: Readonly<Record<string, readonly PolicyClass[]>> = {
  use: ['sign.message', 'sign.typed', 'sign.tx', 'sign.authorization', 'read.private'],
  manage: [
    'session.open',
    'credential.add',
    'credential.revoke',
    'recovery.start',
    'recovery.cancel',
    'key.create',
    'key.freeze',
    'key.unfreeze',
    'lambda.create',
    'lambda.manage',
    'device.add',
    'device.revoke',
    'account.close',
  ],
  slow: ['policy.set', 'key.export'],
  never: ['sign.raw', 'lambda.run'],
}

/** A allow, W wait, D deny: groups use, manage, slow, never, with a fresh ticket and no pending entry. */
const TABLE: Readonly<Record<ControlMode, Readonly<Record<string, string>>>> = {
  user: {
    nothing: 'DDDD',
    'user passkey': 'AAAD',
    'user key': 'AAAD',
    'user token': 'AAAD',
    'developer key': 'DDDD',
    'guardian key': 'DDDD',
    'user session': 'ADDD',
    'developer session': 'DDDD',
    'session of both': 'ADDD',
    'user and developer': 'AAAD',
    'user session and developer': 'ADDD',
  },
  developer: {
    nothing: 'DDDD',
    'user passkey': 'DDDD',
    'user key': 'DDDD',
    'user token': 'DDDD',
    'developer key': 'AAWD',
    'guardian key': 'DDDD',
    'user session': 'DDDD',
    'developer session': 'ADDD',
    'session of both': 'ADDD',
    'user and developer': 'AAWD',
    'user session and developer': 'AAWD',
  },
  hybrid: {
    nothing: 'DDDD',
    'user passkey': 'DDDD',
    'user key': 'DDDD',
    'user token': 'DDDD',
    'developer key': 'DDDD',
    'guardian key': 'DDDD',
    'user session': 'DDDD',
    'developer session': 'DDDD',
    'session of both': 'ADDD',
    'user and developer': 'AAWD',
    'user session and developer': 'DDDD',
  },
}

const facts = { approvals: [], now: NOW, ticketIat: NOW - 300, pendingSince: null }

/** Methods whose class a policy decides. */
const METHODS = Object.entries(METHOD_ACCESS).flatMap(([method, access]) => {
  const asks = POLICY_CLASSES.find((name) => name === access)
  return asks === undefined ? [] : [[method, asks] as const]
})

describe('control modes', () => {
  it('cover every class once', () => {
    assert.deepEqual(Object.values(GROUPS).flat().sort(), [...POLICY_CLASSES].sort())
  })

  for (const mode of CONTROL_MODES)
    for (const [approved, expected] of Object.entries(TABLE[mode]))
      it(`${mode} × ${approved}: ${expected}`, () => {
        const credentials = APPROVED[approved]
        assert.ok(credentials)
        for (const [i, classes] of Object.values(GROUPS).entries())
          for (const asks of classes) {
            const { decision, refusal } = evaluatePolicy(presetPolicy(mode), null, {
              ...facts,
              asks,
              credentials,
            })
            assert.equal(decision[0], expected[i], asks)
            const refusals = { ALLOW: null, WAIT: 'APPROVAL_REQUIRED', DENY: 'POLICY_DENIED' }
            assert.equal(refusal, refusals[decision])
          }
      })

  for (const mode of CONTROL_MODES)
    it(`${mode}: × credential × every method that a policy decides`, () => {
      for (const [method, asks] of METHODS)
        for (const [approved, expected] of Object.entries(TABLE[mode])) {
          const credentials = APPROVED[approved] ?? []
          const group = Object.values(GROUPS).findIndex((classes) => classes.includes(asks))
          const { decision } = evaluatePolicy(presetPolicy(mode), null, {
            ...facts,
            asks,
            credentials,
          })
          assert.equal(decision[0], expected[group], `${approved} ${method}`)
        }
    })

  it('let a user manage only just after asking for a ticket', () => {
    const credentials = APPROVED['user and developer'] ?? []
    for (const mode of ['user', 'hybrid'] as const)
      for (const ticketIat of [null, NOW - 301]) {
        const ask = (asks: PolicyClass) =>
          evaluatePolicy(presetPolicy(mode), null, { ...facts, ticketIat, asks, credentials })
            .decision
        assert.equal(ask('credential.add'), 'DENY')
        assert.equal(ask('sign.tx'), 'ALLOW')
      }
  })

  it('let a developer change the policy a day after it was announced', () => {
    const credentials = APPROVED['user and developer'] ?? []
    for (const mode of ['developer', 'hybrid'] as const) {
      const ask = (pendingSince: number) =>
        evaluatePolicy(presetPolicy(mode), null, {
          ...facts,
          asks: 'policy.set',
          credentials,
          pendingSince,
        }).decision
      assert.deepEqual([ask(NOW - 86_399), ask(NOW - 86_400)], ['WAIT', 'ALLOW'])
    }
  })
})

describe('hybrid control on real proofs', () => {
  const decide = (...proofs: Parameters<typeof verifyProofs>[0]) => {
    const { credentials, approvals } = verifyProofs(proofs, CONTEXT)
    const asked = { ...facts, asks: 'sign.message' as const, credentials, approvals }
    return evaluatePolicy(presetPolicy('hybrid'), null, asked).decision
  }

  it('needs both over the one digest', () => {
    assert.equal(decide(alice.approve(DIGEST), developerProof(dora)), 'ALLOW')
    const opener = (core: typeof CORE) => [
      alice.approve(digestOf(core)),
      developerProof(dora, core),
    ]
    assert.equal(decide(sessionProof({ opener })), 'ALLOW')
    assert.equal(decide(sessionProof(), developerProof(dora)), 'DENY') // a session that alice alone opened
    assert.equal(decide(alice.approve(DIGEST)), 'DENY')
    assert.equal(decide(developerProof(dora)), 'DENY')
  })

  it('refuses approvals of different digests', () => {
    const other = { ...CORE, nonce: new Uint8Array(16) }
    assert.throws(() => decide(alice.approve(DIGEST), developerProof(dora, other)), {
      id: 'AUTH_FAILED',
    })
    assert.throws(() => decide(alice.approve(new Uint8Array(32)), developerProof(dora)), {
      id: 'CHALLENGE_MISMATCH',
    })
  })
})
