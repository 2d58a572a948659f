import { equal } from 'node:assert/strict'
import { AccountRates } from '../../../../enclave-runtime/guest/requests/account-rates.ts'
import { seeded } from '../../../support/seeded.ts'

const account = seeded('account')(16)
const request = (n: number): Uint8Array => seeded(`request ${n}`)(32)

describe('the rate of an account', () => {
  it('is twenty at once, then one a second, and no more after a long silence', () => {
    let now = 0
    const rates = new AccountRates(() => now)
    let next = 0
    const admitted = (count: number): number =>
      Array.from({ length: count }, () => rates.admit(account, request(next++))).filter(Boolean)
        .length
    equal(admitted(25), 20)
    now += 999
    equal(admitted(1), 0)
    now += 1
    equal(admitted(2), 1)
    now += 3_600_000
    equal(admitted(30), 20)
  })

  it('counts a request once, however often it comes', () => {
    const rates = new AccountRates(() => 0)
    for (let i = 0; i < 100; i++) equal(rates.admit(account, request(1)), true)
    for (let i = 2; i <= 20; i++) equal(rates.admit(account, request(i)), true)
    equal(rates.admit(account, request(21)), false)
    equal(rates.admit(account, request(1)), true)
  })

  it('is each account’s own', () => {
    const rates = new AccountRates(() => 0)
    for (let i = 0; i < 21; i++) rates.admit(account, request(i))
    equal(rates.admit(seeded('another')(16), request(99)), true)
  })
})
