import { equal, ok } from 'node:assert/strict'
import { AccountVotes } from '../../../../enclave-runtime/guest/keys/account-votes.ts'
import type { Vote } from '../../../../enclave-runtime/guest/keys/assignment-votes.ts'
import { quorums } from '../../../../protocols/agreement/quorums.ts'
import { seeded } from '../../../support/seeded.ts'

/**
 * The rule of decision 0012 without guests, letters or disks: what honest members may sign, and what follows
 * from it, against f members that sign anything, to each receiver something else, in any order.
 */
const ACCOUNTS = [0, 1]
const KEYS = [0, 1, 2]
const STEPS = 120
const RUNS = 100

const keyId = (key: number): Uint8Array => new Uint8Array(32).fill(key + 1)
const keyOf = (id: Uint8Array): number => (id[0] ?? 0) - 1

interface Committee {
  readonly n: number
  readonly f: number
  readonly q: number
}

type Choose = (count: number) => number

/** An honest member: one first vote per account and per key, a final one for its own key or one that is ready. */
class Honest {
  readonly party: number
  readonly ready = new Set(KEYS)
  readonly known: readonly AccountVotes[]
  readonly active = new Map<number, number>()
  /** Accounts whose generated key it certified (K4). */
  readonly certified = new Set<number>()
  readonly #of: Committee

  constructor(party: number, of: Committee) {
    this.party = party
    this.#of = of
    this.known = ACCOUNTS.map(() => new AccountVotes(party))
  }

  votesOf(account: number): AccountVotes {
    const votes = this.known[account]
    if (votes === undefined) throw new Error('no such account')
    return votes
  }

  certify(account: number): boolean {
    const votes = this.votesOf(account)
    if (votes.vote(false) !== undefined || this.active.has(account)) return false
    this.certified.add(account)
    return true
  }

  voteFirst(account: number, key: number): void {
    const votes = this.votesOf(account)
    if (votes.vote(false) !== undefined || this.active.has(account)) return
    if (!this.ready.has(key) || this.certified.has(account)) return
    this.ready.delete(key)
    votes.add({ ...unsigned, party: this.party, final: false, keyId: keyId(key) })
  }

  hear(account: number, told: readonly Vote[]): void {
    const { n, q } = this.#of
    const votes = this.votesOf(account)
    if (votes.vote(false) === undefined || this.active.has(account)) return
    votes.hear(told, n, q)
    const choice = votes.choice(n)
    if (votes.decided(n, q) === undefined && choice !== undefined && !votes.vote(true)) {
      const key = keyOf(choice)
      const own = votes.vote(false)
      if (this.ready.has(key) || (own !== undefined && keyOf(own.keyId) === key)) {
        this.ready.delete(key)
        votes.add({ ...unsigned, party: this.party, final: true, keyId: choice })
      }
    }
    const decision = votes.decided(n, q)
    if (decision === undefined) return
    this.ready.delete(keyOf(decision.keyId))
    this.active.set(account, keyOf(decision.keyId))
  }

  tells(account: number): readonly Vote[] {
    const { n, q } = this.#of
    const votes = this.votesOf(account)
    return votes.decided(n, q)?.votes ?? votes.votes
  }
}

const unsigned = { signature: new Uint8Array(64) }

/** One run: whether anything was decided, and what must hold at each step. */
function run(of: Committee, choose: Choose): { decided: number; generated: number } {
  const { n, f, q } = of
  const members = Array.from({ length: n - f }, (_, i) => new Honest(f + 1 + i, of))
  const some = <T>(items: readonly T[]): T => {
    const item = items[choose(items.length)]
    if (item === undefined) throw new Error('nothing to choose from')
    return item
  }
  /** Votes of the f, each for what pleases them at the moment. */
  const lies = (): Vote[] =>
    Array.from({ length: choose(2 * f + 1) }, () => ({
      ...unsigned,
      party: 1 + choose(Math.max(f, 1)),
      final: choose(2) === 1,
      keyId: keyId(some(KEYS)),
    })).filter(() => f > 0)
  const generated = new Map<number, number>(ACCOUNTS.map((account) => [account, f]))
  for (let step = 0; step < STEPS; step++) {
    const account = some(ACCOUNTS)
    const to = some(members)
    const what = choose(12)
    if (what === 0) {
      const before = to.certified.has(account)
      if (to.certify(account) && !before) generated.set(account, (generated.get(account) ?? 0) + 1)
    } else if (what < 4) to.voteFirst(account, some(KEYS))
    else if (what < 6) to.hear(account, lies())
    else to.hear(account, [...lies(), ...some(members).tells(account), ...lies()])
  }
  // In the end everybody hears everyone, and the f what they like.
  for (let round = 0; round < 3; round++)
    for (const account of ACCOUNTS)
      for (const to of members) for (const from of members) to.hear(account, from.tells(account))

  let decided = 0
  const accountOf = new Map<number, number>()
  for (const account of ACCOUNTS) {
    const keys = new Set(members.flatMap(({ active }) => active.get(account) ?? []))
    ok(keys.size <= 1, `two keys of one account: ${[...keys].join()}`)
    for (const key of keys) {
      equal(accountOf.has(key), false, 'one key of two accounts')
      accountOf.set(key, account)
      decided += 1
      ok((generated.get(account) ?? 0) < q, 'a generated key and a ready one')
      for (const { active } of members) equal(active.get(account), key) // whoever voted, follows
    }
  }
  const full = [...generated.values()].filter((count) => count >= q).length
  return { decided, generated: full }
}

const chooser =
  (bytes: (length: number) => Uint8Array): Choose =>
  (count) => {
    const [high = 0, low = 0] = bytes(2)
    return ((high << 8) | low) % count
  }

describe('the votes for ready keys, as a model', function () {
  this.timeout(120_000)

  for (const n of [2, 3, 4, 5, 6, 7])
    it(`of ${n} members, f of whom lie to each as they like: one account, one key; all follow`, () => {
      const { f, q } = quorums(n, Math.ceil((n + 1) / 2))
      const choose = chooser(seeded(`votes ${n}`))
      const seen = { decided: 0, generated: 0 }
      for (let i = 0; i < RUNS; i++) {
        const { decided, generated } = run({ n, f, q }, choose)
        seen.decided += decided
        seen.generated += generated
      }
      ok(seen.decided > 2, `${seen.decided} decisions`)
      ok(seen.generated > 0, `${seen.generated} generated keys`)
    })

  it('of 4 members: every way in which one may lie about two accounts, in every order of hearing', () => {
    const of = { n: 4, f: 1, q: 3 }
    const firsts = [0, 1] // the two keys
    const outcomes = new Map<string, number>()
    const honest = [2, 3, 4]
    // What 1 names to each of 2, 3, 4 for A (for B the other key), what it says finally, and who hears whom first.
    for (
      let named = 0;
      named < 4;
      named++ // the others are these with the keys exchanged
    )
      for (let finally_ = 0; finally_ < 64; finally_++)
        for (let order = 0; order < 6; order++) {
          const members = honest.map((party) => new Honest(party, of))
          const sequence = permutation(members, order)
          const lie = (account: number, i: number, final: boolean): Vote => {
            const bit = final ? (finally_ >> (account * 3 + i)) & 1 : (named >> i) & 1
            const key = final ? bit : account === 0 ? bit : 1 - bit
            return { ...unsigned, party: 1, final, keyId: keyId(firsts[key] ?? 0) }
          }
          for (const account of ACCOUNTS)
            for (const [i, member] of members.entries()) {
              const first = lie(account, i, false)
              member.voteFirst(account, keyOf(first.keyId))
              member.hear(account, [first])
            }
          for (let round = 0; round < 3; round++)
            for (const to of sequence)
              for (const account of ACCOUNTS) {
                for (const from of sequence) to.hear(account, from.tells(account))
                to.hear(account, [lie(account, to.party - 2, true)])
              }
          const held = ACCOUNTS.map((account) => {
            const keys = new Set(members.map(({ active }) => active.get(account)))
            equal(keys.size, 1, 'one member is left out')
            return [...keys][0]
          })
          if (held[0] !== undefined) ok(held[0] !== held[1], 'one key of two accounts')
          const outcome = held.map((key) => key ?? '-').join()
          outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1)
        }
    for (const outcome of ['0,1', '1,0']) ok((outcomes.get(outcome) ?? 0) > 0, outcome)
  })
})

const permutation = <T>(items: readonly T[], index: number): T[] => {
  if (items.length === 0) return []
  const at = index % items.length
  const rest = items.filter((_, i) => i !== at)
  return [...items.slice(at, at + 1), ...permutation(rest, Math.floor(index / items.length))]
}
