import { deepEqual, equal, ok } from 'node:assert/strict'
import { fromPresignature } from '../../../../enclave-runtime/guest/signing/manner.ts'
import {
  decodeSigningOpening,
  encodeSigningOpening,
  type SigningOpening,
} from '../../../../enclave-runtime/guest/signing/signing-opening.ts'
import { signingPlan } from '../../../../enclave-runtime/guest/signing/signing-plan.ts'
import { checkReply } from '../../../../enclave-runtime/port/messages.ts'
import { MESSAGE_TYPES, ROUND_NUMBERS } from '../../../../protocols/session/numbers.ts'
import { seeded } from '../../../support/seeded.ts'
import type { Carried } from '../guest-net.ts'
import { answerIn } from '../letters.ts'
import { TestClient } from '../test-client.ts'
import { textOf, WarmNet } from './warm-net.ts'

const SIGNERS = [1, 2, 3]
const { open: OPEN } = MESSAGE_TYPES

const isOpening = ({ letter }: Carried): boolean => letter.type === OPEN
const isOnline = ({ letter }: Carried): boolean => letter.round === ROUND_NUMBERS['sign/online']

describe('requests of an account that signs often', function () {
  this.timeout(60_000)
  let warm: WarmNet

  beforeEach(async () => {
    warm ??= await WarmNet.create('presigned', 2)
    warm.tamper = (carried) => [carried]
    await warm.net.until(() => warm.net.isPaired())
    await warm.warm(2)
  })
  afterEach(async () => {
    await warm.net.calm()
    for (const { defects, events, member } of warm.net.guests) {
      deepEqual(defects, [])
      deepEqual(member.status().bans, [])
      ok(!events.some(({ code }) => code === 'STRIKE' || code === 'HALTED'))
    }
    // Whatever happened: no guest ever used one presignature for two things.
    for (const [place, sids] of warm.uses()) equal(sids.size, 1, place)
  })

  it('are signed in one round, and what they used is made anew', async () => {
    const held = warm.held(2)
    equal(await warm.sign(), 'presigned')
    await warm.net.calm()
    const rounds = warm.letters.filter(({ letter }) => letter.type === MESSAGE_TYPES.round)
    ok(rounds.length >= 6 && rounds.slice(0, 6).every(isOnline))
    // The opening and the leader's one message leave together, before anything came back.
    const [first, second, third, fourth] = warm.letters.filter(
      ({ letter }) => letter.type !== MESSAGE_TYPES.result, // who did not sign before hears of it now
    )
    deepEqual(
      [first, second, third, fourth].map((carried) => carried && [carried.from, carried.to]),
      [
        [1, 2],
        [1, 3],
        [1, 2],
        [1, 3],
      ],
    )
    await warm.net.until(() => warm.own(1) === 2)
    await warm.net.calm()
    equal(warm.held(2), held)
  })

  it('prefer their signers in the answer to a check', async () => {
    const reply = await warm.net.guest(1).member.check(warm.request())
    deepEqual(reply.kind === 'sign' && reply.signers, SIGNERS)
    const other = await warm.net.guest(2).member.check(warm.request())
    equal(other.kind === 'sign' && other.signers, null) // it owns none
  })

  it('are led with their check where that is offered and all of their signers are able', async () => {
    const { member } = warm.net.guest(1)
    const offer = (able: number[]) => ({
      able,
      budgetMs: 10_000,
      budgets: { correlated: 3_000, presigned: 2_000 },
    })
    const request = warm.request()
    for (const able of [
      [1, 2, 4],
      [1, 4],
      [2, 3],
    ]) {
      const reply = await warm.net.run(member.check(request, offer(able)))
      equal(reply.kind, 'sign', able.join())
    }
    const reply = await warm.net.run(member.check(request, offer([1, 2, 3, 4])))
    deepEqual(checkReply.decode(checkReply.encode(reply)), reply)
    ok(reply.kind === 'led' && reply.outcome.kind === 'done')
    deepEqual([reply.signers, reply.outcome.signers], [SIGNERS, SIGNERS])
    equal(reply.outcome.form, 'presigned')
    ok((reply.outcome.phases?.forward ?? 0) >= 0)
    const again = await member.check(request, offer([1, 2, 3, 4]))
    ok(again.kind === 'done') // what is done is not led again
    equal(again.result, reply.outcome.result)
    const other = await warm.net.guest(2).member.check(warm.request(), offer([1, 2, 3, 4]))
    equal(other.kind, 'sign') // it owns no presignature
  })

  it('are refused with their check as without an offer', async () => {
    const { member } = warm.net.guest(1)
    const held = warm.own(1)
    const forged = warm.client.request('personal_sign', ['0x01', warm.client.address], {}, () =>
      new Uint8Array(64).fill(1),
    )
    const reply = await member.check(forged, { able: SIGNERS, budgetMs: 10_000 })
    equal(reply.kind === 'error' && reply.id, 'AUTH_FAILED')
    equal(warm.own(1), held)
  })

  it('are signed in full by other signers, and by another leader', async () => {
    const other = await WarmNet.create('other signers', 2)
    await other.warm(2)
    equal(await other.sign([1, 2, 3], 2), 'full')
    equal(await other.sign([1, 2, 4]), 'full')
  })

  it('have their record on disk before anything secret is taken', async () => {
    const steps: string[] = []
    for (const at of SIGNERS) {
      const { kernel } = warm.net.guest(at).open
      const { online } = kernel
      kernel.online = (presignature, digest) => {
        steps.push(`online ${at}`)
        kernel.online = online
        return online.call(kernel, presignature, digest)
      }
    }
    warm.net.onWrite = (party, { bulk }) => {
      if ([...(bulk?.keys() ?? [])].some((name) => name.startsWith('activity/')))
        steps.push(`record ${party}`)
    }
    equal(await warm.sign(), 'presigned')
    warm.net.onWrite = () => undefined
    equal(steps.length, 6)
    for (const at of SIGNERS) ok(steps.indexOf(`record ${at}`) < steps.indexOf(`online ${at}`))
  })

  it('have their openings written before the leader begins with its record', async () => {
    const written: number[] = []
    const before: number[][] = []
    const { net } = warm
    const send = net.send.bind(net)
    net.send = (carried) => {
      const { from, to, letter } = carried
      // As the port does: what a turn of the loop has to say leaves at its end.
      if (from === 1 && letter.type === MESSAGE_TYPES.open) setImmediate(() => written.push(to))
      return send(carried)
    }
    net.onWrite = (party, { bulk }) => {
      const names = [...(bulk?.keys() ?? [])]
      if (party === 1 && names.some((name) => name.startsWith('activity/')))
        before.push([...written])
    }
    equal(await warm.sign(), 'presigned')
    net.send = send
    net.onWrite = () => undefined
    deepEqual(before, [[2, 3]])
  })

  it('use one presignature each, however many come at once; those that find none are signed in full', async () => {
    const replies = await Promise.all(
      [1, 2, 3].map(async () => textOf(await warm.lead(warm.request(), SIGNERS))),
    )
    deepEqual(replies.sort(), ['full', 'presigned', 'presigned'])
  })

  it('at two entry nodes at once have one signature', async () => {
    await warm.warm(2)
    const request = warm.request()
    const [mine, other] = await Promise.all([
      warm.lead(request, SIGNERS),
      warm.lead(request, [2, 3, 4], 2),
    ])
    const done = [mine, other].filter(({ kind }) => kind === 'done')
    ok(done.length > 0)
    await warm.net.calm()
    warm.net.clock.pass(1_000) // who did not sign hears of it within that
    await warm.net.calm()
    const results = [1, 2, 3].map((at) => warm.net.guest(at).member.check(request))
    for (const reply of await Promise.all(results)) equal(reply.kind, 'done')
  })

  it('are signed once when every letter comes twice', async () => {
    warm.tamper = (carried) => [carried, carried]
    equal(await warm.sign(), 'presigned')
  })

  it('are signed when the online messages come before the opening', async () => {
    const late: Carried[] = []
    warm.tamper = (carried) => {
      if (isOpening(carried) && carried.to === 3) {
        late.push(carried)
        return []
      }
      return carried.to === 3 && isOnline(carried) ? [carried, ...late.splice(0)] : [carried]
    }
    equal(await warm.sign(), 'presigned')
  })

  it('give the same bytes when the opening comes again later', async () => {
    equal(await warm.sign(), 'presigned')
    await warm.net.calm()
    const opening = warm.letters.find((carried) => isOpening(carried) && carried.to === 2)
    ok(opening)
    warm.letters = []
    warm.net.inject(opening)
    await warm.net.calm()
    equal(warm.letters.filter(isOnline).length, 0)
  })

  it('fall back to a full signature when a follower does not have the presignature', async () => {
    // Guest 3 misses the last message of the making, of two.
    equal(await warm.sign(), 'presigned')
    equal(await warm.sign(), 'presigned')
    warm.tamper = (carried) =>
      carried.letter.round === ROUND_NUMBERS['sign/2-multiply'] &&
      carried.from === 2 &&
      carried.to === 3
        ? []
        : [carried]
    await warm.net.until(() => warm.own(1) === 2)
    warm.net.clock.pass(40_000)
    await warm.net.calm()
    warm.tamper = (carried) => [carried]
    await warm.net.until(() => warm.net.isPaired())
    const request = warm.request()
    const held = warm.held(2)
    equal(textOf(await warm.lead(request, SIGNERS)), 'presig-unknown')
    await warm.net.calm()
    equal(warm.own(1), 1)
    equal(warm.held(2), held - 1) // the others burnt theirs
    equal(textOf(await warm.lead(request, SIGNERS)), 'full') // and the same request needs none any more
  })

  it('find nothing after a follower started anew, and nothing after the leader did', async () => {
    await warm.net.restart(3)
    await warm.net.until(() => warm.net.isPaired())
    equal(warm.own(1), 0)
    equal(warm.held(2), 0)
    equal(await warm.sign(), 'full')
    await warm.warm(2)
    await warm.net.restart(1)
    await warm.net.until(() => warm.net.isPaired())
    deepEqual(
      [1, 2, 3].map((at) => warm.held(at)),
      [0, 0, 0],
    )
    equal(await warm.sign(), 'full')
  })

  it('lose what was named when a guest dies between naming and use', async () => {
    let killed = false
    warm.net.onWrite = (party, { bulk }) => {
      if (party !== 2 || killed || bulk === undefined) return
      killed = true
      warm.net.kill(2)
      for (const at of [1, 3, 4])
        warm.net.guest(at).member.links([1, 3, 4].filter((up) => up !== at))
      throw new Error('the process is gone')
    }
    const request = warm.request()
    equal(textOf(await warm.lead(request, SIGNERS)), 'timeout 2')
    warm.net.onWrite = () => undefined
    equal(warm.letters.filter((carried) => isOnline(carried) && carried.from === 2).length, 0)
    await warm.net.restart(2)
    await warm.net.until(() => warm.net.isPaired())
    deepEqual(
      [1, 2, 3].map((at) => warm.held(at)),
      [0, 0, 0],
    )
    equal(textOf(await warm.lead(request, SIGNERS)), 'full')
  })

  describe('whose leader lies', () => {
    /** A presignature that guests 2 and 3 hold and guest 1 has named already: the opening that never left. */
    async function unsent(): Promise<SigningOpening> {
      let opening: SigningOpening | undefined
      warm.tamper = (carried) => {
        if (carried.from !== 1) return [carried]
        if (isOpening(carried)) opening = decodeSigningOpening(carried.letter.body)
        return []
      }
      equal(textOf(await warm.lead(warm.request(), SIGNERS)).startsWith('timeout'), true)
      await warm.net.calm()
      warm.tamper = (carried) => [carried]
      warm.letters = []
      ok(opening?.manner.presignature)
      return opening
    }

    /** What a guest answers to an opening that an attacker in guest `from` writes for this request. */
    async function openedBy(
      from: number,
      to: number,
      request: Uint8Array,
      opening: SigningOpening,
      client: TestClient = warm.client,
    ): Promise<string> {
      warm.letters = []
      const { net } = warm
      const asked = warm.asked(client, request)
      const nonce = seeded(`${from} ${to} ${Buffer.from(request).toString('base64')}`)(32)
      const { certificate, derived } = asked.account
      const body = encodeSigningOpening({
        ...opening,
        request,
        keyId: certificate.keyId,
        path: derived.path,
        nonce,
        evalTime: Math.floor(net.clock.unixMs() / 1000),
      })
      const { signers, attempt, manner } = opening
      const plan = signingPlan(net.committeeOf(from), asked, signers, attempt, nonce, manner)
      const letter = { session: plan.instanceId, attempt, round: 0, type: OPEN, body }
      net.inject({ from, to, letter })
      await net.calm()
      return answerIn(warm.letters, to)
    }

    const UNKNOWN = 'abort 13,0,0'

    it('are signed once in each guest, whatever it opens there afterwards', async () => {
      const opening = await unsent()
      equal(await openedBy(1, 2, warm.request(), opening), 'takes part')
      for (let again = 0; again < 3; again++)
        equal(await openedBy(1, 2, warm.request(), opening), UNKNOWN)
    })

    it('have at most one of two digests in each guest', async () => {
      const opening = await unsent()
      equal(await openedBy(1, 2, warm.request(), opening), 'takes part')
      equal(await openedBy(1, 3, warm.request(), opening), 'takes part')
      equal(await openedBy(1, 2, warm.request(), opening), UNKNOWN)
      equal(await openedBy(1, 3, warm.request(), opening), UNKNOWN)
    })

    it('burn what a refused request names', async () => {
      const opening = await unsent()
      const iat = Math.floor(warm.net.clock.unixMs() / 1000)
      const forged = warm.client.request(
        'personal_sign',
        ['0x99', warm.client.address],
        { iat, exp: iat + 200 },
        () => new Uint8Array(64),
      )
      equal(await openedBy(1, 2, forged, opening), 'AUTH_FAILED')
      equal(await openedBy(1, 2, warm.request(), opening), UNKNOWN)
    })

    it("are not signed with a presignature of somebody else, which stays its owner's", async () => {
      const opening = await unsent()
      equal(await openedBy(3, 2, warm.request(), opening), UNKNOWN)
      equal(await openedBy(1, 2, warm.request(), opening), 'takes part')
    })

    it('are not signed with a presignature of another key', async () => {
      const other = new TestClient('another account')
      await warm.open(other)
      const opening = await unsent()
      equal(await openedBy(1, 2, warm.request(other), opening, other), UNKNOWN)
      equal(await openedBy(1, 2, warm.request(), opening), UNKNOWN) // burnt by its own owner
    })

    it('are not signed with a presignature of other signers', async () => {
      const opening = await unsent()
      const others = { ...opening, signers: [1, 2, 4] }
      equal(await openedBy(1, 2, warm.request(), others), UNKNOWN)
    })

    it('are not signed with a presignature that does not exist', async () => {
      const opening = await unsent()
      const manner = fromPresignature(seeded('nothing')(16))
      equal(await openedBy(1, 2, warm.request(), { ...opening, manner }), UNKNOWN)
      equal(await openedBy(1, 2, warm.request(), opening), 'takes part')
    })
  })
})
