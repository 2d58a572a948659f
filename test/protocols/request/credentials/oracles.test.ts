import assert from 'node:assert/strict'
import { verifyAuthenticationResponse, verifyRegistrationResponse } from '@simplewebauthn/server'
import { createLocalJWKSet, exportJWK, generateKeyPair, jwtVerify, SignJWT } from 'jose'
import { toBase64url } from '../../../../protocols/request/base64url.ts'
import { parseJwks } from '../../../../protocols/request/credentials/jwks.ts'
import { isSignedByIssuer, parseJwt } from '../../../../protocols/request/credentials/jwt.ts'
import { PURE_VERIFIER } from '../../../../protocols/request/credentials/signature-verifier.ts'
import { verifyProofs } from '../../../../protocols/request/credentials/verify-proofs.ts'
import { DecodeError } from '../../../../protocols/session/codec.ts'
import { type Ceremony, ORIGIN, passkey, RP_ID, type TestPasskey } from './actors.ts'
import { CONTEXT, DIGEST, passkeyCredential } from './world.ts'

/** Whether the library accepts an assertion; it throws for some refusals and answers others. */
async function libraryAccepts(of: TestPasskey, told: Ceremony): Promise<boolean> {
  const proof = of.approve(DIGEST, told)
  const id = toBase64url(of.credentialId)
  try {
    const { verified } = await verifyAuthenticationResponse({
      response: {
        id,
        rawId: id,
        type: 'public-key',
        clientExtensionResults: {},
        response: {
          authenticatorData: toBase64url(proof.authenticatorData),
          clientDataJSON: toBase64url(proof.clientDataJSON),
          signature: toBase64url(proof.signature),
        },
      },
      expectedChallenge: toBase64url(DIGEST),
      expectedOrigin: ORIGIN,
      expectedRPID: RP_ID,
      credential: { id, publicKey: Uint8Array.from(of.cose), counter: 0 },
      requireUserVerification: true,
    })
    return verified
  } catch {
    return false
  }
}

function weAccept(of: TestPasskey, told: Ceremony): boolean {
  const context = { ...CONTEXT, credentials: [passkeyCredential(of)] }
  try {
    return verifyProofs([of.approve(DIGEST, told)], context).credentials.length === 1
  } catch {
    return false
  }
}

describe('another implementation of WebAuthn', () => {
  const ceremonies: Ceremony[] = [
    {},
    { flags: 0x1d, signCount: 5 },
    { challenge: new Uint8Array(32) },
    { origin: 'https://evil.example' },
    { rpId: 'evil.example' },
    { flags: 0x01 },
    { flags: 0x04 },
    { type: 'webauthn.create' },
  ]
  for (const alg of ['ES256', 'EdDSA', 'RS256'] as const)
    it(`${alg}: accepts and refuses the same assertions`, async () => {
      const bob = passkey(alg, 'bob')
      const verdicts = await Promise.all(ceremonies.map((told) => libraryAccepts(bob, told)))
      assert.deepEqual(verdicts, [true, true, false, false, false, false, false, false])
      assert.deepEqual(
        ceremonies.map((told) => weAccept(bob, told)),
        verdicts,
      )
    })

  it('reads the same credential out of a creation', async () => {
    for (const alg of ['ES256', 'EdDSA', 'RS256'] as const) {
      const bob = passkey(alg, 'bob')
      const proof = bob.create(DIGEST, { fmt: 'packed', attStmt: bob.attest })
      const id = toBase64url(bob.credentialId)
      const { verified, registrationInfo } = await verifyRegistrationResponse({
        response: {
          id,
          rawId: id,
          type: 'public-key',
          clientExtensionResults: {},
          response: {
            attestationObject: toBase64url(proof.attestationObject),
            clientDataJSON: toBase64url(proof.clientDataJSON),
          },
        },
        expectedChallenge: toBase64url(DIGEST),
        expectedOrigin: ORIGIN,
        expectedRPID: RP_ID,
        requireUserVerification: true,
      })
      assert.equal(verified, true)
      const [ours] = verifyProofs([proof], CONTEXT).introduced
      assert.ok(ours?.kind === 'passkey')
      assert.deepEqual(new Uint8Array(registrationInfo?.credential.publicKey ?? []), ours.cose)
      assert.equal(registrationInfo?.credential.id, toBase64url(ours.credentialId))
    }
  })
})

describe('another implementation of JWT', () => {
  for (const alg of ['RS256', 'PS256', 'ES256', 'EdDSA'] as const)
    it(`${alg}: signs tokens that verify under its own JWK set, and no others`, async () => {
      const { publicKey, privateKey } = await generateKeyPair(alg)
      const jwk = { ...(await exportJWK(publicKey)), kid: 'k1', alg, use: 'sig' }
      const token = await new SignJWT({ nonce: 'n' })
        .setProtectedHeader({ alg, kid: 'k1', typ: 'JWT' })
        .setIssuedAt(1)
        .sign(privateKey)
      await jwtVerify(token, createLocalJWKSet({ keys: [jwk] }))
      const [key] = parseJwks(JSON.stringify({ keys: [jwk] }))
      assert.ok(key)
      assert.deepEqual(key.algs, [alg])
      const jwt = parseJwt(token)
      assert.deepEqual(jwt.claims, { nonce: 'n', iat: 1 })
      assert.equal(isSignedByIssuer(jwt, key, PURE_VERIFIER), true)
      const changed = {
        ...jwt,
        signedBytes: jwt.signedBytes.map((byte, i) => (i === 9 ? byte ^ 1 : byte)),
      }
      assert.equal(isSignedByIssuer(changed, key, PURE_VERIFIER), false)
      const { publicKey: foreign } = await generateKeyPair(alg)
      const [other] = parseJwks(
        JSON.stringify({ keys: [{ ...(await exportJWK(foreign)), kid: 'k1' }] }),
      )
      assert.ok(other)
      assert.equal(isSignedByIssuer(jwt, other, PURE_VERIFIER), false)
    }).timeout(20_000)

  it('JWK sets: other uses and types are passed over, malformed and repeated keys refused', () => {
    const point = { kty: 'OKP', crv: 'Ed25519', x: '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo' } // RFC 8037 A.2
    const set = (...keys: object[]): string => JSON.stringify({ keys })
    assert.equal(parseJwks(set({ ...point, kid: 'a' })).length, 1)
    const passed = [
      { ...point },
      { ...point, kid: 'a', use: 'enc' },
      { kty: 'oct', kid: 'a', k: 'AA' },
      { kty: 'EC', crv: 'P-521', kid: 'a' },
    ]
    assert.deepEqual(parseJwks(set(...passed)), [])
    const refused = [
      set({ ...point, kid: 'a' }, { ...point, kid: 'a' }),
      set({ ...point, kid: 'a', x: `${point.x}=` }),
      set({ kty: 'OKP', crv: 'Ed25519', kid: 'a' }),
      set({ kty: 'RSA', kid: 'a', n: 'AQAB', e: 'AQAB' }),
      '{"keys":[],"keys":[]}',
      '{"keys":{}}',
      '[]',
      'x'.repeat(65_537),
    ]
    for (const text of refused) assert.throws(() => parseJwks(text), DecodeError)
  })
})
