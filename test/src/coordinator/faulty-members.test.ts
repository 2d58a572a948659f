import assert from 'node:assert/strict'
import type { LeadReply } from '../../../enclave-runtime/host/guest.ts'
import { FakeNetwork, failed, requestOf } from './fake-network.ts'

const CHEAT = 4
const REQUESTS = 30
const signed = (signers: readonly number[]): LeadReply => ({ kind: 'done', result: 'ok', signers })
const own = (network: FakeNetwork): string[] =>
  network.leads.filter(({ leader }) => leader === 1).map(({ plan }) => plan.signers.join())

/** Asks for many requests, each with another rendezvous order; how many attempts the own node led for each. */
async function askMany(network: FakeNetwork): Promise<number[]> {
  const attempts: number[] = []
  for (let nonce = 1; nonce <= REQUESTS; nonce++) {
    network.known.clear()
    network.leads.length = 0
    const reply = await network.ask(requestOf({ nonce }))
    assert.ok('result' in reply, `request ${nonce}: ${JSON.stringify(reply)}`)
    const subsets = own(network)
    assert.equal(new Set(subsets).size, subsets.length, `a subset twice: ${subsets.join(' ')}`)
    attempts.push(subsets.length)
  }
  return attempts
}

describe('a member that spoils sessions', () => {
  for (const [where, rtt] of [
    ['as near as the others', 10],
    ['the nearest of all', 1],
  ] as const) {
    it(`and ends them without being named fails no request, ${where}`, async () => {
      const network = new FakeNetwork()
      network.rtt.set(CHEAT, rtt)
      network.script = (plan) =>
        plan.signers.includes(CHEAT) ? failed('cancelled', []) : signed(plan.signers)
      const attempts = await askMany(network)
      assert.ok(attempts.reduce((a, b) => a + b) <= REQUESTS + 3, attempts.join())
      assert.deepEqual(network.at(1).stats().suspended, [])
    })

    it(`and is silent to one other, so that this one is named, fails no request, ${where}`, async () => {
      const network = new FakeNetwork()
      network.rtt.set(CHEAT, rtt)
      network.script = (plan) => {
        if (!plan.signers.includes(CHEAT)) return signed(plan.signers)
        const victim = plan.signers.find((party) => party !== 1 && party !== CHEAT)
        return failed('timeout', [victim ?? CHEAT])
      }
      await askMany(network)
      assert.deepEqual(
        network
          .at(1)
          .stats()
          .suspended.filter((party) => party !== CHEAT),
        [],
        'an honest member was suspended',
      )
    })
  }

  it('by forging is left out once the failing subsets have only it in common', async () => {
    const network = new FakeNetwork()
    for (const { index } of network.members) network.rtt.set(index, index >= CHEAT ? 1 : 20)
    network.script = (plan) =>
      plan.signers.includes(CHEAT) ? failed('signature', []) : signed(plan.signers)
    const attempts = await askMany(network)
    assert.ok(network.at(1).stats().suspects.includes(CHEAT))
    assert.deepEqual([...new Set(attempts.slice(3))], [1])
  })

  it('and is named as the one who ended the session is avoided in this request, not blamed', async () => {
    const network = new FakeNetwork()
    let attempts = 0
    network.script = (plan, leader) => {
      if (leader !== 1) return failed('aborted', [])
      attempts += 1
      if (attempts > 3) return signed(plan.signers)
      return failed('cancelled', plan.signers.filter((party) => party !== 1).slice(0, 1))
    }
    assert.ok('result' in (await network.ask()))
    const [first = [], second = []] = network.leads
      .filter(({ leader }) => leader === 1)
      .map(({ plan }) => plan.signers)
    const [, named = 0] = first
    assert.ok(!second.includes(named))
    assert.deepEqual(network.at(1).stats().suspended, [])
  })

  it('is not suspended for one silence while its link is up, but for two with different others', async () => {
    const network = new FakeNetwork()
    network.bans.push([2, 5], [3, 5], [2, 3]) // whoever signs, member 4 is one of them
    network.script = (_, leader) => failed(leader === 1 ? 'timeout' : 'aborted', [CHEAT])
    const seen: (readonly number[])[] = []
    const script = network.script
    network.script = (plan, leader) => {
      if (leader === 1) seen.push(network.at(1).stats().suspended)
      return script(plan, leader)
    }
    await network.ask()
    assert.deepEqual(seen.slice(0, 2), [[], []])
    assert.deepEqual(network.at(1).stats().suspended, [CHEAT])
  })
})

describe('a leader that lies', () => {
  it('gets nobody blamed, avoided, refused or suspended but itself', async () => {
    for (const fault of ['mu', 'proof', 'timeout', 'refused', 'signature', 'busy'] as const) {
      const network = new FakeNetwork()
      let first: readonly number[] = []
      network.script = (plan, leader) => {
        if (leader !== 1) return failed(fault, [1, 2, 3, 4, 5], { ids: ['AUTH_FAILED'] })
        if (plan.attempt === 0) {
          first = plan.signers
          return failed('aborted', [])
        }
        return plan.attempt < 4 ? failed('cancelled', []) : signed(plan.signers)
      }
      const reply = await network.ask()
      assert.ok('result' in reply, `${fault}: ${JSON.stringify(reply)}`)
      const { suspended, suspects } = network.at(1).stats()
      assert.deepEqual([suspended, suspects], [[], []], fault)
      const subsets = own(network)
      assert.equal(new Set(subsets).size, subsets.length)
      assert.ok(first.length === 3)
    }
  })

  it('leads no more than every second attempt, each liar once, and is not in the blame', async () => {
    const network = new FakeNetwork()
    network.script = (_, leader) =>
      leader === 1 ? failed('cancelled', []) : failed('mu', [1, 2, 3])
    const reply = await network.ask()
    assert.ok('error' in reply)
    assert.equal(reply.error.id, 'SIGN_FAILED')
    assert.equal(reply.error.blame, undefined)
    assert.equal(reply.error.details?.['lastFault'], 'cancelled')
    const leaders = network.leads.map(({ leader }) => leader)
    assert.equal(leaders.filter((leader) => leader === 1).length, 4)
    const liars = leaders.filter((leader) => leader !== 1)
    assert.equal(new Set(liars).size, liars.length)
  })
})
