import { deepEqual, equal, rejects } from 'node:assert/strict'
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Account } from '../../../../enclave-runtime/guest/accounts/account.ts'
import {
  type AuthorizeDeps,
  authorize,
} from '../../../../enclave-runtime/guest/requests/authorize.ts'
import { START_S } from '../guest-net.ts'
import { TestClient } from '../test-client.ts'
import { NETWORK } from '../vault/vault-fixture.ts'

/** One account, and a store that answers when it is told to; what was asked, in order. */
function guestOf(isProven: boolean) {
  const client = new TestClient('authorize')
  client.accountId = new Uint8Array(16).fill(0x33)
  client.address = `0x${'ab'.repeat(20)}`
  const asked: string[] = []
  const stored = Promise.withResolvers<boolean>()
  const account = {
    id: client.accountId,
    address: client.address,
    credential: { kid: client.kid, alg: 'EdDSA', spki: new Uint8Array() },
  } as unknown as Account
  const note = <T>(what: string, value: T): T => {
    asked.push(what)
    return value
  }
  const deps: AuthorizeDeps = {
    committee: { networkId: NETWORK, development: true } as AuthorizeDeps['committee'],
    account: async () => account,
    activities: { isReused: () => note('nonce', stored.promise) },
    rates: { admit: () => note('rate', true) },
    isDone: () => false,
    now: () => START_S,
    verify: () => note('proof', isProven),
  }
  return { client, asked, stored, deps }
}

describe('authorize()', () => {
  it('verifies the proof while the store looks for the nonce, and goes on when both are good', async () => {
    const { client, asked, stored, deps } = guestOf(true)
    const authorized = authorize(deps, client.message('0x01'))
    await nextTurn()
    await nextTurn()
    deepEqual(asked, ['nonce', 'proof']) // no token of the account before the nonce is known to be free
    stored.resolve(false)
    equal((await authorized).kind, 'sign')
    deepEqual(asked, ['nonce', 'proof', 'rate'])
  })

  it('says of a used nonce that it is used, whatever the proof is, and takes no token', async () => {
    for (const isProven of [true, false]) {
      const { client, asked, stored, deps } = guestOf(isProven)
      const refused = rejects(authorize(deps, client.message('0x01')), { id: 'NONCE_REUSED' })
      stored.resolve(true)
      await refused
      deepEqual(asked, ['nonce', 'proof'])
    }
  })

  it('believes no proof before the store has answered', async () => {
    const { client, stored, deps } = guestOf(false)
    let isOver = false
    const refused = rejects(authorize(deps, client.message('0x01')), { id: 'AUTH_FAILED' })
    void refused.then(() => {
      isOver = true
    })
    await nextTurn()
    await nextTurn()
    equal(isOver, false)
    stored.resolve(false)
    await refused
  })

  it('fails as the store fails', async () => {
    const { client, stored, deps } = guestOf(false)
    const failed = rejects(authorize(deps, client.message('0x01')), /the disk is gone/)
    stored.reject(new Error('the disk is gone'))
    await failed
  })
})
