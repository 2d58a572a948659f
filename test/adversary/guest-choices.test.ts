import { deepEqual, equal, ok } from 'node:assert/strict'
import { encodeAbort } from '../../enclave-runtime/guest/sessions/abort-kinds.ts'
import type { LeadReply } from '../../enclave-runtime/port/messages.ts'
import type { PartyIndex } from '../../protocols/session/faults.ts'
import { MESSAGE_TYPES, ROUND_NUMBERS } from '../../protocols/session/numbers.ts'
import { type Carried, GuestNet, NOTHING_AHEAD } from '../enclave-runtime/guest/guest-net.ts'
import { TestClient } from '../enclave-runtime/guest/test-client.ts'

/**
 * Whoever wants to use up what guests share: the kernel's slots for multiplications (02 §14), and the
 * correlations of others (02 §4.4). With the WASM kernel and its room.
 */
const CREATE = { attempt: 0, signers: [] as number[], budgetMs: 20_000 }
const BUDGET_MS = 10_000
const { round: ROUND, abort: ABORT } = MESSAGE_TYPES
const R1 = [ROUND_NUMBERS['sign/1-commit'], ROUND_NUMBERS['sign/1-name']]
const isRound = ({ letter }: Carried): boolean => letter.type === ROUND
const afterR1 = (carried: Carried): boolean =>
  isRound(carried) && !R1.includes(carried.letter.round)

async function clientOf(net: GuestNet, name: string, leader: PartyIndex): Promise<TestClient> {
  const client = new TestClient(name)
  const signers = net.guests.map(({ index }) => index)
  client.adopt(
    await net.run(net.guest(leader).member.lead(client.create(), { ...CREATE, signers })),
  )
  return client
}

/** As a host does: what is asked to come back later comes back. */
async function patiently(
  net: GuestNet,
  leader: PartyIndex,
  request: Uint8Array,
  signers: readonly PartyIndex[],
): Promise<LeadReply> {
  for (let attempt = 0; ; attempt++) {
    const plan = { attempt, signers, budgetMs: BUDGET_MS }
    const reply = await net.guest(leader).member.lead(request, plan)
    const again = reply.kind === 'failed' && ['not-yet', 'overloaded'].includes(reply.fault)
    if (!again || attempt === 40) return reply
    await new Promise<void>((resolve) => net.clock.after(reply.retryAfterMs + 7 * leader, resolve))
  }
}

const noHarm = (net: GuestNet): void => {
  for (const { defects, member } of net.guests) {
    deepEqual(defects, [])
    deepEqual(member.status().bans, [])
  }
}

describe('the room of the kernel', function () {
  this.timeout(120_000)

  it('is left to honest leaders by one that opens sessions and is silent in them', async () => {
    const net = await GuestNet.ready('silent opener', { n: 5, t: 3, realSetups: true, wasm: true })
    const victim = await clientOf(net, 'victim', 1)
    const own = [await clientOf(net, 'own 1', 5), await clientOf(net, 'own 2', 5)]
    const before = net.held()
    net.tamper = (carried) =>
      (carried.from === 5 && afterR1(carried)) || (carried.to === 5 && isRound(carried))
        ? []
        : [carried]
    const opened: Promise<LeadReply>[] = []
    for (let k = 0; k < 17; k++)
      for (const client of own)
        opened.push(
          net.guest(5).member.lead(client.message(`0x${1000 + opened.length}`), {
            attempt: 0,
            signers: [1, 2, 5],
            budgetMs: BUDGET_MS,
          }),
        )
    await net.calm()
    ok(net.guest(1).member.status().held > (before[0] ?? 0)) // it got some
    const started = net.clock.monotonicMs()
    const honest: readonly [PartyIndex, readonly PartyIndex[]][] = [
      [1, [1, 3, 4]],
      [2, [2, 3, 4]],
      [1, [1, 2, 3]],
      [3, [1, 2, 3]],
      [4, [1, 2, 4]],
    ]
    for (const [leader, signers] of honest) {
      const plan = { attempt: 0, signers, budgetMs: 2_000 }
      const request = victim.message(`0x${leader}${signers.join('')}`)
      const reply = await net.run(net.guest(leader).member.lead(request, plan))
      equal(reply.kind, 'done', `${leader} with ${signers.join()}`)
    }
    equal(net.clock.monotonicMs(), started) // at the first try, while all of these sessions are open
    await net.run(Promise.all(opened))
    await net.calm()
    deepEqual(net.held(), before)
    noHarm(net)
  })

  it('serves eighty signatures in full that five guests begin at once', async () => {
    const net = await GuestNet.ready('eighty', { n: 5, t: 3, realSetups: true, wasm: true })
    const before = net.held()
    const clients: TestClient[] = []
    for (const { index } of net.guests) clients.push(await clientOf(net, `burst ${index}`, index))
    const asked: Promise<LeadReply>[] = []
    for (let k = 0; k < 16; k++)
      for (const [at, client] of clients.entries()) {
        const signers = [0, 1 + (k % 2), 3].map((step) => 1 + ((at + step) % 5))
        signers.sort((a, b) => a - b)
        asked.push(patiently(net, at + 1, client.message(`0x${1000 + k}`), signers))
      }
    const replies = await net.run(Promise.all(asked))
    equal(replies.length, 80)
    deepEqual(
      new Set(replies.map((reply) => (reply.kind === 'failed' ? reply : reply.kind))),
      new Set(['done']),
    )
    await net.calm()
    deepEqual(net.held(), before)
    noHarm(net)
  })
})

describe('the credit for correlations', function () {
  this.timeout(120_000)

  it('is lost by a signer that aborts, and not by the leader of its sessions', async () => {
    const net = await GuestNet.ready('aborts', {
      ...{ n: 4, t: 3, realSetups: true, wasm: true },
      settings: { ...NOTHING_AHEAD, correlations: { low: 100, high: 160 } },
    })
    const clients = [
      await clientOf(net, 'one', 1),
      await clientOf(net, 'two', 1),
      await clientOf(net, 'three', 1),
    ]
    const full = () =>
      net.guests.every(({ member }) =>
        member.status().correlations.pools.every(({ ready }) => ready >= 100),
      )
    await net.until(full)
    let number = 1000
    const sign = async (client: TestClient, signers: readonly PartyIndex[]): Promise<string> => {
      const plan = { attempt: 0, signers, budgetMs: 5_000 }
      const reply = await net.run(net.guest(1).member.lead(client.message(`0x${number++}`), plan))
      return reply.kind === 'done'
        ? `${reply.form}`
        : reply.kind === 'failed'
          ? reply.fault
          : reply.id
    }
    const at = net.clock.monotonicMs()
    net.tamper = (carried) => {
      const { from, letter } = carried
      const opens = isRound(carried) && letter.round === ROUND_NUMBERS['sign/2-open']
      const body = encodeAbort({ kind: 'cancelled', round: 'any' })
      return from === 3 && opens
        ? [{ ...carried, letter: { ...letter, type: ABORT, round: 0, body } }]
        : [carried]
    }
    const told: string[] = []
    for (let k = 0; k < 36; k++) told.push(await sign(clients[k % 3] as TestClient, [1, 2, 3]))
    ok(
      told.slice(0, 30).every((each) => each === 'cancelled'),
      told.join(),
    )
    equal(told.at(-1), 'full') // with guest 3, and nobody else
    for (const client of clients) equal(await sign(client, [1, 2, 4]), 'correlated')
    ok(net.clock.monotonicMs() - at < 30_000) // nobody's credit came back meanwhile
    noHarm(net)
  })
})
