import assert from 'node:assert/strict'
import { p256 } from '@noble/curves/nist.js'
import { sha256 } from '@noble/hashes/sha2.js'
import { utf8ToBytes } from '@noble/hashes/utils.js'
import { toBase64url } from '../../../../protocols/request/base64url.ts'
import type { AccessContext } from '../../../../protocols/request/credentials/access-context.ts'
import {
  CLIENT_ALGORITHMS,
  keyProofMessage,
} from '../../../../protocols/request/credentials/client-key.ts'
import type { PasskeyProof } from '../../../../protocols/request/credentials/passkey.ts'
import type { AccessProof } from '../../../../protocols/request/credentials/proof.ts'
import { PURE_VERIFIER } from '../../../../protocols/request/credentials/signature-verifier.ts'
import { verifyProofs } from '../../../../protocols/request/credentials/verify-proofs.ts'
import { type ErrorId, RequestError } from '../../../../protocols/request/errors.ts'
import { encodeSpki } from '../../../../protocols/request/spki.ts'
import { type Ceremony, ORIGIN, passkey, signer } from './actors.ts'
import {
  accountProof,
  alice,
  aliceKey,
  approvalProof,
  boss,
  CONTEXT,
  CORE,
  DIGEST,
  developer,
  developerProof,
  dora,
  ISSUER,
  issuerKey,
  keyCredential,
  NOW,
  oidcCredential,
  oidcProof,
  passkeyCredential,
  phone,
  RP,
  type SessionChanges,
  sessionProof,
  type TokenChanges,
  ticketFor,
} from './world.ts'

type Change = Partial<AccessContext>
const DAY = 86_400
const flip = (bytes: Uint8Array, at = -1): Uint8Array => {
  const changed = bytes.slice()
  const index = at < 0 ? bytes.length + at : at
  changed[index] = (changed[index] ?? 0) ^ 1
  return changed
}

function refused(proof: AccessProof, change: Change, id: ErrorId): void {
  assert.throws(
    () => verifyProofs([proof], { ...CONTEXT, ...change }),
    (error) => {
      assert.ok(error instanceof RequestError, String(error))
      assert.equal(error.id, id, error.message)
      return true
    },
  )
}

function accepted(proof: AccessProof, change: Change = {}) {
  const { credentials } = verifyProofs([proof], { ...CONTEXT, ...change })
  return credentials
}

const mallory = passkey('ES256', 'mallory')
const others = (kind: string) => CONTEXT.credentials.filter((one) => one.kind !== kind)

describe('passkey proof', () => {
  for (const alg of ['ES256', 'EdDSA', 'RS256'] as const)
    it(`${alg}: approves the digest that is its challenge`, () => {
      const bob = passkey(alg, 'bob')
      const credentials = [passkeyCredential(bob)]
      const [found] = accepted(bob.approve(DIGEST, { signCount: 9 }), { credentials })
      assert.deepEqual(found, {
        id: passkeyCredential(bob).id,
        kind: 'passkey',
        roles: ['user'],
        signCount: 9,
      })
      refused(mallory.approve(DIGEST), { credentials }, 'AUTH_FAILED')
    })

  const ceremonies: [string, Ceremony, ErrorId][] = [
    ['another ceremony', { type: 'webauthn.create' }, 'CHALLENGE_MISMATCH'],
    ['another digest', { challenge: new Uint8Array(32) }, 'CHALLENGE_MISMATCH'],
    ['a shorter challenge', { challenge: DIGEST.slice(0, 31) }, 'CHALLENGE_MISMATCH'],
    ['another origin', { origin: 'https://evil.example' }, 'ORIGIN_MISMATCH'],
    ['an origin with a slash', { origin: `${ORIGIN}/` }, 'ORIGIN_MISMATCH'],
    ['another port', { origin: `${ORIGIN}:8443` }, 'ORIGIN_MISMATCH'],
    ['a frame', { crossOrigin: true, topOrigin: 'https://page.example' }, 'ORIGIN_MISMATCH'],
    ['a page around no frame', { topOrigin: 'https://page.example' }, 'ORIGIN_MISMATCH'],
    ['another relying party', { rpId: 'evil.example' }, 'RP_MISMATCH'],
    ['nobody present', { flags: 0x04 }, 'USER_VERIFICATION_REQUIRED'],
    ['nobody verified', { flags: 0x01 }, 'USER_VERIFICATION_REQUIRED'],
    ['backed up though not eligible', { flags: 0x15 }, 'USER_VERIFICATION_REQUIRED'],
    ['a credential in an assertion', { flags: 0x45 }, 'REQ_MALFORMED'],
    ['extensions that are not there', { flags: 0x85 }, 'REQ_MALFORMED'],
    ['client data that are no JSON', { clientDataJSON: '{' }, 'REQ_MALFORMED'],
    [
      'a member that occurs twice',
      {
        clientDataJSON: `{"type":"webauthn.get","challenge":"${toBase64url(DIGEST)}","origin":"${ORIGIN}","origin":"https://evil.example"}`,
      },
      'REQ_MALFORMED',
    ],
    [
      'a padded challenge',
      {
        clientDataJSON: `{"type":"webauthn.get","challenge":"${toBase64url(DIGEST)}=","origin":"${ORIGIN}"}`,
      },
      'REQ_MALFORMED',
    ],
  ]
  for (const [name, told, id] of ceremonies)
    it(`with ${name} is ${id}`, () => refused(alice.approve(DIGEST, told), {}, id))

  it('fails at the first broken row, whatever else is broken', () => {
    const told: [Ceremony, ErrorId][] = [
      [{ type: 'x', origin: 'x', rpId: 'x', flags: 0 }, 'CHALLENGE_MISMATCH'],
      [{ origin: 'x', rpId: 'x', flags: 0 }, 'ORIGIN_MISMATCH'],
      [{ rpId: 'x', flags: 0 }, 'RP_MISMATCH'],
      [{ flags: 0 }, 'USER_VERIFICATION_REQUIRED'],
    ]
    for (const [change, id] of told) refused(mallory.approve(DIGEST, change), {}, id)
    const both: AccessProof[] = [
      oidcProof({ claims: { aud: 'x' } }),
      alice.approve(DIGEST, { rpId: 'x' }),
    ]
    assert.throws(() => verifyProofs(both, CONTEXT), { id: 'RP_MISMATCH' })
  })

  const context: [string, Change][] = [
    ['of no credential of the account', { credentials: others('passkey') }],
    ['before its time', { credentials: [passkeyCredential(alice, { notBefore: NOW + 1 })] }],
    ['at the end of its time', { credentials: [passkeyCredential(alice, { notAfter: NOW })] }],
    ['for another class', { credentials: [passkeyCredential(alice, { actions: ['sign.tx'] })] }],
  ]
  for (const [name, change] of context)
    it(`${name} is AUTH_FAILED`, () => refused(alice.approve(DIGEST), change, 'AUTH_FAILED'))

  it('takes any s in strict DER, and no other form of a signature', () => {
    const proof = alice.approve(DIGEST)
    const { r, s } = p256.Signature.fromBytes(proof.signature, 'der')
    const other = new p256.Signature(r, p256.Point.Fn.neg(s)).toBytes('der')
    assert.equal(accepted({ ...proof, signature: other }).length, 1)
    const [, length = 0, ...rest] = proof.signature
    const forms = [
      new p256.Signature(r, s).toBytes('compact'),
      flip(proof.signature),
      new Uint8Array([...proof.signature, 0]),
      new Uint8Array([0x30, 0x81, length, ...rest]), // a length that is not minimal
      proof.signature.slice(0, -1),
      new Uint8Array(1),
    ]
    for (const signature of forms) refused({ ...proof, signature }, {}, 'AUTH_FAILED')
    const bytes: Partial<PasskeyProof>[] = [
      { authenticatorData: flip(proof.authenticatorData) }, // the counter
      { clientDataJSON: utf8ToBytes(`${new TextDecoder().decode(proof.clientDataJSON)} `) },
    ]
    for (const change of bytes) refused({ ...proof, ...change }, {}, 'AUTH_FAILED')
  })

  it('is taken in a frame only inside the pages that the scope lists', () => {
    const rp = { ...RP, crossOrigin: ['https://page.example'] }
    const inside = { crossOrigin: true, topOrigin: 'https://page.example' }
    assert.equal(accepted(alice.approve(DIGEST, inside), { rp }).length, 1)
    refused(alice.approve(DIGEST, { crossOrigin: true }), { rp }, 'ORIGIN_MISMATCH')
    const elsewhere = { crossOrigin: true, topOrigin: 'https://evil.example' }
    refused(alice.approve(DIGEST, elsewhere), { rp }, 'ORIGIN_MISMATCH')
    refused(alice.approve(DIGEST), { rp: null }, 'RP_MISMATCH')
  })
})

describe('passkey creation', () => {
  it('introduces a passkey of any accepted algorithm, which approves nothing itself', () => {
    for (const alg of ['ES256', 'EdDSA', 'RS256'] as const) {
      const bob = passkey(alg, 'bob')
      for (const told of [{}, { fmt: 'packed', attStmt: bob.attest }]) {
        const results = verifyProofs([bob.create(DIGEST, { ...told, flags: 0x0d })], CONTEXT)
        assert.deepEqual(results.credentials, [])
        assert.deepEqual(results.introduced, [
          {
            kind: 'passkey',
            credentialId: bob.credentialId,
            cose: bob.cose,
            rpId: RP.id,
            aaguid: bob.aaguid,
            backupEligible: true,
            transports: ['internal'],
          },
        ])
      }
    }
  })

  it('counts a format of certificates as none, unless the scope lists models', () => {
    const proof = alice.create(DIGEST, {
      fmt: 'tpm',
      attStmt: () => ({ x5c: [new Uint8Array(3)] }),
    })
    assert.equal(verifyProofs([proof], CONTEXT).introduced.length, 1)
    const listed = { ...RP, aaguids: [alice.aaguid] }
    refused(proof, { rp: listed }, 'AUTH_FAILED')
    const self = alice.create(DIGEST, { fmt: 'packed', attStmt: alice.attest })
    assert.equal(verifyProofs([self], { ...CONTEXT, rp: listed }).introduced.length, 1)
    refused(self, { rp: { ...RP, aaguids: [new Uint8Array(16)] } }, 'AUTH_FAILED')
  })

  const cases: [string, Parameters<typeof alice.create>[1], ErrorId][] = [
    ['of another ceremony', { type: 'webauthn.get' }, 'CHALLENGE_MISMATCH'],
    ['of another digest', { challenge: new Uint8Array(32) }, 'CHALLENGE_MISMATCH'],
    ['of another origin', { origin: 'https://evil.example' }, 'ORIGIN_MISMATCH'],
    ['of another relying party', { rpId: 'evil.example' }, 'RP_MISMATCH'],
    ['without a verified user', { flags: 0x01 }, 'USER_VERIFICATION_REQUIRED'],
    ['whose none says something', { attStmt: () => ({ alg: -7 }) }, 'AUTH_FAILED'],
    ['attested by another key', { fmt: 'packed', attStmt: mallory.attest }, 'AUTH_FAILED'],
    [
      'attested under another algorithm',
      { fmt: 'packed', attStmt: (bytes) => ({ ...alice.attest(bytes), alg: -8 }) },
      'AUTH_FAILED',
    ],
  ]
  for (const [name, told, id] of cases)
    it(`${name} is ${id}`, () => refused(alice.create(DIGEST, told), {}, id))

  it('is REQ_MALFORMED for every truncation and for bytes behind it', () => {
    const proof = alice.create(DIGEST)
    const { attestationObject } = proof
    for (let length = 0; length < attestationObject.length; length++)
      refused(
        { ...proof, attestationObject: attestationObject.slice(0, length) },
        {},
        'REQ_MALFORMED',
      )
    const longer = new Uint8Array([...attestationObject, 0])
    refused({ ...proof, attestationObject: longer }, {}, 'REQ_MALFORMED')
  })
})

describe('key proof', () => {
  for (const alg of CLIENT_ALGORITHMS)
    it(`${alg}: of the account, and of a developer`, () => {
      const bob = signer(alg, 'bob')
      const credentials = [keyCredential(bob)]
      assert.deepEqual(accepted(accountProof(bob), { credentials })[0]?.roles, ['user'])
      const developerKeys = [{ ...developer, ...bob.key }]
      assert.deepEqual(accepted(developerProof(bob), { developerKeys })[0]?.roles, ['developer'])
      const proof = accountProof(bob)
      const forms = [
        flip(proof.signature),
        flip(proof.signature, 0),
        proof.signature.slice(1),
        new Uint8Array([...proof.signature, 0]),
        new Uint8Array(proof.signature.length),
      ]
      for (const signature of forms)
        refused({ ...proof, signature }, { credentials }, 'AUTH_FAILED')
      const elsewhere = accountProof(bob, { ...CORE, exp: CORE.exp + 1 })
      refused(elsewhere, { credentials }, 'AUTH_FAILED')
      if (alg !== 'EIP191')
        for (const other of ['EdDSA', 'ES256', 'RS256', 'PS256'] as const)
          if (other !== alg)
            refused(
              proof,
              { credentials: [keyCredential({ ...bob, key: { ...bob.key, alg: other } })] },
              'AUTH_FAILED',
            )
    })

  const dev = (change: object): Change => ({ developerKeys: [{ ...developer, ...change }] })
  const cases: [string, AccessProof, Change][] = [
    ['of a key that nobody knows', developerProof(signer('ES256', 'mallory')), {}],
    [
      'by another key under a known name',
      developerProof({ ...signer('ES256', 'mallory'), key: dora.key }),
      {},
    ],
    ['of a developer before its time', developerProof(dora), dev({ notBefore: NOW + 1 })],
    ['of a developer at the end of its time', developerProof(dora), dev({ notAfter: NOW })],
    ['of a developer for another class', developerProof(dora), dev({ actions: ['sign.tx'] })],
    ['of a revoked developer', developerProof(dora), { revoked: ['dora'] }],
    [
      'of a credential for another class',
      accountProof(aliceKey),
      { credentials: [keyCredential(aliceKey, { actions: ['sign.tx'] })] },
    ],
    ['of a removed credential', accountProof(aliceKey), { credentials: others('key') }],
  ]
  for (const [name, proof, change] of cases)
    it(`${name} is AUTH_FAILED`, () => refused(proof, change, 'AUTH_FAILED'))
})

describe('identity token', () => {
  it('approves with the client key that its nonce names', () => {
    assert.deepEqual(accepted(oidcProof()), [
      { id: oidcCredential.id, kind: 'oidc', roles: ['user'] },
    ])
    assert.equal(accepted(oidcProof({ header: { jku: 'https://evil.example/keys' } })).length, 1)
    assert.equal(accepted(oidcProof({ claims: { azp: 'client-1', nbf: NOW } })).length, 1)
  })

  const cases: [string, TokenChanges, ErrorId][] = [
    ['of algorithm none', { header: { alg: 'none' } }, 'OIDC_TOKEN_INVALID'],
    ['of HMAC', { header: { alg: 'HS256' } }, 'OIDC_TOKEN_INVALID'],
    [
      'of an algorithm that the scope does not list',
      { header: { alg: 'PS256' } },
      'OIDC_TOKEN_INVALID',
    ],
    ['of an algorithm that the key is not for', { header: { alg: 'ES256' } }, 'OIDC_TOKEN_INVALID'],
    ['without kid', { header: { kid: undefined } }, 'OIDC_TOKEN_INVALID'],
    ['with critical extensions', { header: { crit: ['b64'] } }, 'OIDC_TOKEN_INVALID'],
    ['of another type', { header: { typ: 'at+jwt' } }, 'OIDC_TOKEN_INVALID'],
    ['of another issuer', { claims: { iss: `${ISSUER}/` } }, 'OIDC_TOKEN_INVALID'],
    ['for another audience', { claims: { aud: 'client-2' } }, 'OIDC_TOKEN_INVALID'],
    ['for a list of audiences', { claims: { aud: ['client-1', 'x'] } }, 'OIDC_TOKEN_INVALID'],
    ['for a list of one', { claims: { aud: ['client-1'] } }, 'OIDC_TOKEN_INVALID'],
    ['made for another party', { claims: { azp: 'client-2' } }, 'OIDC_TOKEN_INVALID'],
    ['from the future', { claims: { iat: NOW + 31 } }, 'OIDC_TOKEN_INVALID'],
    ['too old', { claims: { iat: NOW - 601 } }, 'OIDC_TOKEN_INVALID'],
    ['expired', { claims: { exp: NOW } }, 'OIDC_TOKEN_INVALID'],
    ['without exp', { claims: { exp: undefined } }, 'OIDC_TOKEN_INVALID'],
    ['without iat', { claims: { iat: undefined } }, 'OIDC_TOKEN_INVALID'],
    ['not valid yet', { claims: { nbf: NOW + 31 } }, 'OIDC_TOKEN_INVALID'],
    ['without nonce', { claims: { nonce: undefined } }, 'OIDC_TOKEN_INVALID'],
    ['with another nonce', { claims: { nonce: 'AAAA' } }, 'OIDC_TOKEN_INVALID'],
    ['of another client key', { proof: { clientKey: boss.key } }, 'OIDC_TOKEN_INVALID'],
    ['with another rand', { proof: { rand: new Uint8Array(16) } }, 'OIDC_TOKEN_INVALID'],
    ['with a later maxExp', { proof: { maxExp: NOW + 3601 } }, 'OIDC_TOKEN_INVALID'],
    ['without subject', { claims: { sub: '' } }, 'OIDC_TOKEN_INVALID'],
    ['with a claim twice', { body: '{"iss":"a","iss":"b"}' }, 'OIDC_TOKEN_INVALID'],
    ['of two parts', { token: (t) => t.split('.').slice(0, 2).join('.') }, 'OIDC_TOKEN_INVALID'],
    ['of four parts', { token: (t) => `${t}.AA` }, 'OIDC_TOKEN_INVALID'],
    ['with padding', { token: (t) => `${t}=` }, 'OIDC_TOKEN_INVALID'],
    ['under a key that is not known', { header: { kid: 'k2' } }, 'OIDC_KEY_UNKNOWN'],
    ['signed by another key', { signer: signer('RS256', 'mallory') }, 'AUTH_FAILED'],
    ['with a changed signature', { token: (t) => `${t.slice(0, -6)}AAAAAA` }, 'AUTH_FAILED'],
    ['of another subject', { claims: { sub: 'mallory' } }, 'AUTH_FAILED'],
    ['used by another client', { client: boss }, 'AUTH_FAILED'],
  ]
  for (const [name, changes, id] of cases)
    it(`${name} is ${id}`, () => refused(oidcProof(changes), {}, id))

  it('bounds the request, and answers to the claims that the scope asks for', () => {
    const core = { ...CORE, exp: NOW + 3601 }
    refused(oidcProof(), { core }, 'OIDC_TOKEN_INVALID')
    const issuersAt = () =>
      CONTEXT.issuersAt(NOW).map((one) => ({
        ...one,
        issuer: { ...one.issuer, claims: { email_verified: true } },
      }))
    refused(oidcProof(), { issuersAt }, 'OIDC_TOKEN_INVALID')
    assert.equal(accepted(oidcProof({ claims: { email_verified: true } }), { issuersAt }).length, 1)
    refused(oidcProof(), { issuersAt: () => [] }, 'OIDC_TOKEN_INVALID')
  })

  it('of a rotated key is taken as soon as the set has the key', () => {
    const rotated = signer('ES256', 'issuer 2')
    const proof = oidcProof({ header: { kid: 'k2', alg: 'ES256' }, signer: rotated })
    refused(proof, {}, 'OIDC_KEY_UNKNOWN')
    const keys = [issuerKey, { kid: 'k2', algs: ['ES256'] as const, spki: rotated.key.spki }]
    const issuersAt = () => CONTEXT.issuersAt(NOW).map((one) => ({ ...one, keys }))
    assert.equal(accepted(proof, { issuersAt }).length, 1)
    const replaced = () => CONTEXT.issuersAt(NOW).map((one) => ({ ...one, keys: keys.slice(1) }))
    refused(oidcProof(), { issuersAt: replaced }, 'OIDC_KEY_UNKNOWN')
  })
})

describe('session proof', () => {
  it('approves as the credentials that opened it', () => {
    const [found] = accepted(sessionProof())
    assert.equal(found?.kind, 'session')
    assert.deepEqual(found?.id, passkeyCredential(alice).id)
    assert.deepEqual(found?.roles, ['user'])
    const opener = (core: typeof CORE) => [accountProof(aliceKey, core), developerProof(dora, core)]
    const roles = accepted(sessionProof({ opener })).map((one) => one.roles[0])
    assert.deepEqual(roles, ['user', 'developer'])
    const byToken = (core: typeof CORE) => [
      oidcProof({ claims: { iat: core.iat, exp: core.iat + 300 } }, core),
    ]
    assert.equal(accepted(sessionProof({ opener: byToken })).length, 1)
  })

  const ends: [string, SessionChanges, boolean][] = [
    ['at 23:59', { openedAt: NOW - DAY + 60 }, true],
    ['at 24:00', { openedAt: NOW - DAY }, false],
    ['renewed at 23:00, at 24:01', { openedAt: NOW - DAY - 60, renewedAt: [NOW - 3660] }, true],
    ['renewed after its end', { openedAt: NOW - DAY - 60, renewedAt: [NOW - 30] }, false],
    ['at the end of its ttl', { openedAt: NOW - 60, params: { ttl: 60 } }, false],
    [
      'on day 7, renewed each day',
      {
        openedAt: NOW - 7 * DAY + 1,
        renewedAt: [1, 2, 3, 4, 5, 6].map((d) => NOW - (7 - d) * DAY - 9),
      },
      true,
    ],
    [
      'after day 7, renewed each day',
      {
        openedAt: NOW - 7 * DAY,
        renewedAt: [1, 2, 3, 4, 5, 6, 7].map((d) => NOW - (7 - d) * DAY - 9),
      },
      false,
    ],
  ]
  for (const [name, changes, runs] of ends)
    it(`${name} ${runs ? 'is taken' : 'is SESSION_EXPIRED'}`, () => {
      if (runs) assert.equal(accepted(sessionProof(changes)).length, 1)
      else refused(sessionProof(changes), {}, 'SESSION_EXPIRED')
    })

  const openedAt = NOW - 3600
  const renewal = { openedAt: NOW - DAY - 60, renewedAt: [NOW - 3660] }
  const cases: [string, SessionChanges, Change, ErrorId][] = [
    ['without its client key', { client: boss }, {}, 'AUTH_FAILED'],
    [
      'opened by a stranger',
      { opener: (core) => [developerProof(signer('ES256', 'mallory'), core)] },
      {},
      'AUTH_FAILED',
    ],
    ['opened for another digest', { opener: () => [alice.approve(DIGEST)] }, {}, 'AUTH_FAILED'],
    ['whose credential was revoked', {}, { credentials: others('passkey') }, 'AUTH_FAILED'],
    [
      'whose credential ended since',
      {},
      { credentials: [passkeyCredential(alice, { notAfter: NOW })] },
      'AUTH_FAILED',
    ],
    [
      'of a revoked developer',
      { opener: (core) => [developerProof(dora, core)] },
      { revoked: ['dora'] },
      'AUTH_FAILED',
    ],
    [
      'whose origin was removed',
      {},
      { rp: { ...RP, origins: ['https://www.app.example'] } },
      'AUTH_FAILED',
    ],
    ['of an earlier epoch', {}, { sessionEpoch: 1 }, 'AUTH_FAILED'],
    [
      'whose credential may open it and no more',
      {},
      { credentials: [passkeyCredential(alice, { actions: ['session.open'] })] },
      'AUTH_FAILED',
    ],
    [
      'whose credential may not open it',
      {},
      { credentials: [passkeyCredential(alice, { actions: ['sign.message'] })] },
      'AUTH_FAILED',
    ],
    [
      'whose developer may open it and no more',
      { opener: (core) => [developerProof(dora, core)] },
      { developerKeys: [{ ...developer, actions: ['session.open'] }] },
      'AUTH_FAILED',
    ],
    ['of another account', { core: { accountId: new Uint8Array(16) } }, {}, 'AUTH_FAILED'],
    ['of another scope', { core: { scopeId: new Uint8Array(16) } }, {}, 'AUTH_FAILED'],
    ['of another network', { core: { networkId: new Uint8Array(32) } }, {}, 'AUTH_FAILED'],
    ['whose ticket is not named', { core: { ticketHash: null } }, {}, 'SESSION_EXPIRED'],
    [
      'with a ticket for another purpose',
      { ticket: ticketFor('renewal', openedAt) },
      {},
      'SESSION_EXPIRED',
    ],
    [
      'with a ticket of a stranger',
      { ticket: ticketFor('session', openedAt, { guest: 3 }) },
      {},
      'SESSION_EXPIRED',
    ],
    [
      'dated before its ticket',
      { ticket: ticketFor('session', openedAt + 31) },
      {},
      'SESSION_EXPIRED',
    ],
    [
      'dated after its ticket',
      { ticket: ticketFor('session', openedAt - 301) },
      {},
      'SESSION_EXPIRED',
    ],
    ['dated in the future', { openedAt: NOW + 31 }, {}, 'SESSION_EXPIRED'],
    ['renewed by a stranger', { ...renewal, renewal: { client: boss } }, {}, 'SESSION_EXPIRED'],
    [
      'renewed with a late ticket',
      { ...renewal, renewal: { ticketAt: NOW - 50, core: { iat: NOW - 45 } } },
      {},
      'SESSION_EXPIRED',
    ],
    [
      'renewed by another method',
      { ...renewal, renewal: { core: { method: 'personal_sign' } } },
      {},
      'SESSION_EXPIRED',
    ],
    [
      'renewed for another session',
      { ...renewal, renewal: { core: { params: { session: toBase64url(DIGEST) } } } },
      {},
      'SESSION_EXPIRED',
    ],
    ['of another method as opening', { core: { method: 'personal_sign' } }, {}, 'REQ_MALFORMED'],
    ['longer than a day', { params: { ttl: DAY + 1 } }, {}, 'REQ_MALFORMED'],
    ['with an unknown caveat', { params: { caveats: { origin: ORIGIN } } }, {}, 'REQ_MALFORMED'],
  ]
  for (const [name, changes, change, id] of cases)
    it(`${name} is ${id}`, () => refused(sessionProof(changes), change, id))

  const { facts } = CONTEXT
  const caveats: [object, Change, boolean][] = [
    [{ methods: ['personal_sign'] }, {}, true],
    [{ methods: ['eth_signTransaction'] }, {}, false],
    [{ chains: ['eip155:1'] }, {}, true],
    [{ chains: ['eip155:10'] }, {}, false],
    [{ chains: ['eip155:1'] }, { facts: { ...facts, caip2: null } }, false],
    [{ keys: [toBase64url(new Uint8Array(32).fill(8))] }, {}, true],
    [{ keys: [toBase64url(new Uint8Array(32).fill(9))] }, {}, false],
    [
      { keys: [toBase64url(new Uint8Array(32).fill(8))] },
      { facts: { ...facts, keyId: null } },
      false,
    ],
    [{ maxValue: '1000' }, { facts: { ...facts, value: 1000n } }, true],
    [{ maxValue: '1000' }, { facts: { ...facts, value: 1001n } }, false],
    [{ maxValue: '1000' }, { facts: { ...facts, value: null } }, false],
    [{ methods: ['personal_sign'], chains: ['eip155:10'] }, {}, false],
  ]
  for (const [given, change, holds] of caveats)
    it(`with ${JSON.stringify(given)} ${holds ? 'covers' : 'does not cover'} it`, () => {
      const proof = sessionProof({ params: { caveats: given } })
      if (holds) assert.equal(accepted(proof, change).length, 1)
      else refused(proof, change, 'SESSION_CAVEAT')
    })

  it('revoked by its id is AUTH_FAILED, and a count is for the lane', () => {
    const proof = sessionProof({ params: { caveats: { maxCount: 3 } } })
    const session = accepted(proof)[0]?.session
    assert.equal(session?.maxCount, 3)
    refused(proof, { revokedSessions: [session?.id ?? new Uint8Array()] }, 'AUTH_FAILED')
  })
})

describe('approval', () => {
  it('of a named approver is a word for the policy', () => {
    for (const decision of ['allow', 'deny'] as const) {
      const { credentials, approvals } = verifyProofs([approvalProof(decision)], CONTEXT)
      assert.deepEqual(credentials, [])
      assert.deepEqual(approvals, [{ id: 'boss', decision, exp: NOW + 60 }])
    }
  })

  const cases: [string, AccessProof, Change][] = [
    ['of somebody else', approvalProof('allow', {}, phone), {}],
    ['of an unknown approver', approvalProof('allow', { id: 'chief' }), {}],
    ['turned around', approvalProof('deny', { decision: 'allow' }), {}],
    ['prolonged', approvalProof('allow', { exp: NOW + 61 }), {}],
    ['of another intent', approvalProof(), { intentDigest: new Uint8Array(32) }],
    ['of no intent', approvalProof(), { intentDigest: null }],
    ['of another request', approvalProof(), { digest: new Uint8Array(32) }],
  ]
  for (const [name, proof, change] of cases)
    it(`${name} is AUTH_FAILED`, () => refused(proof, change, 'AUTH_FAILED'))
})

describe('proofs of one request', () => {
  it('are verified as often for an unknown credential as for a known one', () => {
    const verifications = (proof: AccessProof, change: Change): number => {
      let count = 0
      const counted =
        <Args extends unknown[]>(verify: (...args: Args) => boolean) =>
        (...args: Args): boolean => {
          count += 1
          return verify(...args)
        }
      const { client, passkey, guest } = PURE_VERIFIER
      const verifier = { client: counted(client), passkey: counted(passkey), guest: counted(guest) }
      try {
        verifyProofs([proof], { ...CONTEXT, ...change, verifier })
      } catch (error) {
        assert.ok(error instanceof RequestError)
      }
      return count
    }
    const opener = (core: typeof CORE) => [accountProof(aliceKey, core)]
    const proofs = [
      alice.approve(DIGEST),
      accountProof(aliceKey),
      oidcProof(),
      sessionProof(),
      sessionProof({ opener }),
      approvalProof(),
    ]
    for (const proof of proofs) {
      const known = verifications(proof, {})
      assert.ok(known > 0)
      assert.equal(verifications(proof, { credentials: [], approvers: [] }), known, proof.kind)
    }
  })

  it('of the key that stands in for unknown ones are refused', () => {
    const one = Uint8Array.from({ length: 32 }, (_, i) => (i === 31 ? 1 : 0)) // the secret of the base point
    const sign = (message: Uint8Array) => p256.sign(sha256(message), one, { prehash: false })
    const standIn = { key: { ...dora.key, kid: 'nobody' }, sign }
    refused(developerProof(standIn), {}, 'AUTH_FAILED')
    const spki = encodeSpki('ES256', p256.getPublicKey(one, false))
    const message = keyProofMessage('ES256', CORE, DIGEST)
    assert.equal(PURE_VERIFIER.client({ alg: 'ES256', spki }, message, sign(message)), true)
  })

  it('are all verified, and one that fails fails the request', () => {
    const both = [alice.approve(DIGEST), developerProof(dora)]
    assert.equal(verifyProofs(both, CONTEXT).credentials.length, 2)
    const foreign = developerProof(dora, { ...CORE, exp: CORE.exp + 1 })
    for (const proofs of [
      [alice.approve(DIGEST), foreign],
      [foreign, alice.approve(DIGEST)],
    ])
      assert.throws(() => verifyProofs(proofs, CONTEXT), { id: 'AUTH_FAILED' })
  })
})
