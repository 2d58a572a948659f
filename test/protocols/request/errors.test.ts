import assert from 'node:assert/strict'
import { ERRORS, type ErrorId, isErrorId, RequestError } from '../../../protocols/request/errors.ts'

/** Code of each id by 05 §3.3 and §4.3; `r` = retryable. */
const CODES: Readonly<Record<number, string>> = {
  [-32700]: 'BAD_REQUEST',
  [-32600]: 'REQ_MALFORMED NETWORK_MISMATCH rENTRY_KEY_EXPIRED DECRYPT_FAILED',
  [-32602]: 'PARAMS_INVALID SCOPE_INVALID POLICY_INVALID',
  [-32603]: 'STORAGE_FAILED INTERNAL_ERROR',
  [-32000]:
    'NONCE_REUSED STATE_CONFLICT MSG_BUILD_FAILED TX_BUILD_FAILED INTENT_MISMATCH SCOPE_VERSION_STALE',
  [-32001]: 'SCOPE_NOT_FOUND KEY_NOT_FOUND NOT_FOUND',
  [-32002]:
    'rMPC_QUORUM rMPC_DEADLINE rOVERLOADED rNOT_YET rOPERATION_IN_PROGRESS rDKG_FAILED rSIGN_FAILED rEPOCH_MISMATCH',
  [-32003]: 'POLICY_DENIED rAPPROVAL_REQUIRED APPROVAL_DENIED APPROVAL_TIMEOUT',
  [-32004]: 'MPC_PROTOCOL_UNSUPPORTED',
  [-32005]: 'rLIMIT_EXCEEDED',
  [-32010]: 'PAIR_BANNED SESSION_ID_REUSED MPC_ABORT_BLAMED',
  4100:
    'REQ_NOT_YET REQ_EXPIRED REQ_TTL AUTH_FAILED SCOPE_FROZEN CHALLENGE_EXPIRED CHALLENGE_MISMATCH ' +
    'ORIGIN_MISMATCH RP_MISMATCH USER_VERIFICATION_REQUIRED OIDC_TOKEN_INVALID rOIDC_KEY_UNKNOWN ' +
    'SESSION_EXPIRED SESSION_CAVEAT',
  4200: 'METHOD_UNSUPPORTED',
}

describe('error ids', () => {
  it('have the codes of 05', () => {
    const expected = Object.entries(CODES).flatMap(([code, ids]) =>
      ids.split(' ').map((id) => [id.replace(/^r/, ''), Number(code), id.startsWith('r')]),
    )
    const found = Object.entries(ERRORS).map(([id, { code, retryable }]) => [id, code, retryable])
    assert.deepEqual(
      new Map(found.map((row) => [row[0], row])),
      new Map(expected.map((row) => [row[0], row])),
    )
  })

  it('are known by name, and nothing else is', () => {
    assert.equal(isErrorId('MPC_QUORUM'), true)
    for (const text of ['toString', '__proto__', 'mpc_quorum', ''])
      assert.equal(isErrorId(text), false)
  })

  it('make errors that carry id, sentence and cause', () => {
    const cause = new Error('why')
    const error = new RequestError('MPC_QUORUM', undefined, { cause })
    assert.equal(error.message, 'insufficient signers')
    assert.equal(error.cause, cause)
    const id: ErrorId = error.id
    assert.equal(id, 'MPC_QUORUM')
    assert.match(new RequestError('PARAMS_INVALID', 'no address').message, /: no address$/)
  })
})
