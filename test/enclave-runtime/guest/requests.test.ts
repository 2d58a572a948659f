import { deepEqual, equal, notEqual, ok } from 'node:assert/strict'
import { recoverMessageAddress, recoverTransactionAddress, recoverTypedDataAddress } from 'viem'
import { decodeAccount, ETHEREUM_PATH } from '../../../enclave-runtime/guest/accounts/account.ts'
import {
  decodeAnnouncements,
  encodeAnnouncements,
  placeOf,
} from '../../../enclave-runtime/guest/signing/announcement.ts'
import {
  FROM_CORRELATIONS,
  fromPresignature,
  IN_FULL,
  type Manner,
} from '../../../enclave-runtime/guest/signing/manner.ts'
import { encodeSigningOpening } from '../../../enclave-runtime/guest/signing/signing-opening.ts'
import { signingPlan } from '../../../enclave-runtime/guest/signing/signing-plan.ts'
import {
  type CheckReply,
  type LeadReply,
  leadReply,
} from '../../../enclave-runtime/port/messages.ts'
import type { RequestCore } from '../../../protocols/request/core.ts'
import {
  decodePlainRequest,
  encodePlainRequest,
  plainRequest,
} from '../../../protocols/request/plain-request.ts'
import { encodeCanonical } from '../../../protocols/session/canonical-cbor.ts'
import { MESSAGE_TYPES, ROUND_NUMBERS } from '../../../protocols/session/numbers.ts'
import { seeded } from '../../support/seeded.ts'
import { type Carried, GuestNet, START_S } from './guest-net.ts'
import { answerIn, record } from './letters.ts'
import { TestClient } from './test-client.ts'

const EVERYONE = [1, 2, 3, 4, 5]
const KEYGEN = { attempt: 0, signers: EVERYONE, budgetMs: 120_000 }
const SIGN = { attempt: 0, signers: [1, 2, 3], budgetMs: 10_000 }

const resultOf = (reply: LeadReply | CheckReply): `0x${string}` => {
  equal(reply.kind, 'done', JSON.stringify(reply))
  return (reply as { result: `0x${string}` }).result
}

const DOCUMENT = {
  types: {
    EIP712Domain: [{ name: 'name', type: 'string' }],
    Mail: [{ name: 'contents', type: 'string' }],
  },
  primaryType: 'Mail',
  domain: { name: 'Holdfast' },
  message: { contents: 'hello' },
} as const

describe('requests to a committee', function () {
  this.timeout(60_000)
  let net: GuestNet
  const client = new TestClient('requests')

  before(async () => {
    net = await GuestNet.ready('requests')
    client.adopt(await net.run(net.guest(1).member.lead(client.create(), KEYGEN)))
    await net.calm()
  })
  afterEach(async () => {
    await net.calm()
    net.tamper = (carried) => [carried]
    for (const { defects } of net.guests) deepEqual(defects, [])
  })

  const lead = (request: Uint8Array, plan = SIGN): Promise<LeadReply> =>
    net.run(net.guest(plan.signers[0] ?? 1).member.lead(request, plan))

  it('are signed at once although their signers declined a hundred other openings just before', async () => {
    const random = seeded('declined')
    const body = encodeCanonical(['presign', 1]) // what else is declined: nothing of it is right
    for (let n = 0; n < 100; n++) {
      const session = random(32)
      const say = (type: number, round: number, bytes: Uint8Array): void =>
        net.inject({ from: 1, to: 3, letter: { session, attempt: 0, round, type, body: bytes } })
      say(MESSAGE_TYPES.open, 0, body)
      say(MESSAGE_TYPES.round, ROUND_NUMBERS['sign/1-commit'] ?? 0, new Uint8Array(80))
      say(MESSAGE_TYPES.abort, 0, Uint8Array.of(1, 0, 0))
    }
    await net.calm()
    // A first round overtakes its opening, as it does when the follower is still looking at that.
    let opening: Carried | undefined
    net.tamper = (carried) => {
      const { to, letter } = carried
      if (to !== 3) return [carried]
      if (letter.type === MESSAGE_TYPES.open) opening = carried
      if (opening === undefined || opening === carried)
        return opening === undefined ? [carried] : []
      const late = opening
      opening = undefined
      return [carried, late]
    }
    resultOf(await net.run(net.guest(1).member.lead(client.message('0xdec1'), SIGN)))
  })

  it('are checked by the entry guest, which names the work', async () => {
    const check = await net.guest(4).member.check(client.message('0x01'))
    equal(check.kind, 'sign')
    equal((await net.guest(4).member.check(new TestClient('new').create())).kind, 'keygen')
  })

  it('sign messages, typed data and transactions, and list accounts', async () => {
    const message = resultOf(await lead(client.message('0x68656c6c6f')))
    equal(await recoverMessageAddress({ message: 'hello', signature: message }), client.address)

    const typed = client.request('eth_signTypedData_v4', [client.address, JSON.stringify(DOCUMENT)])
    const signature = resultOf(await lead(typed))
    equal(await recoverTypedDataAddress({ ...DOCUMENT, signature }), client.address)

    const tx = {
      type: '0x2',
      from: client.address,
      chainId: '0x1',
      nonce: '0x0',
      gas: '0x5208',
      to: '0x00000000000000000000000000000000000000aa',
      value: '0x1',
      data: '0x',
      maxFeePerGas: '0x2',
      maxPriorityFeePerGas: '0x1',
      accessList: [],
    }
    const raw = resultOf(await lead(client.request('eth_signTransaction', [tx])))
    equal(
      await recoverTransactionAddress({ serializedTransaction: raw as `0x02${string}` }),
      client.address,
    )

    const accounts = await net.guest(5).member.check(client.request('eth_accounts', []))
    deepEqual(accounts, { kind: 'done', result: [client.address] })
  })

  it('give the same bytes when they are repeated, at whatever guest', async () => {
    const request = client.message('0xaa')
    const first = resultOf(await lead(request))
    await net.calm()
    equal(resultOf(await lead(request)), first)
    equal(resultOf(await net.guest(2).member.check(request)), first)
    equal(resultOf(await lead(request, { ...SIGN, signers: [3, 4, 5] })), first)
    const stranger = await lead(request, { ...SIGN, signers: [4, 5, 2].sort() })
    equal(resultOf(stranger), first) // guest 2 knows the result, and says so
    // Whoever tells the result names those that made it, also who only learnt it.
    for (const told of [stranger, await lead(request), await net.guest(2).member.check(request)])
      deepEqual(told.kind === 'done' && told.signers, [1, 2, 3])
  })

  it('come back with where their time went in this guest: all of it', async () => {
    net.tamper = (carried) => {
      net.clock.pass(1) // every letter takes a millisecond
      return [carried]
    }
    const began = net.clock.monotonicMs()
    const reply = await lead(client.message('0x0123'))
    const wholeUs = (net.clock.monotonicMs() - began) * 1000
    deepEqual(leadReply.decode(leadReply.encode(reply)), reply)
    const { phases = {} } = reply as Extract<LeadReply, { kind: 'done' }>
    for (const phase of ['forward', 'r2', 'r3'] as const) ok((phases[phase] ?? 0) > 0, phase)
    const sum = Object.values(phases).reduce((all, us) => all + us, 0)
    ok(sum >= 0.95 * wholeUs - 3_000 && sum <= wholeUs, `${sum} of ${wholeUs} µs`) // the answer's own letters
  })

  it('are answered before anything is made of it: what is told of them waits for that', async () => {
    const letters = record(net)
    const { events } = net.guest(1)
    const before = events.length
    const signed = (): number => events.slice(before).filter(({ code }) => code === 'SIGNED').length
    resultOf(await lead(client.message('0xa4')))
    equal(signed(), 0)
    net.clock.pass(0)
    equal(signed(), 1)
    net.clock.pass(500)
    await net.calm()
    ok(letters.some(({ to, letter }) => to === 4 && letter.type === MESSAGE_TYPES.result))
  })

  it('are known to members that did not sign, which verify what they are told', async () => {
    const letters = record(net)
    const request = client.message('0xa5')
    const first = resultOf(await lead(request))
    net.clock.pass(500) // one letter for all that was finished meanwhile
    await net.calm()
    for (const party of [4, 5]) {
      const known = await net.guest(party).member.check(request)
      equal(resultOf(known), first)
      deepEqual(known.kind === 'done' && known.signers, [1, 2, 3])
    }
    const told = letters.find(({ to, letter }) => to === 4 && letter.type === MESSAGE_TYPES.result)
    if (told === undefined) throw new Error('nothing was told')

    // Another request, or another signature, under the same words.
    const other = client.message('0xa6')
    const finished = decodeAnnouncements(told.letter.body)[0]?.finished ?? new Uint8Array()
    const altered = finished.slice()
    altered[40] = (altered[40] ?? 0) ^ 1
    const forged = client.request('personal_sign', ['0xa7', client.address], {}, () =>
      new TestClient('x').sign(new Uint8Array(32)),
    )
    for (const [lie, signature] of [
      [other, finished],
      [client.message('0xa8'), altered],
      [forged, finished],
    ] as const) {
      const { digest: session, core } = decodePlainRequest(lie)
      const place = placeOf(core.accountId ?? new Uint8Array(16), core.nonce)
      const body = encodeAnnouncements([{ place, request: lie, finished: signature }])
      net.inject({ from: 2, to: 4, letter: { ...told.letter, session, body } })
      net.inject({ from: 2, to: 4, letter: { ...told.letter, session, body: body.slice(1) } })
      await net.calm()
      equal((await net.guest(4).member.check(lie)).kind === 'done', false)
    }
  })

  it('are told of in one letter for many, and verified by those alone who are asked for them', async () => {
    const letters = record(net)
    const requests = ['0xb1', '0xb2', '0xb3'].map((text) => client.message(text))
    const firsts: string[] = []
    for (const request of requests) firsts.push(resultOf(await lead(request)))
    net.clock.pass(500)
    await net.calm()
    const told = letters.filter(
      ({ to, letter }) => to === 5 && letter.type === MESSAGE_TYPES.result,
    )
    equal(told.length, 1)
    const checks = await Promise.all(
      requests.map((request) => net.guest(5).member.check(request)), // at once, each its own
    )
    deepEqual(checks.map(resultOf), firsts)
  })

  it('that others finished stay done beyond their expiry, as they stood when that was told', async () => {
    const later = await GuestNet.ready('told')
    const owner = new TestClient('told')
    owner.adopt(await later.run(later.guest(1).member.lead(owner.create(), KEYGEN)))
    await later.calm()
    const request = owner.message('0xb6')
    const first = resultOf(await later.run(later.guest(1).member.lead(request, SIGN)))
    later.clock.pass(500)
    await later.calm()
    later.clock.pass(600_000)
    equal(resultOf(await later.guest(4).member.check(request)), first)
    const check = await later.guest(4).member.check(owner.message('0xb7'))
    equal(check.kind === 'error' && check.id, 'REQ_EXPIRED')
  })

  it('hold their nonce in members that were only told of them', async () => {
    const request = client.message('0xb4')
    resultOf(await lead(request))
    net.clock.pass(500)
    await net.calm()
    const { nonce } = decodePlainRequest(request).core
    const other = client.request('personal_sign', ['0xb5', client.address], { nonce })
    const check = await net.guest(5).member.check(other)
    equal(check.kind === 'error' && check.id, 'NONCE_REUSED')
  })

  it('give a large transaction the same bytes again', async () => {
    const data = `0x${'5a'.repeat(100_000)}`
    const tx = {
      type: '0x0',
      from: client.address,
      chainId: '0x1',
      nonce: '0x1',
      gas: '0x5208',
      gasPrice: '0x1',
      to: '0x00000000000000000000000000000000000000aa',
      value: '0x0',
      data,
    }
    const request = client.request('eth_signTransaction', [tx])
    const first = resultOf(await lead(request))
    await net.calm()
    equal(resultOf(await lead(request)), first)
    equal(resultOf(await net.guest(3).member.check(request)), first)
  })

  it('of one account are twenty at once and one a second, in every guest; strangers spend nothing', async () => {
    const other = new TestClient('somebody')
    net.clock.pass(60_000)
    const times = () => {
      const iat = Math.floor(net.clock.unixMs() / 1000)
      return { iat, exp: iat + 200 }
    }
    const guest = net.guest(4).member
    for (let i = 0; i < 30; i++) {
      const params = ['0x01', client.address]
      const forged = client.request('personal_sign', params, times(), (d) => other.sign(d))
      const reply = await guest.check(forged)
      equal(reply.kind === 'error' && reply.id, 'AUTH_FAILED')
    }
    const kinds: string[] = []
    for (let i = 0; i < 21; i++) {
      const reply = await guest.check(client.message(`0x${i.toString().padStart(4, '0')}`, times()))
      kinds.push(reply.kind === 'error' ? reply.id : reply.kind)
    }
    deepEqual(kinds, [...Array(20).fill('sign'), 'LIMIT_EXCEEDED'])
    // As a follower it says the same; another guest has its own count.
    const refused = await lead(client.message('0xfe', times()), { ...SIGN, signers: [1, 2, 4] })
    deepEqual(refused.kind === 'failed' && [refused.parties, refused.ids], [
      [4],
      ['LIMIT_EXCEEDED'],
    ])
    net.clock.pass(1000)
    resultOf(await lead(client.message('0xff', times()), { ...SIGN, signers: [1, 2, 4] }))
  })

  it('join a request of the same meaning under one nonce, and lose to another meaning', async () => {
    const nonce = seeded('one nonce')(16)
    resultOf(await lead(client.message('0xbb', { nonce })))
    resultOf(await lead(client.message('0xbb', { nonce, iat: START_S - 1, exp: START_S + 200 })))
    const reused = await lead(client.message('0xbc', { nonce }))
    equal(reused.kind === 'error' && reused.id, 'NONCE_REUSED')
  })

  describe('are refused by every follower on its own, whatever the leader says:', () => {
    const other = new TestClient('somebody else')
    const altered = (): Uint8Array => {
      const { core, proofs } = decodePlainRequest(client.message('0x01'))
      return encodePlainRequest(plainRequest({ ...core, params: ['0x02', client.address] }, proofs))
    }
    const flipped = (digest: Uint8Array): Uint8Array => {
      const signature = client.sign(digest)
      signature[40] = (signature[40] ?? 0) ^ 1
      return signature
    }
    const message = (wrong: Partial<RequestCore>) => () => client.message('0x01', wrong)
    const cases: [string, () => Uint8Array, string][] = [
      ['altered parameters', altered, 'AUTH_FAILED'],
      [
        'a wrong proof',
        () => client.request('personal_sign', ['0x01', client.address], {}, flipped),
        'AUTH_FAILED',
      ],
      [
        "another's proof",
        () => client.request('personal_sign', ['0x01', client.address], {}, (d) => other.sign(d)),
        'AUTH_FAILED',
      ],
      ['an expired request', message({ iat: START_S - 400, exp: START_S - 100 }), 'REQ_EXPIRED'],
      ['a future request', message({ iat: START_S + 3600, exp: START_S + 3700 }), 'REQ_NOT_YET'],
      ['a request that lives too long', message({ exp: START_S + 3600 }), 'REQ_TTL'],
      ['an unknown account', message({ accountId: seeded('nobody')(16) }), 'AUTH_FAILED'],
      ['another network', message({ networkId: seeded('elsewhere')(32) }), 'NETWORK_MISMATCH'],
      ['another scope', message({ scopeId: seeded('scope')(16) }), 'SCOPE_NOT_FOUND'],
      ['a method that does not exist', () => client.request('eth_sign', []), 'METHOD_UNSUPPORTED'],
      [
        'another sender',
        () => client.request('personal_sign', ['0x01', `0x${'11'.repeat(20)}`]),
        'INTENT_MISMATCH',
      ],
    ]

    for (const [name, request, id] of cases)
      it(name, async () => {
        const lies = request()
        const checked = await net.guest(1).member.check(lies)
        equal(checked.kind === 'error' && checked.id, id)
        const led = await lead(lies)
        equal(led.kind === 'error' && led.id, id)
        equal(await openedByLiar(lies, 2), id)
        equal(await openedByLiar(lies, 3), id)
      })

    it('a nonce that was used', async () => {
      const nonce = seeded('used')(16)
      resultOf(await lead(client.message('0xdd', { nonce })))
      await net.calm()
      equal(await openedByLiar(client.message('0xde', { nonce }), 2), 'NONCE_REUSED')
    })

    it('a session that is not the one of the request', async () => {
      equal(await openedByLiar(client.message('0xef'), 2), 'abort 9,0,0')
    })

    /** Guest 1 opens a signature for a request that its own guest would never lead. */
    async function openedByLiar(request: Uint8Array, follower: number): Promise<string> {
      const letters = record(net)
      const keyId = new Uint8Array(32)
      const known = await net.guest(1).vault.bulk(`account/${hex(client.accountId)}`)
      keyId.set(known === undefined ? [] : keyIdIn(known))
      const nonce = seeded(`liar ${follower}`)(32)
      const opening = { request, keyId, path: ETHEREUM_PATH, signers: SIGN.signers }
      const body = encodeSigningOpening({
        ...opening,
        attempt: 0,
        manner: IN_FULL,
        nonce,
        evalTime: Math.floor(net.clock.unixMs() / 1000),
        budgetMs: 5000,
      })
      const session = seeded(`liar's session ${letters.length}`)(32)
      const letter = { session, attempt: 0, round: 0, type: MESSAGE_TYPES.open, body }
      net.inject({ from: 1, to: follower, letter })
      await net.calm()
      return answerIn(letters, follower)
    }
  })

  it('need exactly t members as signers, the leader among them', async () => {
    for (const signers of [
      [1, 2],
      [1, 2, 3, 4],
      [1, 1, 2],
      [1, 2, 9],
      [3, 2, 1],
    ]) {
      const reply = await net.run(
        net.guest(1).member.lead(client.message('0x77'), { ...SIGN, signers }),
      )
      equal(reply.kind === 'error' && reply.id, 'MPC_QUORUM')
    }
    const without = await net.run(
      net.guest(1).member.lead(client.message('0x78'), { ...SIGN, signers: [2, 3, 4] }),
    )
    equal(without.kind === 'error' && without.id, 'MPC_QUORUM')
  })

  it('give another instance and binding for another attempt, signer set, nonce, form or presignature', () => {
    const asked = {
      kind: 'sign',
      request: { digest: seeded('digest')(32) },
      account: {
        certificate: { keyId: seeded('key')(32) },
        credentialId: seeded('credential')(16),
        derived: { publicKey: new Uint8Array(33).fill(2) },
      },
      intent: { intentDigest: seeded('intent')(32), digest: seeded('chain')(32) },
    } as unknown as Parameters<typeof signingPlan>[1]
    const committee = net.committeeOf(1)
    const nonce = seeded('nonce')(32)
    const id = (...given: [number[], number, Uint8Array, Manner?]) =>
      hex(signingPlan(committee, asked, ...given).instanceId)
    const base = id([1, 2, 3], 0, nonce)
    equal(id([1, 2, 3], 0, nonce), base)
    notEqual(id([1, 2, 4], 0, nonce), base)
    notEqual(id([1, 2, 3], 1, nonce), base)
    notEqual(id([1, 2, 3], 0, seeded('other')(32)), base)
    const manners = [
      IN_FULL,
      FROM_CORRELATIONS,
      fromPresignature(seeded('one presignature')(16)),
      fromPresignature(seeded('another')(16)),
    ]
    equal(new Set(manners.map((manner) => id([1, 2, 3], 0, nonce, manner))).size, 4)
    const bindings = manners.map((manner) =>
      hex(signingPlan(committee, asked, [1, 2, 3], 0, nonce, manner).binding),
    )
    equal(new Set(bindings).size, 3) // 05 §3.4 names the presignature; the form is in the instance
  })
})

const hex = (bytes: Uint8Array | null): string => Buffer.from(bytes ?? []).toString('hex')

/** The key id inside an account's record. */
const keyIdIn = (record: Uint8Array): Uint8Array => decodeAccount(record).keyId
