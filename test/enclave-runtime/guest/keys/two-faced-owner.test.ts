import { deepEqual, equal, ok } from 'node:assert/strict'
import { decodeAccount } from '../../../../enclave-runtime/guest/accounts/account.ts'
import { assignmentLetter } from '../../../../enclave-runtime/guest/keys/assignment-letters.ts'
import { type Vote, voteMessage } from '../../../../enclave-runtime/guest/keys/assignment-votes.ts'
import { decodePendingBatch } from '../../../../enclave-runtime/guest/keys/pending-batch.ts'
import { ReadyKeys } from '../../../../enclave-runtime/guest/keys/ready-keys.ts'
import {
  accountIdOf,
  NO_IDENTIFIER_HASH,
  NO_SCOPE_ID,
} from '../../../../protocols/request/account-id.ts'
import { decodePlainRequest } from '../../../../protocols/request/plain-request.ts'
import { MESSAGE_TYPES, ROUND_NUMBERS } from '../../../../protocols/session/numbers.ts'
import { GuestNet } from '../guest-net.ts'
import type { TestClient } from '../test-client.ts'
import { NETWORK } from '../vault/vault-fixture.ts'
import { creation, isAssignment, isSettled, lead, readyNet, readyOf } from './ready-net.ts'

/** The owner of the keys, who says one thing to some and another to others; its host hears for it. */
const OWNER = 1
const HONEST = [2, 3, 4]

interface Scene {
  readonly net: GuestNet
  readonly a: Account
  readonly b: Account
  readonly one: Uint8Array
  readonly two: Uint8Array
}

interface Account {
  readonly client: TestClient
  readonly request: Uint8Array
  readonly id: Uint8Array
}

function newAccount(net: GuestNet, seed: string): Account {
  const { client, request } = creation(net, seed)
  const { digest } = decodePlainRequest(request)
  return { client, request, id: accountIdOf(NETWORK, NO_SCOPE_ID, NO_IDENTIFIER_HASH, digest) }
}

/** Four guests; of what guest 1 does about accounts nothing leaves it but what the test says in its name. */
async function scene(seed: string): Promise<Scene> {
  const net = await readyNet(seed, { readyKeys: { 1: 4, 2: 3 } })
  const ready = new ReadyKeys(net.guest(2).vault)
  const take = (): Uint8Array => {
    const key = ready.keysOf(OWNER)[0]
    if (key === undefined) throw new Error('too few keys')
    ready.take(key)
    return key
  }
  net.tamper = (carried) =>
    isAssignment(carried) && (carried.to === OWNER || carried.from === OWNER) ? [] : [carried]
  return {
    net,
    a: newAccount(net, `${seed} a`),
    b: newAccount(net, `${seed} b`),
    one: take(),
    two: take(),
  }
}

/** Letters of the owner, which are not tampered with. */
async function say(
  { net }: Scene,
  to: readonly number[],
  { id, request }: Account,
  keyId: Uint8Array,
  final = false,
): Promise<void> {
  const message = voteMessage(net.committeeOf(OWNER), id, { keyId, final })
  const vote = { party: OWNER, final, keyId, signature: net.guest(OWNER).vault.sign(message) }
  const told = { accountId: id, request, asks: true, refused: null, votes: [vote] }
  const letter = assignmentLetter(told)
  for (const party of to) net.guest(party).take(OWNER, { ...letter, body: letter.body.slice() })
  await net.calm()
}

async function keyAt({ net }: Scene, party: number, { id }: Account): Promise<string> {
  const record = await net.guest(party).vault.bulk(`account/${hex(id)}`)
  return record === undefined ? 'none' : hex(decodeAccount(record).keyId)
}

const keysAt = (s: Scene, account: Account): Promise<string[]> =>
  Promise.all(HONEST.map((party) => keyAt(s, party, account)))

async function pass({ net }: Scene, count: number): Promise<void> {
  for (let i = 0; i < count; i++) {
    await net.calm()
    net.clock.pass(20_000)
  }
  await net.calm()
}

const sound = ({ net }: Scene): void => {
  for (const party of HONEST) deepEqual(net.guest(party).defects, [])
}

describe('an owner that names other keys to others', function () {
  this.timeout(120_000)

  type Variant = (s: Scene) => Promise<void>
  const crossed: Variant = async (s) => {
    await say(s, [2, 3], s.a, s.one)
    await say(s, [2, 3], s.b, s.two)
    await say(s, [4], s.a, s.two)
    await say(s, [4], s.b, s.one)
    await s.net.calm()
  }
  const finals: Variant = async (s) => {
    await say(s, HONEST, s.a, s.one, true)
    await say(s, HONEST, s.b, s.two, true)
  }
  const variants: [string, Variant][] = [
    [
      'as it pleases',
      async (s) => {
        await crossed(s)
        await finals(s)
      },
    ],
    [
      'in reversed order',
      async (s) => {
        await say(s, [4], s.b, s.one)
        await say(s, [4], s.a, s.two)
        await say(s, [3, 2], s.b, s.two)
        await say(s, [3, 2], s.a, s.one)
        await s.net.calm()
        await say(s, [4, 3, 2], s.b, s.two, true)
        await say(s, [4, 3, 2], s.a, s.one, true)
      },
    ],
    [
      'and its final votes to two only, the opposite to the third',
      async (s) => {
        await crossed(s)
        await say(s, [4], s.a, s.two, true)
        await say(s, [4], s.b, s.one, true)
        await say(s, [2, 3], s.a, s.one, true)
        await say(s, [2, 3], s.b, s.two, true)
      },
    ],
    [
      'and its final votes to one only',
      async (s) => {
        await crossed(s)
        await say(s, [2], s.a, s.one, true)
        await say(s, [3], s.b, s.two, true)
      },
    ],
    [
      'while all restart after each step',
      async (s) => {
        const again = async () => {
          for (const party of HONEST) await s.net.restart(party)
          await s.net.calm()
        }
        await crossed(s)
        await again()
        await say(s, HONEST, s.a, s.one, true)
        await again()
        await say(s, HONEST, s.b, s.two, true)
        await again()
      },
    ],
    [
      'and half of all letters are lost',
      async (s) => {
        const before = s.net.tamper
        let letters = 0
        s.net.tamper = (carried) =>
          isAssignment(carried) && ++letters % 2 === 0 ? [] : before(carried)
        await crossed(s)
        await finals(s)
        await pass(s, 4)
        s.net.tamper = before
      },
    ],
  ]
  for (const [name, play] of variants)
    it(`${name}: what two have, the third has too`, async () => {
      const s = await scene(`two-faced ${name}`)
      await play(s)
      await pass(s, 6)
      deepEqual(
        await keysAt(s, s.a),
        HONEST.map(() => hex(s.one)),
      )
      deepEqual(
        await keysAt(s, s.b),
        HONEST.map(() => hex(s.two)),
      )
      equal(s.net.guest(4).vault.criticalNames('assigning/').length, 0)
      sound(s)
      // The third signs for them, without the owner.
      const reply = await s.net.guest(4).member.check(s.a.request)
      s.a.client.adopt(reply as Parameters<TestClient['adopt']>[0])
      s.net.kill(OWNER)
      s.net.connect()
      await s.net.until(() => s.net.isPaired())
      const iat = Math.floor(s.net.clock.unixMs() / 1000)
      const order = s.a.client.message('0x01', { iat, exp: iat + 200 })
      const plan = { attempt: 0, signers: HONEST, budgetMs: 10_000 }
      const signed = await s.net.run(s.net.guest(4).member.lead(order, plan))
      equal(signed.kind, 'done', JSON.stringify(signed))
    })

  it('one account only: the other cannot have its key any more, and stays open without harm', async () => {
    const s = await scene('half')
    await crossed(s)
    await say(s, HONEST, s.a, s.one, true)
    await pass(s, 6)
    deepEqual(
      await keysAt(s, s.a),
      HONEST.map(() => hex(s.one)),
    )
    deepEqual(
      await keysAt(s, s.b),
      HONEST.map(() => 'none'),
    )
    for (const party of HONEST)
      equal(s.net.guest(party).vault.criticalNames('assigning/').length, 1)
    // The other one's final vote, late as it is, still ends it.
    await say(s, HONEST, s.b, s.two, true)
    await pass(s, 3)
    deepEqual(
      await keysAt(s, s.b),
      HONEST.map(() => hex(s.two)),
    )
    sound(s)
  })

  it('all votes for one key, but its own other than it told the rest: who was told so follows the rest', async () => {
    const s = await scene('own vote')
    const ready = new ReadyKeys(s.net.guest(1).vault)
    const key = ready.keysOf(2)[0]
    if (key === undefined) throw new Error('guest 2 has no key')
    // Guest 2 leads; the liar's vote is for its key, but 4 hears another one first.
    const plan = { attempt: 0, signers: [1, 2, 3, 4], budgetMs: 1_000 }
    const led = s.net.guest(2).member.lead(s.a.request, plan)
    await s.net.calm()
    await say(s, [4], s.a, s.one)
    await s.net.calm()
    await say(s, [2, 3], s.a, key)
    await s.net.run(led)
    await pass(s, 3)
    deepEqual(
      await keysAt(s, s.a),
      HONEST.map(() => hex(key)),
    )
    sound(s)
  })

  it('from a restored disk, one key a second time: nobody votes for it again', async () => {
    const s = await scene('restored')
    s.net.tamper = (carried) => [carried]
    s.a.client.adopt(await lead(s.net, OWNER, s.a.request))
    await s.net.until(() => isSettled(s.net))
    const [, , had] = await keysAt(s, s.a)
    if (had === undefined) throw new Error('no key')
    s.net.tamper = (carried) =>
      isAssignment(carried) && (carried.to === OWNER || carried.from === OWNER) ? [] : [carried]
    const given = new Uint8Array(Buffer.from(had, 'hex'))
    await say(s, HONEST, s.b, given)
    await say(s, HONEST, s.b, given, true)
    await pass(s, 3)
    deepEqual(
      await keysAt(s, s.b),
      HONEST.map(() => 'none'),
    )
    // And nothing else is spoilt by it.
    s.net.tamper = (carried) => [carried]
    const fresh = newAccount(s.net, 'after the restored disk')
    fresh.client.adopt(await lead(s.net, 2, fresh.request))
    ok((await keyAt(s, 3, fresh)) !== had)
    sound(s)
  })
})

describe('letters that name no key', function () {
  this.timeout(60_000)

  it('make a guest ask nobody, and those that do at most once a second', async () => {
    const net = await GuestNet.create('no amplifier', { n: 4, t: 3, readyKeys: { 1: 2 } })
    const silent = (type: number): boolean =>
      type === MESSAGE_TYPES.certificateAsk || type === MESSAGE_TYPES.certificateAnswer
    let others = 0
    net.tamper = (carried) => {
      const { from, letter } = carried
      if (from !== OWNER) others += 1
      const mute = letter.round === ROUND_NUMBERS['keygen/3-prove'] || silent(letter.type)
      return from === OWNER && mute ? [] : [carried]
    }
    net.connect()
    await net.until(() => net.guest(2).member.status().keys.pending > 0)
    for (let i = 0; i < 30; i++) {
      await net.calm()
      net.clock.pass(10_000)
    }
    await net.calm()
    equal(readyOf(net, OWNER), 0)
    others = 0
    const inject = (id: number, votes: readonly Vote[]) => {
      const told = { request: new Uint8Array(1), asks: true, refused: null, votes }
      const accountId = new Uint8Array(16).fill(id)
      net.inject({ from: OWNER, to: 2, letter: assignmentLetter({ accountId, ...told }) })
    }
    for (let i = 0; i < 100; i++) inject(i, [])
    await net.calm()
    equal(others, 0)
    // A genuine vote for a key of a batch that is pending here, a hundred times within a second.
    const keyId = pendingKey(net)
    for (let i = 0; i < 100; i++) {
      const accountId = new Uint8Array(16).fill(i)
      const message = voteMessage(net.committeeOf(OWNER), accountId, { keyId, final: false })
      const signature = net.guest(OWNER).vault.sign(message)
      inject(i, [{ party: OWNER, final: false, keyId, signature }])
      inject(i, [{ party: OWNER, final: false, keyId, signature: new Uint8Array(64) }])
      inject(i, [{ party: OWNER, final: false, keyId: new Uint8Array(32), signature }])
    }
    await net.calm()
    ok(others > 0 && others <= 3 + 2 + 2, `${others} letters`) // one question to three, answers of two
  })
})

function pendingKey(net: GuestNet): Uint8Array {
  const { vault } = net.guest(2)
  const [name] = vault.criticalNames('pending/')
  const record = name === undefined ? undefined : vault.critical(name)
  const [key] = record === undefined ? [] : decodePendingBatch(record).keys
  if (key === undefined) throw new Error('nothing is pending')
  return key.keyId
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')
