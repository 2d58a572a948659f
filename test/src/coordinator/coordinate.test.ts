import assert from 'node:assert/strict'
import { decodePlainRequest } from '../../../protocols/request/plain-request.ts'
import { decodeOutcome, encodeLeadAsk } from '../../../src/coordinator/forward.ts'
import type { Outcome } from '../../../src/coordinator/lead.ts'
import { rendezvousOrder } from '../../../src/coordinator/leaders.ts'
import { Pending } from '../../../src/coordinator/pending.ts'
import { FakeNetwork, failed, requestOf } from './fake-network.ts'

const digestOf = (request: Uint8Array): string =>
  Buffer.from(decodePlainRequest(request).digest).toString('hex')
const never = new Promise<never>(() => undefined)

const othersOf = (network: FakeNetwork, request: Uint8Array): number[] =>
  rendezvousOrder(decodePlainRequest(request).digest, network.members)
    .map(({ index }) => index)
    .filter((party) => party !== 1)

async function askTo(
  network: FakeNetwork,
  party: number,
  from: string,
  nonce?: number,
): Promise<Outcome> {
  const request = requestOf(nonce === undefined ? {} : { nonce })
  const ask = encodeLeadAsk({ request, attempt: 1, remainingMs: 5_000, excluded: [] })
  for await (const frame of network.serve(party, ask ?? new Uint8Array(), from))
    return decodeOutcome(frame)
  return assert.fail('no answer')
}

describe('createCoordinator()', () => {
  it('lets the entry node lead attempt 0 with t of the reachable members', async () => {
    const network = new FakeNetwork()
    const reply = await network.ask()
    const [lead, ...more] = network.leads
    assert.deepEqual(reply, {
      result: '0xsigned',
      requestId: digestOf(requestOf()),
      signers: lead?.plan.signers,
    })
    assert.equal(more.length, 0)
    assert.equal(lead?.leader, 1)
    assert.equal(lead?.plan.attempt, 0)
    assert.equal(lead?.plan.signers.length, 3)
    assert.ok(lead?.plan.signers.includes(1))
  })

  it('asks its guest for pairs and bans once before it leads, and then behind its attempts', async () => {
    const network = new FakeNetwork()
    for (const nonce of [1, 2, 3]) {
      network.known.clear()
      await network.ask(requestOf({ nonce }))
      network.clock.at += nonce === 1 ? 1_000 : 100
    }
    const first = ['check', 'status', 'lead'] as const
    assert.deepEqual(network.asked, [...first, 'check', 'lead', 'status', 'check', 'lead'])
  })

  it('gives a full signature twice 2 s with the reference kernel, and more over slow links', async () => {
    const near = new FakeNetwork()
    await near.ask()
    assert.equal(near.leads[0]?.plan.budgetMs, 4_000)
    const far = new FakeNetwork()
    for (const { index } of far.members) far.rtt.set(index, 200)
    await far.ask()
    assert.equal(far.leads[0]?.plan.budgetMs, 8_000)
  })

  it('passes on what the guest refuses, without leading anything', async () => {
    const network = new FakeNetwork()
    network.check = () => ({ kind: 'error', id: 'REQ_EXPIRED', message: 'the request has expired' })
    const reply = await network.ask()
    assert.ok('error' in reply)
    assert.equal(reply.error.id, 'REQ_EXPIRED')
    assert.equal(reply.error.retryable, false)
    assert.equal(network.leads.length, 0)
  })

  it('answers what the guest answers by itself', async () => {
    const network = new FakeNetwork()
    network.check = () => ({ kind: 'done', result: ['0xaddress'] })
    assert.deepEqual(await network.ask(), { result: ['0xaddress'] })
    assert.equal(network.leads.length, 0)
  })

  it('tells nothing of a guest that throws', async () => {
    const network = new FakeNetwork()
    network.check = () => {
      throw new Error('share 0x1234')
    }
    const reply = await network.ask()
    assert.ok('error' in reply)
    assert.equal(reply.error.id, 'INTERNAL_ERROR')
    assert.ok(!JSON.stringify(reply).includes('1234'))
  })

  for (const code of ['OVERLOADED', 'CANCELLED'])
    it(`may be asked again where the port says ${code}: that is no defect of the guest`, async () => {
      const refuse = (): never => {
        throw Object.assign(new Error('the port'), { code })
      }
      for (const asked of ['check', 'script'] as const) {
        const network = new FakeNetwork()
        network[asked] = refuse
        const reply = await network.ask()
        assert.ok('error' in reply)
        assert.equal(reply.error.id, 'OVERLOADED', asked)
        assert.equal(reply.error.retryable, true)
      }
    })

  it('refuses bytes that are no request', async () => {
    const reply = await new FakeNetwork().ask(Uint8Array.of(1, 2, 3))
    assert.ok('error' in reply)
    assert.equal(reply.error.id, 'REQ_MALFORMED')
  })

  describe('one request, one answer', () => {
    it('joins 100 equal requests in one check and one lead', async () => {
      const network = new FakeNetwork()
      const replies = await Promise.all(Array.from({ length: 100 }, () => network.ask()))
      assert.equal(network.leads.length, 1)
      assert.equal(network.checks.length, 1)
      assert.equal(new Set(replies.map((reply) => JSON.stringify(reply))).size, 1)
      assert.equal(network.at(1).stats().joined, 99)
    })

    it('joins the same core with other proofs once the guest has checked these', async () => {
      const network = new FakeNetwork()
      await Promise.all([1, 2, 3].map((proof) => network.ask(requestOf({ proof }))))
      assert.equal(network.checks.length, 3)
      assert.equal(network.leads.length, 1)
    })

    it('gives a repeat the same answer without asking the guest again', async () => {
      const network = new FakeNetwork()
      const first = await network.ask()
      network.check = () => ({ kind: 'error', id: 'REQ_EXPIRED', message: '' })
      assert.deepEqual(await network.ask(), first)
      assert.equal(network.leads.length, 1)
    })

    it('does not give the answer to the same core with proofs that the guest refuses', async () => {
      const network = new FakeNetwork()
      await network.ask()
      network.check = () => ({ kind: 'error', id: 'AUTH_FAILED', message: 'not authorised' })
      const reply = await network.ask(requestOf({ proof: 9 }))
      assert.ok('error' in reply)
      assert.equal(reply.error.id, 'AUTH_FAILED')
    })

    it('keeps no failure: who asks again gets another try', async () => {
      const network = new FakeNetwork()
      network.script = () => ({ kind: 'error', id: 'INTENT_MISMATCH', message: 'no' })
      assert.ok('error' in (await network.ask()))
      network.script = (plan) => ({ kind: 'done', result: 'late', signers: plan.signers })
      assert.ok('result' in (await network.ask()))
    })

    it('goes on when the caller leaves, for whoever asks again', async () => {
      const network = new FakeNetwork()
      const { promise, resolve } = Promise.withResolvers<void>()
      network.script = async (plan) => {
        await promise
        return { kind: 'done', result: 'signed', signers: plan.signers }
      }
      const leaving = new AbortController()
      const left = network.ask(requestOf(), 1, { signal: leaving.signal })
      const stays = network.ask()
      leaving.abort(new Error('gone'))
      await assert.rejects(left, /gone/)
      resolve()
      assert.ok('result' in (await stays))
      assert.equal(network.leads.length, 1)
    })
  })

  describe('the offer to lead with the check', () => {
    /** A network that has signed before, so that it knows whom it can reach. */
    const warmed = async (): Promise<FakeNetwork> => {
      const network = new FakeNetwork()
      await network.ask(requestOf({ nonce: 1 }))
      network.known.clear()
      network.presigned = [1, 2, 3]
      for (const list of [network.leads, network.asked, network.offers]) list.splice(0)
      return network
    }

    it('is made once it is known who is there, and its result is the answer', async () => {
      const network = await warmed()
      const reply = await network.ask(requestOf({ nonce: 2 }))
      assert.deepEqual(reply, {
        result: '0xsigned',
        requestId: digestOf(requestOf({ nonce: 2 })),
        signers: [1, 2, 3],
      })
      assert.deepEqual(network.asked, ['check'])
      assert.deepEqual(network.offers, [
        {
          able: [1, 2, 3, 4, 5],
          budgetMs: 4_000,
          budgets: { correlated: 3_000, presigned: 2_000 },
        },
      ])
      assert.deepEqual(await network.ask(requestOf({ nonce: 2 })), reply)
      assert.deepEqual(network.asked, ['check']) // the answer was kept
    })

    it('names nobody who cannot be reached, is suspected or has no pair setup; nor is it made for too few', async () => {
      const network = await warmed()
      network.down.add(4)
      network.suspect.add(5)
      await network.ask(requestOf({ nonce: 2 }))
      network.down.add(3)
      await network.ask(requestOf({ nonce: 3 }))
      assert.deepEqual(
        network.offers.map((offer) => offer?.able),
        [[1, 2, 3], undefined],
      )
    })

    it('is made to no request that reads, and none that has no time', async () => {
      const network = await warmed()
      network.check = () => ({ kind: 'done', result: [] })
      await network.ask(requestOf({ nonce: 2, method: 'eth_accounts' }))
      await network.ask(requestOf({ nonce: 3 }), 1, { deadlineMs: 50 })
      assert.deepEqual(network.offers, [undefined, undefined])
    })

    it('is made for one request of an account at a time', async () => {
      const network = await warmed()
      const led = Promise.withResolvers<void>()
      const { script } = network
      network.script = async (plan, leader) => {
        await led.promise
        return script(plan, leader)
      }
      const replies = [2, 3].map((nonce) => network.ask(requestOf({ nonce })))
      led.resolve()
      for (const reply of await Promise.all(replies)) assert.ok('result' in reply)
      assert.deepEqual(
        network.offers.map((offer) => offer === undefined),
        [false, true],
      )
    })

    it('is made where the account may have it, and its token is taken once its request was good', async () => {
      const network = await warmed()
      const taken: (string | null)[] = []
      const admit = (account: string | null): undefined => void taken.push(account)
      await network.ask(requestOf({ nonce: 2 }), 1, { admit })
      network.known.clear()
      await network.ask(requestOf({ nonce: 3 }), 1, { admit, mayAdmit: () => false })
      network.known.clear()
      assert.equal(taken.length, 2)
      await network.ask(requestOf({ nonce: 4 }), 1, { admit, mayAdmit: () => true })
      assert.equal(taken.length, 3)
      network.check = () => ({ kind: 'error', id: 'AUTH_FAILED', message: 'no' })
      await network.ask(requestOf({ nonce: 5 }), 1, { admit, mayAdmit: () => true })
      assert.equal(taken.length, 3)
      assert.deepEqual(
        network.offers.map((offer) => offer === undefined),
        [true, true, false, false],
      )
    })

    it('counts as the first attempt when it fails: another subset follows', async () => {
      const network = await warmed()
      const { script } = network
      network.script = (plan, leader) =>
        plan.attempt === 0 ? failed('timeout', [3]) : script(plan, leader)
      const reply = await network.ask(requestOf({ nonce: 2 }))
      assert.ok('result' in reply)
      const [second] = network.leads
      assert.equal(second?.plan.attempt, 1)
      assert.ok(!second?.plan.signers.includes(3))
    })

    it('is followed by the next form at once when a signer does not know the presignature', async () => {
      const network = await warmed()
      const { script } = network
      let first = true
      network.script = (plan, leader) => {
        if (!first) return script(plan, leader)
        first = false
        return failed('presig-unknown', [])
      }
      assert.ok('result' in (await network.ask(requestOf({ nonce: 2 }))))
      assert.deepEqual(
        network.leads.map(({ plan }) => plan.attempt),
        [0],
      )
    })

    it('passes on what the guest refuses when it leads', async () => {
      const network = await warmed()
      network.script = () => ({ kind: 'error', id: 'NONCE_REUSED', message: 'used' })
      const reply = await network.ask(requestOf({ nonce: 2 }))
      assert.equal('error' in reply && reply.error.id, 'NONCE_REUSED')
    })

    it('holds a place among the attempts until it is over', async () => {
      const network = await warmed()
      for (let nonce = 2; nonce < 60; nonce++) {
        network.account = new Uint8Array(16).fill(nonce)
        await network.ask(requestOf({ nonce }))
      }
      assert.ok(network.offers.every((offer) => offer !== undefined))
    })
  })

  describe('retries', () => {
    it('replaces a signer that died during the session', async () => {
      const network = new FakeNetwork()
      let dead: number | undefined
      network.script = (plan) => {
        dead ??= plan.signers.find((party) => party !== 1)
        network.suspect.add(dead ?? 0) // it answers no ping any more
        return dead !== undefined && plan.signers.includes(dead)
          ? failed('timeout', [dead])
          : { kind: 'done', result: 'ok', signers: plan.signers }
      }
      assert.ok('result' in (await network.ask()))
      assert.equal(network.leads.length, 2)
      assert.equal(network.leads[1]?.plan.attempt, 1)
      assert.ok(!network.leads[1]?.plan.signers.includes(dead ?? 0))
      assert.deepEqual(network.at(1).stats().suspended, [dead])
    })

    it('waits for what another leads with its own guest, and asks nobody else to lead meanwhile', async () => {
      const network = new FakeNetwork()
      network.script = (plan) =>
        network.leads.length < 4
          ? failed('busy', [], { retryAfterMs: 500 })
          : { kind: 'done', result: 'told', signers: plan.signers }
      const reply = await network.ask()
      assert.ok('result' in reply && reply.result === 'told')
      assert.deepEqual(
        network.leads.map(({ leader }) => leader),
        [1, 1, 1, 1],
      )
      assert.equal(network.clock.at, 1_500)
    })

    it('asks another leader in whatever fraction of a millisecond it fails', async () => {
      const network = new FakeNetwork()
      network.script = (plan, leader) => {
        if (leader !== 1) return { kind: 'done', result: 'ok', signers: plan.signers }
        network.clock.at += 26_000.3
        return failed('aborted', [])
      }
      await network.ask()
      assert.deepEqual(
        network.leads.map(({ leader }) => leader === 1),
        [true, false],
      )
      assert.ok(!network.logged.includes('the guest did not answer'))
    })

    it('leads every second attempt itself, and the others by rendezvous between them', async () => {
      const network = new FakeNetwork()
      network.script = (plan) =>
        plan.attempt < 6
          ? failed('aborted', [])
          : { kind: 'done', result: 'ok', signers: plan.signers }
      const request = requestOf()
      assert.ok('result' in (await network.ask(request)))
      const [first, second, third] = othersOf(network, request)
      assert.deepEqual(
        network.leads.map(({ leader }) => leader),
        [1, first, 1, second, 1, third, 1],
      )
      assert.deepEqual(
        network.leads.map(({ plan }) => plan.attempt),
        [0, 1, 2, 3, 4, 5, 6],
      )
    })

    it('leads itself when the next leader does not answer the call', async () => {
      const network = new FakeNetwork()
      network.onRpc = () => {
        throw new Error('BROKEN')
      }
      network.script = (plan) =>
        plan.attempt === 0
          ? failed('aborted', [])
          : { kind: 'done', result: 'ok', signers: plan.signers }
      assert.ok('result' in (await network.ask()))
      assert.deepEqual(
        network.leads.map(({ leader }) => leader),
        [1, 1],
      )
    })

    it('takes a result of another leader only from its own guest', async () => {
      const network = new FakeNetwork()
      let calls = 0
      network.script = (plan, leader) => {
        if (plan.attempt === 0) return failed('aborted', [])
        calls += 1
        return {
          kind: 'done',
          result: leader === 1 ? 'verified here' : 'hearsay',
          signers: plan.signers,
        }
      }
      network.check = (party) => {
        if (party !== 1) return undefined
        const { digest } = decodePlainRequest(requestOf())
        return { kind: 'sign', reqId: digest, accountId: null } // the own guest never saw the result
      }
      const reply = await network.ask()
      assert.ok('result' in reply)
      assert.equal(reply.result, 'verified here')
      assert.ok(calls >= 1)
    })

    it('waits to be told the result of others when its own guest may not take part', async () => {
      const network = new FakeNetwork()
      network.script = (plan, leader) =>
        leader === 1
          ? failed('refused', [1], { ids: ['INTERNAL_ERROR'] })
          : { kind: 'done', result: 'hearsay', signers: plan.signers }
      network.check = (party) => {
        if (party !== 1) return undefined
        const { digest } = decodePlainRequest(requestOf())
        return network.clock.at < 500
          ? { kind: 'sign', reqId: digest, accountId: null }
          : { kind: 'done', result: 'told and verified', signers: [2, 3, 4] }
      }
      const reply = await network.ask()
      assert.ok('result' in reply)
      assert.equal(reply.result, 'told and verified')
    })

    it('waits as long as a busy guest says, and blames nobody', async () => {
      const network = new FakeNetwork()
      let asked = 0
      network.script = (plan, leader) => {
        asked += 1
        return asked < 4
          ? failed('busy', [leader], { retryAfterMs: 700 })
          : { kind: 'done', result: 'ok', signers: plan.signers }
      }
      assert.ok('result' in (await network.ask()))
      assert.deepEqual(network.at(1).stats().suspended, [])
    })

    it('replaces a signer that says not yet at once', async () => {
      const network = new FakeNetwork()
      const first: number[] = []
      network.script = (plan) => {
        const late = plan.signers.find((party) => party !== 1) ?? 0
        if (first.length === 0) {
          first.push(late)
          return failed('not-yet', [late], { retryAfterMs: 5_000 })
        }
        return { kind: 'done', result: 'ok', signers: plan.signers }
      }
      assert.ok('result' in (await network.ask()))
      assert.equal(network.clock.at, 0)
      assert.ok(!network.leads[1]?.plan.signers.includes(first[0] ?? 0))
    })

    it('waits for members that are not ready when it cannot do without them', async () => {
      const network = new FakeNetwork(3, 2)
      network.down.add(3)
      network.script = (plan) =>
        network.clock.at < 1_500
          ? failed('not-yet', [2], { retryAfterMs: 500 })
          : { kind: 'done', result: 'ok', signers: plan.signers }
      assert.ok('result' in (await network.ask()))
      assert.ok(network.clock.at >= 1_500)
    })

    it('does without one that refuses, and ends with the most frequent id when more than n-t do', async () => {
      const network = new FakeNetwork()
      const ids = ['AUTH_FAILED', 'KEY_NOT_FOUND', 'AUTH_FAILED']
      network.script = (plan, leader) => {
        if (leader !== 1) return failed('aborted', []) // what others hear is not believed
        const party = plan.signers.find((other) => other !== leader) ?? 0
        return failed('refused', [party], { ids: [ids.shift() ?? 'AUTH_FAILED'] })
      }
      const reply = await network.ask()
      assert.ok('error' in reply)
      assert.equal(reply.error.id, 'AUTH_FAILED')
      assert.equal(network.leads.filter(({ leader }) => leader === 1).length, 3)
      assert.deepEqual(Object.values((reply.error.details?.['refused'] ?? {}) as object).sort(), [
        'AUTH_FAILED',
        'AUTH_FAILED',
        'KEY_NOT_FOUND',
      ])
    })

    it('never chooses a banned pair, and says so when there is nothing else', async () => {
      const network = new FakeNetwork()
      network.bans.push([1, 2], [3, 4])
      await network.ask()
      const signers = network.leads[0]?.plan.signers ?? []
      assert.ok(!signers.includes(2))
      assert.ok(!(signers.includes(3) && signers.includes(4)))

      const broken = new FakeNetwork(3, 2)
      broken.bans.push([1, 2], [1, 3], [2, 3])
      const reply = await broken.ask()
      assert.ok('error' in reply)
      assert.equal(reply.error.id, 'PAIR_BANNED')
      assert.equal(broken.leads.length, 0)
    })

    it('goes on with another subset after a ban, and names whom a check caught', async () => {
      const network = new FakeNetwork()
      network.script = (plan, leader) => {
        if (!plan.signers.includes(2)) return { kind: 'done', result: 'ok', signers: plan.signers }
        network.bans.push([leader, 2])
        return failed('banned', [2])
      }
      for (const { index } of network.members) network.rtt.set(index, index <= 3 ? 1 : 20)
      assert.ok('result' in (await network.ask()))
      assert.ok(network.leads[0]?.plan.signers.includes(2))
      assert.ok(!network.leads.at(-1)?.plan.signers.includes(2))
    })

    it('takes another subset after a signature that nobody made wrong, and narrows down who did', async () => {
      const network = new FakeNetwork()
      const cheat = 4
      for (const { index } of network.members) network.rtt.set(index, index >= cheat ? 1 : 20)
      network.script = (plan) =>
        plan.signers.includes(cheat)
          ? failed('signature', [])
          : { kind: 'done', result: 'ok', signers: plan.signers }
      for (let nonce = 1; nonce < 6; nonce++) {
        network.known.clear()
        assert.ok('result' in (await network.ask(requestOf({ nonce }))))
      }
      assert.ok(network.logged.includes('every failing subset of the last hour has these members'))
      assert.ok(network.at(1).stats().suspects.includes(cheat))
    })

    it('gives up after eight failures with the last fault and those to blame', async () => {
      const network = new FakeNetwork()
      network.script = (plan, leader) =>
        failed('proof', [plan.signers.find((party) => party !== leader) ?? 0])
      const reply = await network.ask()
      assert.ok('error' in reply)
      assert.equal(reply.error.id, 'SIGN_FAILED')
      assert.equal(reply.error.details?.['lastFault'], 'proof')
      assert.ok((reply.error.blame?.length ?? 0) > 0)
      assert.ok(reply.error.blame?.every((peer) => peer.startsWith('peer-')))
      assert.equal(network.leads.length, 8)
    })

    it('says so at once when its own guest must not use the key', async () => {
      const network = new FakeNetwork()
      network.script = () => failed('own-share', [])
      const reply = await network.ask()
      assert.ok('error' in reply)
      assert.equal(reply.error.id, 'INTERNAL_ERROR')
      assert.equal(network.leads.length, 1)
    })

    it('does without a leader whose guest must not use the key', async () => {
      const network = new FakeNetwork()
      network.script = (plan, leader) => {
        if (plan.attempt === 0) return failed('aborted', [])
        return leader === 1
          ? { kind: 'done', result: 'ok', signers: plan.signers }
          : failed('own-share', [])
      }
      assert.ok('result' in (await network.ask()))
      const unfit = network.leads[1]?.leader ?? 0
      assert.deepEqual(
        network.leads.map(({ leader }) => leader),
        [1, unfit, 1],
      )
      assert.ok(!network.leads[2]?.plan.signers.includes(unfit))

      const broken = new FakeNetwork()
      broken.script = (_, leader) => failed(leader === 1 ? 'aborted' : 'own-share', [])
      const reply = await broken.ask()
      assert.ok('error' in reply)
      assert.equal(reply.error.id, 'INTERNAL_ERROR')
      const others = broken.leads.map(({ leader }) => leader).filter((leader) => leader !== 1)
      assert.equal(new Set(others).size, others.length)
    })

    it('stops at its deadline', async () => {
      const network = new FakeNetwork()
      network.script = () => never
      const reply = await network.ask(requestOf(), 1, { deadlineMs: 150 })
      assert.ok('error' in reply)
      assert.equal(reply.error.id, 'MPC_DEADLINE')
    })

    it('does not begin what has no time left', async () => {
      const network = new FakeNetwork()
      const reply = await network.ask(requestOf(), 1, { deadlineMs: 50 })
      assert.ok('error' in reply)
      assert.equal(reply.error.id, 'MPC_DEADLINE')
      assert.equal(network.leads.length, 0)
    })
  })

  describe('budgets', () => {
    it('are not stretched by members that are down and were never measured', async () => {
      const network = new FakeNetwork()
      network.rtt.set(2, 1_000)
      network.down.add(2)
      network.script = () => failed('aborted', [])
      await network.ask()
      assert.deepEqual([...new Set(network.leads.map(({ plan }) => plan.budgetMs))], [4_000])
    })
  })

  describe('too few members', () => {
    it('ends with MPC_QUORUM within 10 s, and says how many are there and needed', async () => {
      const network = new FakeNetwork()
      for (const party of [3, 4, 5]) network.down.add(party)
      const reply = await network.ask()
      assert.ok('error' in reply)
      assert.equal(reply.error.id, 'MPC_QUORUM')
      assert.equal(reply.error.retryable, true)
      assert.deepEqual(reply.error.details, { reachable: 2, needed: 3, missing: [3, 4, 5] })
      assert.ok(network.clock.at >= 1_000 && network.clock.at < 10_000)
      assert.equal(network.leads.length, 0)
    })

    it('does not count suspect links', async () => {
      const network = new FakeNetwork()
      for (const party of [3, 4, 5]) network.suspect.add(party)
      const reply = await network.ask()
      assert.ok('error' in reply)
      assert.equal(reply.error.id, 'MPC_QUORUM')
    })

    it('signs when a link comes back within the grace', async () => {
      const network = new FakeNetwork()
      for (const party of [3, 4, 5]) network.down.add(party)
      const wait = network.clock.wait.bind(network.clock)
      network.clock.wait = async (ms, signal) => {
        await wait(ms, signal)
        if (network.clock.at > 800) network.down.delete(3)
      }
      assert.ok('result' in (await network.ask()))
    })

    it('waits for its own pair setups, without which it could not check what others sign', async () => {
      const network = new FakeNetwork()
      network.unpaired.add(1)
      const wait = network.clock.wait.bind(network.clock)
      network.clock.wait = async (ms, signal) => {
        await wait(ms, signal)
        if (network.clock.at > 3_000) network.unpaired.delete(1)
      }
      assert.ok('result' in (await network.ask()))
      assert.ok(network.leads.every(({ leader }) => leader === 1))
    })

    it('says that pair setups are not finished when nobody has them', async () => {
      const network = new FakeNetwork()
      for (const { index } of network.members) network.unpaired.add(index)
      const reply = await network.ask()
      assert.ok('error' in reply)
      assert.equal(reply.error.id, 'MPC_QUORUM')
      assert.match(reply.error.message, /pair setups/)
      assert.ok(network.clock.at < 10_000)
    })

    it('makes no key without all members, and names the missing ones', async () => {
      const network = new FakeNetwork()
      network.kind = 'keygen'
      network.account = null
      network.down.add(4)
      const reply = await network.ask()
      assert.ok('error' in reply)
      assert.equal(reply.error.id, 'MPC_QUORUM')
      assert.match(reply.error.message, /all 5 members.*4 \(node 4\)/)
      assert.equal(network.leads.length, 0)
    })

    it('makes a key with all members', async () => {
      const network = new FakeNetwork()
      network.kind = 'keygen'
      assert.ok('result' in (await network.ask()))
      assert.deepEqual(network.leads[0]?.plan.signers, [1, 2, 3, 4, 5])
    })
  })

  describe('limits', () => {
    it('hold for one account and for all of them together', () => {
      const pending = new Pending({ perNode: 5, perAccount: 3 })
      const leaves = ['a', 'a', 'a', 'b'].map((account) => pending.enter(account))
      assert.ok(leaves.every((leave) => leave !== undefined))
      assert.equal(pending.enter('a'), undefined)
      assert.ok(pending.enter(null))
      assert.equal(pending.enter('b'), undefined)
      leaves[0]?.()
      leaves[0]?.() // once
      assert.deepEqual([pending.size, pending.of('a'), pending.of('c')], [4, 2, 0])
      assert.ok(pending.enter('a'))
    })

    it('are given back with the answer', async () => {
      const network = new FakeNetwork()
      const replies = await Promise.all([0, 1, 2].map((nonce) => network.ask(requestOf({ nonce }))))
      assert.ok(replies.every((reply) => 'result' in reply))
      assert.equal(network.at(1).stats().pending, 0)
    })

    it('asks who admits only after the guest knows the account, and once per run', async () => {
      const network = new FakeNetwork()
      const admitted: (string | null)[] = []
      const admit = (account: string | null): number => {
        admitted.push(account)
        return 1_234
      }
      const reply = await network.ask(requestOf(), 1, { admit })
      assert.ok('error' in reply)
      assert.equal(reply.error.id, 'LIMIT_EXCEEDED')
      assert.deepEqual(reply.error.details, { retryAfterMs: 1_234 })
      assert.deepEqual(admitted, ['33333333-3333-3333-3333-333333333333'])
      network.check = () => ({ kind: 'error', id: 'AUTH_FAILED', message: '' })
      await network.ask(requestOf({ nonce: 1 }), 1, { admit })
      assert.equal(admitted.length, 1)
    })
  })

  describe('leading for others', () => {
    it('has its guest check the request and leaves out who is excluded', async () => {
      const network = new FakeNetwork()
      network.script = (plan, leader) =>
        leader === 1
          ? failed('timeout', [plan.signers.find((p) => p !== 1) ?? 0])
          : { kind: 'done', result: 'ok', signers: plan.signers }
      await network.ask()
      const [first, second] = network.leads
      const [dead] = (first?.plan.signers ?? []).filter((party) => party !== 1)
      assert.notEqual(second?.leader, 1)
      assert.ok(network.checks.includes(second?.leader ?? 0))
      assert.ok(!second?.plan.signers.includes(dead ?? 0))
    })

    it('says who signed what its guest has already, as the guest knows it', async () => {
      const network = new FakeNetwork()
      network.known.set(2, 'signed')
      network.script = () => ({ kind: 'done', result: 'signed', signers: [2, 4, 5] })
      const outcome = await askTo(network, 2, 'peer-1')
      assert.deepEqual(outcome, { kind: 'done', result: 'signed', signers: [2, 4, 5] })
      network.script = () => failed('aborted', [])
      assert.deepEqual(await askTo(network, 2, 'peer-1'), { ...outcome, signers: [] })
    })

    it('confirms a result whose signers the other leader does not know', async () => {
      const network = new FakeNetwork()
      const request = requestOf()
      const other = othersOf(network, request)[0] ?? 0
      network.known.set(other, 'signed')
      network.script = (plan, leader) => {
        if (leader !== 1 || plan.attempt === 0) return failed('aborted', [])
        return plan.signers.includes(other) && plan.signers.length === 3
          ? { kind: 'done', result: 'signed', signers: [2, 3, 4] }
          : failed('aborted', [])
      }
      const reply = await network.ask(request)
      assert.ok('result' in reply)
      assert.equal(reply.result, 'signed')
      const own = network.leads.filter(({ leader }) => leader === 1)
      assert.equal(own.length, 2)
    })

    it('takes 16 attempts for one member, leads a few at once, and still leads for others', async () => {
      const network = new FakeNetwork()
      const { promise, resolve } = Promise.withResolvers<void>()
      network.script = async (plan) => {
        await promise
        return { kind: 'done', result: 'ok', signers: plan.signers }
      }
      const under = Array.from({ length: 16 }, (_, nonce) => askTo(network, 2, 'peer-1', nonce))
      for (let turns = 0; turns < 50; turns++) await new Promise(setImmediate)
      assert.equal(network.leads.length, 4)
      const beyond = await askTo(network, 2, 'peer-1', 16)
      assert.equal(beyond.kind === 'failed' && beyond.fault, 'overloaded')
      const another = askTo(network, 2, 'peer-3', 17)
      resolve()
      assert.equal((await another).kind, 'done')
      assert.ok((await Promise.all(under)).every(({ kind }) => kind === 'done'))
      assert.equal((await askTo(network, 2, 'peer-1', 18)).kind, 'done')
    })

    it('answers no stranger', async () => {
      const ask = encodeLeadAsk({
        request: requestOf(),
        attempt: 1,
        remainingMs: 1_000,
        excluded: [],
      })
      const network = new FakeNetwork()
      await assert.rejects(async () => {
        for await (const _ of network.serve(2, ask ?? new Uint8Array(), 'stranger'))
          assert.fail('answered')
      }, /only members/)
      assert.equal(network.leads.length, 0)
    })
  })
})
