import { deepEqual, equal } from 'node:assert/strict'
import { rememberProofs } from '../../../../enclave-runtime/guest/requests/remember-proofs.ts'
import type { PublicKey } from '../../../../protocols/request/proofs.ts'

const key = (alg: PublicKey['alg'], fill: number): PublicKey => ({
  kid: 'k',
  alg,
  spki: new Uint8Array(44).fill(fill),
})
const bytes = (length: number, fill: number): Uint8Array => new Uint8Array(length).fill(fill)

describe('rememberProofs()', () => {
  it('computes once what holds, and every time what does not', () => {
    const asked: number[] = []
    const verify = rememberProofs((_, digest) => {
      asked.push(digest[0] ?? 0)
      return digest[0] === 1
    })
    const good = [key('EdDSA', 1), bytes(32, 1), bytes(64, 1)] as const
    const bad = [key('EdDSA', 1), bytes(32, 2), bytes(64, 1)] as const
    deepEqual(
      [verify(...good), verify(...good), verify(...bad), verify(...bad)],
      [true, true, false, false],
    )
    deepEqual(asked, [1, 2, 2])
  })

  it('takes nothing for the same that differs in key, algorithm, digest or signature, or has another length', () => {
    let asked = 0
    const verify = rememberProofs(() => {
      asked += 1
      return true
    })
    const all = [
      [key('ES256', 1), bytes(32, 1), bytes(64, 1)],
      [key('ES256', 2), bytes(32, 1), bytes(64, 1)],
      [key('ES256K', 1), bytes(32, 1), bytes(64, 1)],
      [key('ES256', 1), bytes(32, 2), bytes(64, 1)],
      [key('ES256', 1), bytes(32, 1), bytes(64, 2)],
      [key('ES256', 1), bytes(32, 1), bytes(63, 1)],
    ] as const
    for (const one of all) verify(...one)
    equal(asked, all.length)
    for (const one of all) verify(...one)
    equal(asked, all.length + 1) // of another length nothing is remembered
  })

  it('forgets the oldest', () => {
    let asked = 0
    const verify = rememberProofs(() => {
      asked += 1
      return true
    })
    const digestOf = (i: number): Uint8Array => {
      const digest = Buffer.alloc(32)
      digest.writeUInt32BE(i)
      return digest
    }
    for (let i = 0; i <= 1_024; i++) verify(key('EdDSA', 1), digestOf(i), bytes(64, 1))
    verify(key('EdDSA', 1), digestOf(1_024), bytes(64, 1))
    equal(asked, 1_025)
    verify(key('EdDSA', 1), digestOf(0), bytes(64, 1))
    equal(asked, 1_026)
  })
})
