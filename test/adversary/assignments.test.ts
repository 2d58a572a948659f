import { deepEqual, equal } from 'node:assert/strict'
import {
  type AssignmentLetter,
  assignmentLetter,
  decodeAssignmentLetter,
} from '../../enclave-runtime/guest/keys/assignment-letters.ts'
import { type Vote, voteMessage } from '../../enclave-runtime/guest/keys/assignment-votes.ts'
import { ReadyKeys } from '../../enclave-runtime/guest/keys/ready-keys.ts'
import { accountIdOf, NO_IDENTIFIER_HASH, NO_SCOPE_ID } from '../../protocols/request/account-id.ts'
import { decodePlainRequest } from '../../protocols/request/plain-request.ts'
import type { Carried, GuestNet } from '../enclave-runtime/guest/guest-net.ts'
import {
  accountOf,
  creation,
  EVERYONE,
  isAssignment,
  isSettled,
  lead,
  readyNet,
} from '../enclave-runtime/guest/keys/ready-net.ts'
import { record } from '../enclave-runtime/guest/letters.ts'
import { TestClient } from '../enclave-runtime/guest/test-client.ts'
import { NETWORK } from '../enclave-runtime/guest/vault/vault-fixture.ts'

/**
 * What a member may do to the giving of ready keys (02 §5), through real guests: mallory is a member whose vote
 * is asked for, or the owner who names the keys. Whatever she does, the honest three never hold two keys for an
 * account nor one key for two, and they end with what the row says.
 */
const MALLORY = 2
const HONEST = [1, 3, 4]

const accountIdIn = (request: Uint8Array): Uint8Array =>
  accountIdOf(NETWORK, NO_SCOPE_ID, NO_IDENTIFIER_HASH, decodePlainRequest(request).digest)

/** A vote as guest `party` itself would sign it. */
function vote(
  net: GuestNet,
  party: number,
  accountId: Uint8Array,
  keyId: Uint8Array,
  final = false,
): Vote {
  const message = voteMessage(net.committeeOf(party), accountId, { keyId, final })
  return { party, keyId, final, signature: net.guest(party).vault.sign(message) }
}

/** The keys that this owner has ready, as guest 1 knows them. */
function keysOf(net: GuestNet, owner: number): Uint8Array[] {
  const { vault } = net.guest(1)
  const ready = new ReadyKeys(vault)
  const keys: Uint8Array[] = []
  for (let key = ready.keysOf(owner)[0]; key !== undefined; key = ready.keysOf(owner)[0]) {
    keys.push(key)
    ready.take(key)
  }
  return keys
}

const at = <T>(items: readonly T[], index: number): T => {
  const item = items[index]
  if (item === undefined) throw new Error(`no item ${index}`)
  return item
}

/** A letter from mallory. */
function send(net: GuestNet, to: number, told: Partial<AssignmentLetter>): void {
  const letter = { request: null, asks: false, refused: null, votes: [], ...told }
  net.inject({
    from: MALLORY,
    to,
    letter: assignmentLetter({ accountId: new Uint8Array(16), ...letter }),
  })
}

/** Which key each honest guest has for the account, or that it has none. */
async function keysAt(net: GuestNet, request: Uint8Array): Promise<string[]> {
  const keys: string[] = []
  for (const party of HONEST) {
    const reply = await net.guest(party).member.check(request)
    keys.push(reply.kind === 'done' ? (reply.result as { key_id: string }).key_id : 'none')
  }
  return keys
}

const honestSettled = (net: GuestNet, accounts: number): boolean =>
  HONEST.every((party) => net.guest(party).member.status().keys.active === accounts)

const changed = (
  carried: Carried,
  change: (told: AssignmentLetter) => AssignmentLetter,
): Carried => ({
  ...carried,
  letter: assignmentLetter(change(decodeAssignmentLetter(carried.letter.body))),
})

describe('ready keys, when a member cheats', function () {
  this.timeout(60_000)

  type Cheat = (net: GuestNet, carried: Carried, older: readonly Carried[]) => readonly Carried[]
  const votes: [string, string, Cheat][] = [
    [
      'with a flipped bit',
      'done',
      (_, carried) => [
        changed(carried, (told) => ({
          ...told,
          votes: told.votes.map((each) =>
            each.party === MALLORY
              ? { ...each, signature: each.signature.map((byte, i) => (i === 5 ? byte ^ 1 : byte)) }
              : each,
          ),
        })),
      ],
    ],
    ['that never comes', 'done', () => []],
    ['that comes twice', 'done', (_, carried) => [carried, carried]],
    [
      'for another account, under this one',
      'done',
      (_net, carried, older) => {
        const old = older.find(({ from, to }) => from === MALLORY && to === 1)
        if (old === undefined) throw new Error('no older vote')
        const { votes: theirs } = decodeAssignmentLetter(old.letter.body)
        return [changed(carried, (told) => ({ ...told, votes: theirs }))]
      },
    ],
    [
      'as it was given for another account, once more',
      'done',
      (_net, carried, older) => [...older.filter(({ from }) => from === MALLORY), carried],
    ],
    [
      'for another key',
      'done',
      (net, carried) => [
        changed(carried, (told) => ({
          ...told,
          votes: told.votes.map((each) =>
            each.party === MALLORY && !each.final
              ? vote(net, MALLORY, told.accountId, at(keysOf(net, MALLORY), 0))
              : each,
          ),
        })),
      ],
    ],
    [
      'in the name of another member',
      'done',
      (_net, carried) => [
        changed(carried, (told) => ({
          ...told,
          votes: told.votes.map((each) => (each.party === MALLORY ? { ...each, party: 4 } : each)),
        })),
      ],
    ],
    [
      'that is a refusal',
      'refused 2 AUTH_FAILED',
      (_net, carried) => [
        changed(carried, (told) => ({ ...told, votes: [], refused: 'AUTH_FAILED' })),
      ],
    ],
    [
      'that is no letter',
      'done',
      (_net, carried) => [{ ...carried, letter: { ...carried.letter, body: Uint8Array.of(0x80) } }],
    ],
  ]
  for (const [cheat, expected, treat] of votes)
    it(`a vote ${cheat}: ${expected}`, async () => {
      const net = await readyNet(`vote ${cheat}`)
      const older = record(net)
      const first = creation(net, `older ${cheat}`)
      first.client.adopt(await lead(net, 1, first.request))
      await net.until(() => isSettled(net))
      const archive = older.filter(isAssignment)
      const { client, request } = creation(net, cheat)
      net.tamper = (carried) => {
        const hers = isAssignment(carried) && carried.from === MALLORY && carried.to === 1
        return hers ? treat(net, carried, archive) : [carried]
      }
      const plan = { attempt: 0, signers: EVERYONE, budgetMs: 5_000 }
      const reply = await net.run(net.guest(1).member.lead(request, plan))
      const said =
        reply.kind === 'failed'
          ? [reply.fault, reply.parties.join(), ...reply.ids].join(' ')
          : reply.kind
      equal(said.trim(), expected)
      if (reply.kind === 'done') client.adopt(reply)

      // Once she stops, the account is there, with one key; so is the older one.
      net.tamper = (carried) => [carried]
      await net.until(() => honestSettled(net, 2))
      const keys = new Set(await keysAt(net, request))
      equal(keys.size, 1)
      equal(keys.has((await accountOf(net, first.request)).key_id), false)
      for (const { defects } of net.guests) deepEqual(defects, [])
    })

  it('an owner names different keys to different members: all end with one of them', async () => {
    const net = await readyNet('different keys')
    const { request } = creation(net, 'different keys')
    const accountId = accountIdIn(request)
    const [one, two] = keysOf(net, MALLORY)
    if (one === undefined || two === undefined) throw new Error('too few keys')
    for (const [to, keyId] of [
      [1, one],
      [3, one],
      [4, two],
    ] as const) {
      const named = [vote(net, MALLORY, accountId, keyId)]
      send(net, to, { accountId, request, asks: true, votes: named })
    }
    await net.calm()
    await net.until(() => honestSettled(net, 1))
    const keys = new Set(await keysAt(net, request))
    deepEqual([...keys], [Buffer.from(one).toString('hex')])
  })

  it('an owner names one key for two accounts: at most one has it', async () => {
    const net = await readyNet('two accounts')
    const requests = ['a', 'b'].map((name) => creation(net, `two accounts ${name}`).request)
    const [key] = keysOf(net, MALLORY)
    if (key === undefined) throw new Error('no key')
    for (const [i, to] of [
      [0, 1],
      [0, 3],
      [1, 4],
    ] as const) {
      const request = at(requests, i)
      const accountId = accountIdIn(request)
      const named = [vote(net, MALLORY, accountId, key)]
      send(net, to, { accountId, request, asks: true, votes: named })
    }
    await net.calm()
    for (let minute = 0; minute < 5; minute++) {
      net.clock.pass(60_000)
      await net.calm()
    }
    const having = await Promise.all(requests.map((request) => keysAt(net, request)))
    const withKey = having.filter((keys) => keys.some((id) => id !== 'none'))
    equal(withKey.length <= 1, true, JSON.stringify(having))
    for (const party of HONEST) deepEqual(net.guest(party).defects, [])
  })

  const refused: [
    string,
    string,
    (net: GuestNet, request: Uint8Array) => Partial<AssignmentLetter>,
  ][] = [
    [
      'a key of another owner',
      'nothing',
      (net, request) => ({
        request,
        votes: [vote(net, MALLORY, accountIdIn(request), at(keysOf(net, 1), 0))],
      }),
    ],
    [
      'a key of another owner, in its name',
      'nothing',
      (net, request) => {
        const mine = vote(net, MALLORY, accountIdIn(request), at(keysOf(net, 1), 0))
        return { request, votes: [{ ...mine, party: 1 }] }
      },
    ],
    [
      'a key that is none',
      'nothing',
      (net, request) => ({
        request,
        votes: [vote(net, MALLORY, accountIdIn(request), new Uint8Array(32).fill(7))],
      }),
    ],
    [
      'a key for an account without a request',
      'nothing',
      (net, request) => ({
        votes: [vote(net, MALLORY, accountIdIn(request), at(keysOf(net, MALLORY), 0))],
      }),
    ],
    [
      'a key for the account of another request',
      'REQ_MALFORMED',
      (net, request) => {
        const accountId = new Uint8Array(16).fill(9)
        const votes = [vote(net, MALLORY, accountId, at(keysOf(net, MALLORY), 0))]
        return { accountId, request, votes }
      },
    ],
    [
      'a final vote alone',
      'nothing',
      (net, request) => ({
        request,
        votes: [vote(net, MALLORY, accountIdIn(request), at(keysOf(net, MALLORY), 0), true)],
      }),
    ],
    [
      'a key for a request that its credential did not sign',
      'AUTH_FAILED',
      (net) => {
        const [mine, other] = [new TestClient('mine'), new TestClient('other')]
        const iat = Math.floor(net.clock.unixMs() / 1000)
        const request = other.request(
          'holdfast_createAccount',
          { credential: mine.credential() },
          { accountId: null, iat, exp: iat + 300 },
        )
        const accountId = accountIdIn(request)
        const votes = [vote(net, MALLORY, accountId, at(keysOf(net, MALLORY), 0))]
        return { accountId, request, votes }
      },
    ],
  ]
  for (const [cheat, expected, told] of refused)
    it(`an owner names ${cheat}: nobody votes, ${expected} is said`, async () => {
      const net = await readyNet(`names ${cheat}`)
      const { client, request } = creation(net, cheat)
      const letters = record(net)
      send(net, 3, { accountId: accountIdIn(request), asks: true, ...told(net, request) })
      await net.calm()
      const answers = letters.filter((carried) => carried.from === 3 && isAssignment(carried))
      const said = answers.map(({ letter }) => decodeAssignmentLetter(letter.body))
      deepEqual(
        said.map((answer) => answer.refused ?? 'voted'),
        expected === 'nothing' ? [] : [expected],
      )
      client.adopt(await lead(net, 1, request)) // and the account is not spoilt by it
      await net.until(() => isSettled(net))
      equal((await accountOf(net, request)).address, client.address)
    })
})
