import { deepEqual, equal, match, notEqual, ok, throws } from 'node:assert/strict'
import {
  KeygenLimits,
  MAX_UNASSIGNED_PER_OWNER,
} from '../../../../enclave-runtime/guest/keys/keygen-limits.ts'
import type { VaultChanges } from '../../../../enclave-runtime/guest/vault/vault.ts'
import { RequestError } from '../../../../protocols/request/errors.ts'
import { ROUND_NUMBERS } from '../../../../protocols/session/numbers.ts'
import { GuestNet } from '../guest-net.ts'
import { record } from '../letters.ts'
import {
  accountOf,
  creation,
  EVERYONE,
  isAccountWrite,
  isAssignment,
  isSettled,
  isVoteWrite,
  lead,
  readyNet,
  readyOf,
} from './ready-net.ts'

const SIGN = { attempt: 0, signers: [2, 3, 4], budgetMs: 10_000 }

const isBatchStore = ({ shares }: VaultChanges): boolean => shares !== undefined && shares.size > 1
const isBatchProof = ({ critical, shares }: VaultChanges): boolean =>
  shares === undefined &&
  [...(critical ?? [])].some(([name, bytes]) => name.startsWith('pending/') && bytes !== null)
const isBatchReady = ({ critical, bulk }: VaultChanges): boolean =>
  bulk !== undefined && [...(critical?.keys() ?? [])].some((name) => name.startsWith('ready/'))

/** The guest dies when it is about to make such a write; with `after`, when it has made it. */
function dieAt(net: GuestNet, victim: number, when: (changes: VaultChanges) => boolean): void {
  net.onWrite = (party, changes) => {
    if (party !== victim || net.down.has(party) || !when(changes)) return
    net.kill(party)
    throw new Error('the process is gone')
  }
}

/** The guest dies when the `nth` of its assignment letters is about to leave it. */
function dieBeforeLetter(net: GuestNet, victim: number, nth: number): void {
  let seen = 0
  net.tamper = (carried) => {
    if (carried.from !== victim || !isAssignment(carried)) return [carried]
    if (net.down.has(victim)) return []
    if (++seen < nth) return [carried]
    net.kill(victim)
    return []
  }
}

const honest = (net: GuestNet): void => {
  net.onWrite = () => undefined
  net.tamper = (carried) => [carried]
}

const noDefects = (net: GuestNet): void => {
  for (const { defects } of net.guests) deepEqual(defects, [])
}

describe('ready keys', function () {
  this.timeout(60_000)

  it('give an account its key in one exchange, without a key generation', async () => {
    const net = await readyNet('one exchange')
    const before = readyOf(net, 1)
    const { client, request } = creation(net, 'one exchange')
    const letters = record(net)
    const start = net.clock.monotonicMs()
    const account = client.adopt(await lead(net, 1, request))
    equal(net.clock.monotonicMs(), start) // nothing waited for a bell
    await net.calm()
    equal(letters.filter(({ letter }) => letter.round >> 8 === 4).length, 0)
    const told = letters.filter((carried) => isAssignment(carried) && carried.from === 1)
    equal(told.length, 2 * 3) // the key's name, and the votes
    await net.until(() => isSettled(net))
    equal((await accountOf(net, request)).address, account.address)
    notEqual(readyOf(net, 1), before)
    await net.until(() => net.isPaired())
    const signed = await net.run(net.guest(3).member.lead(client.message('0x01'), SIGN))
    equal(signed.kind, 'done', JSON.stringify(signed))
    noDefects(net)
  })

  it('are durable: owner and members restart, and the owner gives the same keys', async () => {
    const net = await readyNet('durable')
    const before = readyOf(net, 1)
    for (const party of EVERYONE) await net.restart(party)
    await net.calm()
    equal(readyOf(net, 1), before)
    const letters = record(net)
    const { client, request } = creation(net, 'durable')
    const account = client.adopt(await lead(net, 1, request))
    equal(
      letters.filter(({ letter }) => letter.round === ROUND_NUMBERS['keygen/1-commit']).length,
      0,
    )
    await net.until(() => isSettled(net))
    equal((await accountOf(net, request)).key_id, account.key_id)
  })

  it('are used up one by one, each for one account; then the pool is filled again', async () => {
    const net = await readyNet('used up')
    const keys = new Set<string>()
    for (let i = 0; i < 5; i++) {
      const { client, request } = creation(net, `used up ${i}`)
      keys.add(client.adopt(await lead(net, 1, request)).key_id)
      await net.calm()
      equal((await accountOf(net, request)).address, client.address)
    }
    equal(keys.size, 5)
    await net.until(() => readyOf(net, 1) >= 2 && isSettled(net))
    noDefects(net)
  })

  describe('are not there:', () => {
    it('a guest without a pool generates a key for the account', async () => {
      const net = await readyNet('no pool')
      const letters = record(net)
      const { client, request } = creation(net, 'no pool')
      client.adopt(await lead(net, 3, request))
      equal(letters.filter(isAssignment).length, 0)
    })

    it('a member is away: nothing is named, and the account is not begun', async () => {
      const net = await readyNet('one away')
      net.kill(4)
      net.connect()
      const letters = record(net)
      const before = readyOf(net, 1)
      const { client, request } = creation(net, 'one away')
      const reply = await lead(net, 1, request)
      deepEqual(reply.kind === 'failed' && [reply.fault, reply.parties], ['timeout', [4]])
      deepEqual([letters.filter(isAssignment).length, readyOf(net, 1)], [0, before])
      await net.restart(4)
      client.adopt(await lead(net, 1, request, 1))
    })
  })

  describe('when a guest dies while an account gets one', () => {
    const crashes: [string, number, (net: GuestNet, victim: number) => void][] = []
    for (const victim of [1, 3]) {
      const who = victim === 1 ? 'the leader' : 'a member'
      crashes.push(
        [`${who} before its vote is durable`, victim, (net, v) => dieAt(net, v, isVoteWrite)],
        [`${who} before its vote leaves`, victim, (net, v) => dieBeforeLetter(net, v, 1)],
        [`${who} before the account is durable`, victim, (net, v) => dieAt(net, v, isAccountWrite)],
      )
    }
    for (const nth of [2, 3, 4, 5, 6])
      crashes.push([
        `the leader before its letter ${nth}`,
        1,
        (net, v) => dieBeforeLetter(net, v, nth),
      ])

    for (const [name, victim, crash] of crashes)
      it(`${name}: the same request gives one key, the same to all`, async () => {
        const net = await readyNet(`crash ${name}`)
        const { client, request } = creation(net, name)
        const votes = new Map<string, Set<string>>()
        watchVotes(net, votes)
        const watched = net.onWrite
        crash(net, victim)
        const crashing = net.onWrite
        net.onWrite = (party, changes) => {
          crashing(party, changes)
          watched(party, changes)
        }
        const first = net
          .guest(1)
          .member.lead(request, { attempt: 0, signers: EVERYONE, budgetMs: 5_000 })
        void first.catch(() => undefined)
        await net.until(() => net.down.has(victim))
        net.clock.pass(5_000)
        await net.calm()
        honest(net)
        await net.restart(victim)
        await net.calm()
        const account = client.adopt(await lead(net, 2, request, 1))
        await net.until(() => isSettled(net))
        equal((await accountOf(net, request)).key_id, account.key_id)
        for (const [, named] of votes) equal(named.size, 1) // nobody was ever for two keys
        await net.until(() => net.isPaired())
        const signed = await net.run(
          net.guest(victim).member.lead(client.message('0x02'), { ...SIGN, signers: [1, 2, 3] }),
        )
        equal(signed.kind, 'done', JSON.stringify(signed))
      })

    it('all of them after their votes: they settle it among themselves, long after the request expired', async () => {
      const net = await readyNet('all crash')
      const { request } = creation(net, 'all crash')
      net.tamper = (carried) => (isAssignment(carried) && carried.to === 1 ? [] : [carried]) // the leader hears no vote
      void net.guest(1).member.lead(request, { attempt: 0, signers: EVERYONE, budgetMs: 5_000 })
      await net.calm()
      for (const party of EVERYONE) net.kill(party)
      net.clock.pass(3_600_000)
      honest(net)
      for (const party of EVERYONE) await net.restart(party)
      await net.until(() => net.guests.every(({ member }) => member.status().keys.active === 1))
      noDefects(net)
    })

    it('a member that heard nothing, after the request expired: it follows those that checked it in time', async () => {
      const net = await readyNet('late voter')
      const { request } = creation(net, 'late voter')
      net.tamper = (carried) => (isAssignment(carried) && carried.to === 4 ? [] : [carried])
      const first = await lead(net, 1, request)
      deepEqual(first.kind === 'failed' && [first.fault, first.parties], ['timeout', [4]])
      net.clock.pass(3_600_000)
      honest(net)
      await net.until(() => net.guests.every(({ member }) => member.status().keys.active === 1))
    })

    it('and nobody else checked the request: it is not followed after it expired', async () => {
      const net = await readyNet('never voted')
      const { request } = creation(net, 'never voted')
      net.tamper = (carried) => (isAssignment(carried) ? [] : [carried])
      equal((await lead(net, 1, request)).kind, 'failed')
      net.clock.pass(3_600_000)
      honest(net)
      net.guest(1).member.links([])
      net.connect()
      await net.calm()
      for (const { member } of net.guests) equal(member.status().keys.active, 0)
    })
  })

  it('a lost certificate is asked for', async () => {
    const net = await readyNet('lost certificate')
    const { client, request } = creation(net, 'lost certificate')
    let told = 0
    net.tamper = (carried) => {
      const lost = isAssignment(carried) && carried.from === 1 && carried.to === 3 && ++told > 1
      return lost ? [] : [carried]
    }
    client.adopt(await lead(net, 1, request))
    await net.calm()
    equal(net.guest(3).member.status().keys.active, 0)
    honest(net)
    await net.until(() => net.guest(3).member.status().keys.active === 1)
    equal((await accountOf(net, request)).address, client.address)
  })

  it('of two leaders that race for one account: both answer with the same key', async () => {
    for (let i = 0; i < 3; i++) {
      const net = await readyNet(`race ${i}`)
      const { client, request } = creation(net, `race ${i}`)
      if (i > 0) {
        // The votes are split: 3 hears the first leader first, 4 the second; or only one is for the second.
        const first = new Set<string>()
        net.tamper = (carried) => {
          const { from, to } = carried
          const late = (from === 1 && to === 4) || (i === 1 && from === 2 && to === 3)
          if (!isAssignment(carried) || !late || first.has(`${from}${to}`)) return [carried]
          first.add(`${from}${to}`)
          return []
        }
      }
      const plan = { attempt: 0, signers: EVERYONE, budgetMs: 20_000 }
      const both = Promise.all([1, 2].map((party) => net.guest(party).member.lead(request, plan)))
      const [a, b] = await net.run(both)
      deepEqual(a, b)
      if (a !== undefined) client.adopt(a)
      await net.until(() => isSettled(net))
      equal((await accountOf(net, request)).address, client.address)
      noDefects(net)
    }
  })

  it('and a key generation that race for one account: one of them makes the key', async () => {
    const net = await readyNet('mixed race')
    const { client, request } = creation(net, 'mixed race')
    const plan = { attempt: 0, signers: EVERYONE, budgetMs: 20_000 }
    const replies = await net.run(
      Promise.all([1, 3].map((party) => net.guest(party).member.lead(request, plan))),
    )
    ok(
      replies.some(({ kind }) => kind === 'done'),
      JSON.stringify(replies),
    )
    client.adopt(await lead(net, 3, request, 1))
    await net.until(() => isSettled(net))
    equal((await accountOf(net, request)).address, client.address)
    noDefects(net)
  })

  describe('made in batches, when a guest dies', () => {
    const crashes: [string, (net: GuestNet, victim: number) => void][] = [
      ['before the shares are durable', (net, v) => dieAt(net, v, isBatchStore)],
      ['between the shares and K3', (net, v) => dieBeforeRound(net, v, 'keygen/3-prove')],
      ['before the proofs are durable', (net, v) => dieAt(net, v, isBatchProof)],
      ['between the proofs and K4', (net, v) => dieBeforeRound(net, v, 'keygen/4-certify')],
      ['before the keys are ready', (net, v) => dieAt(net, v, isBatchReady)],
    ]
    for (const victim of [1, 3])
      for (const [name, crash] of crashes)
        it(`${victim === 1 ? 'the owner' : 'a member'} ${name}: the batch is settled, and its keys serve`, async () => {
          const net = await GuestNet.create(`batch ${victim} ${name}`, {
            n: 4,
            t: 3,
            readyKeys: { 1: 2 },
          })
          crash(net, victim)
          net.connect()
          await net.until(() => net.down.has(victim))
          await net.calm()
          honest(net)
          await net.restart(victim)
          await net.until(() => readyOf(net, 1) >= 2 && isDecided(net))
          const { client, request } = creation(net, name)
          const letters = record(net)
          client.adopt(await lead(net, 1, request))
          ok(letters.some(isAssignment))
          await net.until(() => isActive(net))
          equal((await accountOf(net, request)).address, client.address)
        })
  })

  it('are written in one batch per step, however many they are', async () => {
    const net = await GuestNet.create('writes', { n: 4, t: 3, readyKeys: { 1: 4 } })
    const writes: string[] = []
    net.onWrite = (party, { critical, bulk, shares, parts }) => {
      const names = [...(critical?.keys() ?? []), ...(bulk?.keys() ?? [])]
      const kinds = names.map((name) => name.slice(0, name.indexOf('/')))
      if (party === 2) writes.push(`${kinds.join('+')} ${shares?.size ?? 0} ${parts?.size ?? 0}`)
    }
    net.connect()
    await net.until(() => readyOf(net, 1) === 4 && isSettled(net))
    deepEqual(writes, ['pending 4 4', 'pending 0 0', 'pending+ready+batch 0 0'])
  })

  it('of one owner are bounded, and those of all', () => {
    let own = 0
    let all = 0
    const limits = new KeygenLimits(
      () => 0,
      () => 0,
      (owner) => (owner === undefined ? all : own),
    )
    limits.assertBatch(1, 16)
    own = MAX_UNASSIGNED_PER_OWNER - 15
    throws(() => limits.assertBatch(1, 16), RequestError)
    limits.assertBatch(1, 15)
    own = 0
    all = 1_024
    throws(
      () => limits.assertBatch(1, 1),
      (error: Error) => {
        match(error.message, /no account has/)
        return true
      },
    )
  })
})

/** The guest dies when the first letter of this round is about to leave it. */
function dieBeforeRound(net: GuestNet, party: number, round: string): void {
  net.tamper = (carried) => {
    if (carried.from !== party || carried.letter.round !== ROUND_NUMBERS[round]) return [carried]
    if (!net.down.has(party)) net.kill(party)
    return []
  }
}

/** Batches that never came to K3 stay pending, and dead, until the epoch changes: that is settled too. */
const isDecided = (net: GuestNet): boolean =>
  net.guests.every(({ member }) => member.status().keys.pending <= 2)
const isActive = (net: GuestNet): boolean =>
  net.guests.every(({ member }) => member.status().keys.active === 1)

/** For which keys each guest ever let a first vote become durable, by guest and account. */
function watchVotes(net: GuestNet, votes: Map<string, Set<string>>): void {
  net.onWrite = (party, { critical }) => {
    for (const [name, bytes] of critical ?? []) {
      if (!name.startsWith('certified/') || bytes === null) continue
      const key = `${party}/${name}`
      votes.set(key, (votes.get(key) ?? new Set()).add(Buffer.from(bytes).toString('hex')))
    }
  }
}
