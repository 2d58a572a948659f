import { deepEqual, equal } from 'node:assert/strict'
import { decodeAccount } from '../../../../enclave-runtime/guest/accounts/account.ts'
import {
  accountIdOf,
  NO_IDENTIFIER_HASH,
  NO_SCOPE_ID,
} from '../../../../protocols/request/account-id.ts'
import { decodePlainRequest } from '../../../../protocols/request/plain-request.ts'
import { seeded } from '../../../support/seeded.ts'
import type { Carried, GuestNet, NetGuest } from '../guest-net.ts'
import { NETWORK } from '../vault/vault-fixture.ts'
import { creation, EVERYONE, isAssignment, isSettled, lead, readyNet } from './ready-net.ts'

const SEEDS = 4
const ACCOUNTS = 8

/** What a network without mercy makes of a letter: it is lost, comes twice, or comes after the next one. */
function storm(random: () => number): (carried: Carried) => readonly Carried[] {
  let held: Carried | undefined
  return (carried) => {
    if (!isAssignment(carried)) return [carried]
    const chance = random()
    if (chance < 0.2) return []
    if (chance < 0.4) return [carried, carried]
    if (chance < 0.6) {
      const before = held
      held = carried
      return before === undefined ? [] : [before]
    }
    return [carried]
  }
}

/** Every first vote that became durable: none for a second key of an account, none for a second account of a key. */
class Votes {
  readonly #ofAccount = new Map<string, string>()
  readonly #ready = new Map<number, Map<string, string>>()
  broken = 0

  watch(net: GuestNet): void {
    net.onWrite = (party, { critical }) => {
      const account = [...(critical ?? [])].find(
        ([name, record]) => name.startsWith('assigning/') && record !== null,
      )
      if (account === undefined) return
      const [name, record] = account
      const text = Buffer.from(record ?? []).toString('hex')
      const place = `${party}/${name}`
      const before = this.#ofAccount.get(place)
      this.#ofAccount.set(place, text)
      // Only a final vote writes the record again, and it says more.
      if (before !== undefined && text.length <= before.length) this.broken += 1
    }
  }

  /** Keys that left the ready records of a guest never come back. */
  see(net: GuestNet): void {
    for (const { index, vault } of net.guests) {
      if (net.down.has(index)) continue
      const known = this.#ready.get(index) ?? new Map<string, string>()
      for (const name of vault.criticalNames('ready/')) {
        const now = Buffer.from(vault.critical(name) ?? []).toString('hex')
        const before = known.get(name)
        if (before !== undefined && now.length > before.length) this.broken += 1
        known.set(name, now)
      }
      this.#ready.set(index, known)
    }
  }
}

/** The key that this guest's disk has for the account of a request. */
async function keyAt({ vault }: NetGuest, request: Uint8Array): Promise<string> {
  const { digest } = decodePlainRequest(request)
  const id = accountIdOf(NETWORK, NO_SCOPE_ID, NO_IDENTIFIER_HASH, digest)
  const record = await vault.bulk(`account/${Buffer.from(id).toString('hex')}`)
  return record === undefined ? 'none' : Buffer.from(decodeAccount(record).keyId).toString('hex')
}

describe('ready keys under loss, doubles, disorder, crashes and two leaders at once', function () {
  this.timeout(120_000)

  for (let seed = 1; seed <= SEEDS; seed++)
    it(`give each account one key, and each key to one account (seed ${seed})`, async () => {
      const bytes = seeded(`storm ${seed}`)
      const random = () => (bytes(1)[0] ?? 0) / 256
      const net = await readyNet(`storm ${seed}`, { readyKeys: { 1: 8, 2: 8 } })
      const votes = new Votes()
      votes.watch(net)
      const requests: Uint8Array[] = []
      for (let i = 0; i < ACCOUNTS; i++) {
        const { request } = creation(net, `storm ${seed} ${i}`)
        requests.push(request)
        net.tamper = storm(random)
        const leaders = random() < 0.6 ? [1, 2] : [random() < 0.5 ? 1 : 2]
        const plan = { attempt: 0, signers: EVERYONE, budgetMs: 2_000 }
        const runs = leaders.map((party) => net.guest(party).member.lead(request, plan))
        const victim = random() < 0.4 ? 1 + Math.floor(random() * 4) : undefined
        if (victim !== undefined) {
          for (let turn = Math.floor(random() * 12); turn > 0; turn--) await net.calm()
          await net.restart(victim)
        }
        const settled = Promise.all(runs.map((run) => run.catch(() => undefined)))
        if (victim === undefined || !leaders.includes(victim)) await net.run(settled)
        votes.see(net)

        // The storm is over, and the client asks once more.
        net.tamper = (carried) => [carried]
        let said = ''
        for (let attempt = 1; attempt < 8 && said !== 'done'; attempt++) {
          const reply = await lead(net, 1 + (attempt % 2), request, attempt)
          said = reply.kind === 'done' ? 'done' : JSON.stringify(reply)
        }
        equal(said, 'done')
      }
      await net.until(() => isSettled(net))
      votes.see(net)
      const keys = new Set<string>()
      for (const request of requests) {
        const held = new Set(await Promise.all(net.guests.map((guest) => keyAt(guest, request))))
        equal(held.size, 1, `guests hold ${[...held].join()}`)
        for (const key of held) keys.add(key)
      }
      equal(keys.has('none'), false)
      equal(keys.size, ACCOUNTS)
      equal(votes.broken, 0)
      for (const { defects } of net.guests) deepEqual(defects, [])
    })
})
