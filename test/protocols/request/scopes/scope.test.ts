import assert from 'node:assert/strict'
import { bytesToHex } from '@noble/hashes/utils.js'
import { accountIdOf, uuidText } from '../../../../protocols/request/account-id.ts'
import { toBase64url } from '../../../../protocols/request/base64url.ts'
import type { ErrorId } from '../../../../protocols/request/errors.ts'
import { presetPolicy } from '../../../../protocols/request/policy/preset-policy.ts'
import {
  adoptedScope,
  isAdoptedByDelay,
} from '../../../../protocols/request/scopes/adopted-scope.ts'
import { identifierHash } from '../../../../protocols/request/scopes/identifier-hash.ts'
import {
  checkNextScope,
  type OwnerSignature,
} from '../../../../protocols/request/scopes/next-scope.ts'
import type { Scope } from '../../../../protocols/request/scopes/scope.ts'
import {
  decodeScope,
  encodeScope,
  scopeFromJson,
  scopeHash,
} from '../../../../protocols/request/scopes/scope-document.ts'
import { DecodeError } from '../../../../protocols/session/codec.ts'
import { seeded } from '../../../support/seeded.ts'
import { signer } from '../credentials/actors.ts'
import { developer, NETWORK, RP } from '../credentials/world.ts'
import { firstScope, following, olga, oskar, otto, signatures } from './scope-world.ts'

/** The JSON form of a document: ids of 16 bytes are UUIDs, other bytes base64url. */
const toJson = (value: unknown): unknown => {
  if (value instanceof Uint8Array) return value.length === 16 ? uuidText(value) : toBase64url(value)
  if (Array.isArray(value)) return value.map(toJson)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, toJson(item)]))
}

const scope = firstScope()

describe('scope document', () => {
  it('reads what it wrote, in CBOR and in JSON', () => {
    const second = following(scope, { name: 'Example 2' })
    for (const one of [scope, second]) {
      assert.deepEqual(decodeScope(encodeScope(one)), one)
      assert.deepEqual(scopeFromJson(toJson(one)), one)
    }
  })

  it('has an id that its first version decides', () => {
    assert.notDeepEqual(firstScope({ name: 'Other' }).id, scope.id)
    assert.throws(() => encodeScope({ ...scope, name: 'Other' }), /id is not that/)
    assert.throws(() => encodeScope({ ...scope, id: new Uint8Array(16) }), /id is not that/)
  })

  it('gives every member a part in its hash', () => {
    const changes: Partial<Scope>[] = [
      { name: 'Other' },
      { environment: 'development' },
      { owners: { threshold: 1, keys: scope.owners.keys } },
      { profiles: ['device'] },
      { registration: { mode: 'closed' } },
      { rp: { ...RP, name: 'Other' } },
      { developerKeys: [] },
      { oidc: [] },
      { policy: presetPolicy('user') },
      { adopt: { mode: 'consent', seconds: 86_400 } },
      { recovery: { means: [] } },
      { export: { allowed: true, delay: 86_400 } },
      { chains: {} },
      { fetchAllow: ['https://feed.example'] },
      { approvers: [] },
      { webhooks: [{ id: 'w', url: 'https://w.example', events: [], secretId: 's' }] },
      { frozen: true },
      { revoked: ['dora'] },
    ]
    const hashes = changes.map((change) => bytesToHex(scopeHash(following(scope, change))))
    assert.equal(
      new Set([...hashes, bytesToHex(scopeHash(following(scope)))]).size,
      changes.length + 1,
    )
  })

  it('refuses every truncation, and bytes that are not its encoding', () => {
    const bytes = encodeScope(scope)
    for (let length = 0; length < bytes.length; length += 7)
      assert.throws(() => decodeScope(bytes.slice(0, length)), DecodeError)
    assert.throws(() => decodeScope(new Uint8Array([...bytes, 0])), DecodeError)
    assert.throws(() => decodeScope(new Uint8Array(65_537)), /more than/)
  })

  const olgaTwice = { ...olga.key, kid: 'olga2' }
  const refused: Record<string, Partial<Record<keyof Scope | 'extra', unknown>>> = {
    'an unknown member': { extra: 1 },
    'version 0': { version: 0 },
    'version 1 with a previous one': { previous: new Uint8Array(32) },
    'version 2 without a previous one': { version: 2 },
    'no owners': { owners: { threshold: 1, keys: [] } },
    'a threshold above its owners': { owners: { threshold: 2, keys: [olga.key] } },
    'an owner under two names': { owners: { threshold: 2, keys: [olga.key, olgaTwice] } },
    'two owners of one name': {
      owners: { threshold: 1, keys: [olga.key, { ...otto.key, kid: 'olga' }] },
    },
    'an owner whose key is none': {
      owners: { threshold: 1, keys: [{ ...olga.key, spki: new Uint8Array(44) }] },
    },
    'a developer under two names': { developerKeys: [developer, { ...developer, kid: 'x' }] },
    'a developer key that is never valid': {
      developerKeys: [{ ...developer, notAfter: developer.notBefore }],
    },
    'an http origin': { rp: { ...RP, origins: ['http://app.example'] } },
    'an http origin of this machine in production': {
      rp: { ...RP, id: 'localhost', origins: ['http://localhost:3000'] },
    },
    'an origin with a path': { rp: { ...RP, origins: ['https://app.example/'] } },
    'an origin in capitals': { rp: { ...RP, origins: ['https://APP.example'] } },
    'an origin with a user': { rp: { ...RP, origins: ['https://me@app.example'] } },
    'an origin of another domain': { rp: { ...RP, origins: ['https://notapp.example'] } },
    'users who are not verified': { rp: { ...RP, userVerification: 'preferred' } },
    'an issuer with keys and a place for them': {
      oidc: [{ ...scope.oidc[0], jwks: '{"keys":[]}' }],
    },
    'an issuer of HMAC': { oidc: [{ ...scope.oidc[0], algs: ['HS256'] }] },
    'an issuer twice': { oidc: [scope.oidc[0], scope.oidc[0]] },
    'an http key set': { oidc: [{ ...scope.oidc[0], jwksUri: 'http://id.example/keys' }] },
    'a policy that names no approver': {
      policy: { ...presetPolicy('user'), actions: { 'sign.tx': { approval: 'chief' } } },
    },
    'an hour to object': { adopt: { mode: 'delay', seconds: 3600 } },
    'a recovery of a minute in production': { recovery: { means: ['code'], delays: { code: 60 } } },
    'a name of 129 characters': { name: 'n'.repeat(129) },
    'a fraction': { export: { allowed: true, delay: 0.5 } },
    'an http approver': { approvers: [{ ...scope.approvers[0], url: 'http://boss.example' }] },
  }
  for (const [name, change] of Object.entries(refused))
    it(`refuses ${name}`, () => {
      const doc = firstScope(change as Partial<Scope>)
      assert.throws(() => encodeScope(doc), DecodeError)
    })

  it('takes this machine in development', () => {
    const rp = { ...RP, id: 'localhost', origins: ['http://localhost:3000'] }
    encodeScope(firstScope({ environment: 'development', rp }))
  })
})

describe('the next version of a scope', () => {
  const newest = following(scope, { name: 'second', owners: { threshold: 1, keys: [olga.key] } })
  const refusals: [string, Scope | null, Scope, OwnerSignature[], ErrorId][] = [
    ['a first version that is none', null, newest, signatures(newest, olga), 'SCOPE_VERSION_STALE'],
    ['the same version again', newest, newest, signatures(newest, olga), 'SCOPE_VERSION_STALE'],
    [
      'a version left out',
      scope,
      following(newest),
      signatures(following(newest), olga, otto),
      'SCOPE_VERSION_STALE',
    ],
    [
      'another predecessor',
      newest,
      following(scope, { version: 3 }),
      signatures(following(scope, { version: 3 }), olga),
      'SCOPE_VERSION_STALE',
    ],
    [
      'another environment',
      newest,
      following(newest, { environment: 'development' }),
      signatures(following(newest, { environment: 'development' }), olga),
      'SCOPE_INVALID',
    ],
    [
      'another id',
      newest,
      following(newest, { id: new Uint8Array(16) }),
      signatures(following(newest, { id: new Uint8Array(16) }), olga),
      'SCOPE_INVALID',
    ],
    ['one owner of two', scope, newest, signatures(newest, olga), 'AUTH_FAILED'],
    ['one owner twice', scope, newest, signatures(newest, olga, olga), 'AUTH_FAILED'],
    [
      'a stranger',
      scope,
      newest,
      signatures(newest, olga, signer('EdDSA', 'mallory')),
      'AUTH_FAILED',
    ],
    ['signatures of another document', scope, newest, signatures(scope, olga, otto), 'AUTH_FAILED'],
    [
      'more signatures than owners',
      scope,
      newest,
      signatures(newest, olga, otto, oskar, olga),
      'AUTH_FAILED',
    ],
    [
      'its own owners instead of the last',
      newest,
      following(newest, { owners: { threshold: 1, keys: [otto.key] } }),
      signatures(following(newest, { owners: { threshold: 1, keys: [otto.key] } }), otto),
      'AUTH_FAILED',
    ],
    ['a first version without its owners', null, scope, signatures(scope, olga), 'AUTH_FAILED'],
  ]
  for (const [name, last, next, signed, id] of refusals)
    it(`with ${name} is ${id}`, () => {
      assert.throws(() => checkNextScope(last, next, signed, NETWORK), { id })
    })

  it('is signed by enough owners of the newest, of whatever algorithm', () => {
    checkNextScope(null, scope, signatures(scope, olga, otto), NETWORK)
    checkNextScope(scope, newest, signatures(newest, otto, oskar), NETWORK)
    const third = following(newest)
    checkNextScope(newest, third, signatures(third, olga), NETWORK)
    const elsewhere = new Uint8Array(32)
    assert.throws(() => checkNextScope(null, scope, signatures(scope, olga, otto), elsewhere), {
      id: 'SCOPE_INVALID',
    })
  })
})

describe('an adopted scope', () => {
  it('loses at once what newer versions take away', () => {
    const newest = following(scope, {
      frozen: true,
      revoked: ['dora'],
      oidc: [],
      rp: { ...RP, origins: ['https://www.app.example', 'https://new.app.example'] },
    })
    const bound = adoptedScope(scope, newest)
    assert.equal(bound.frozen, true)
    assert.deepEqual(bound.revoked, ['dora'])
    assert.deepEqual(bound.oidc, [])
    assert.deepEqual(bound.rp?.origins, ['https://www.app.example'])
  })

  it('gains nothing that newer versions add or loosen', () => {
    const { rp: _, ...without } = scope
    const newest = following(scope, {
      policy: presetPolicy('developer'),
      developerKeys: [developer, { ...developer, ...signer('EdDSA', 'eve').key }],
      oidc: [
        ...scope.oidc,
        {
          issuer: 'https://evil.example',
          audiences: ['a'],
          algs: ['RS256'],
          jwksUri: 'https://evil.example/k',
          maxAge: 600,
        },
      ],
      rp: {
        ...RP,
        origins: [...RP.origins, 'https://evil.app.example'],
        crossOrigin: ['https://evil.example'],
      },
      adopt: { mode: 'consent', seconds: 86_400 },
    })
    assert.deepEqual(adoptedScope(scope, newest), scope)
    assert.equal(adoptedScope(scope, { ...without }).rp, undefined)
    const revoked = following(scope, { revoked: ['dora'] })
    assert.deepEqual(adoptedScope(revoked, scope).revoked, ['dora'])
  })

  it('gives way to a newer one by delay: after notice and delay, without objection, by its own rule', () => {
    const noticedAt = 1_000_000
    const after = noticedAt + 86_400
    assert.equal(isAdoptedByDelay(scope, { noticedAt, objected: false }, after), true)
    assert.equal(isAdoptedByDelay(scope, { noticedAt, objected: false }, after - 1), false)
    assert.equal(isAdoptedByDelay(scope, { noticedAt, objected: true }, after), false)
    assert.equal(isAdoptedByDelay(scope, { noticedAt: null, objected: false }, after), false)
    const consenting = firstScope({ adopt: { mode: 'consent', seconds: 86_400 } })
    assert.equal(isAdoptedByDelay(consenting, { noticedAt, objected: false }, after * 2), false)
  })
})

describe('identifiers of accounts', () => {
  const [pepper, other] = [seeded('pepper')(32), seeded('other pepper')(32)]

  it('hide user names behind the pepper of the scope', () => {
    const hash = identifierHash(pepper, 'alice@example.org')
    assert.equal(hash.length, 32)
    assert.notDeepEqual(identifierHash(other, 'alice@example.org'), hash)
    assert.notDeepEqual(identifierHash(pepper, 'Alice@example.org'), hash)
    assert.deepEqual(identifierHash(pepper, 'Zoe\u0308'), identifierHash(pepper, 'Zo\u00eb'))
    for (const name of ['', '\ud800', 'n'.repeat(129)])
      assert.throws(() => identifierHash(pepper, name), DecodeError)
    assert.throws(() => identifierHash(new Uint8Array(31), 'alice'), /bug/)
  })

  it('are different in every scope, network and registration', () => {
    const ids = new Set<string>()
    for (const network of [NETWORK, new Uint8Array(32)])
      for (const one of [scope.id, firstScope({ name: 'Other' }).id])
        for (const key of [pepper, other])
          for (const digest of [new Uint8Array(32), new Uint8Array(32).fill(1)])
            ids.add(bytesToHex(accountIdOf(network, one, identifierHash(key, 'alice'), digest)))
    assert.equal(ids.size, 16)
  })
})
