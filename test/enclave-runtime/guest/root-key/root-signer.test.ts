import { deepEqual, equal, ok, rejects } from 'node:assert/strict'
import type { Statement } from '../../../../enclave-runtime/guest/root-key/domains.ts'
import { digestOf } from '../../../../enclave-runtime/guest/root-key/domains.ts'
import { NotSigned } from '../../../../enclave-runtime/guest/root-key/not-signed.ts'
import {
  decodeRootOpening,
  encodeRootOpening,
} from '../../../../enclave-runtime/guest/root-key/root-opening.ts'
import {
  canaryDigest,
  isActivated,
  isRootSignature,
  isStampedBy,
  rootDigest,
} from '../../../../protocols/agreement/chain/root-key.ts'
import { stampFor } from '../../../../protocols/agreement/chain/stamp.ts'
import { recordHash } from '../../../../protocols/agreement/objects/record.ts'
import { decodeCanonical, encodeCanonical } from '../../../../protocols/session/canonical-cbor.ts'
import { MESSAGE_TYPES, ROUND_NUMBERS } from '../../../../protocols/session/numbers.ts'
import { sign } from '../../../../protocols/sign/sign.ts'
import type { Carried } from '../guest-net.ts'
import { answerIn, record } from '../letters.ts'
import { RootNet } from './root-net.ts'

const SIGNERS = [1, 2, 4]
const OTHER = new Uint8Array(32).fill(0xee)
const never = new AbortController().signal

describe('signing with the root key', function () {
  this.timeout(60_000)
  let net: RootNet
  before(async () => {
    net = await RootNet.create('root signer')
  })
  beforeEach(() => net.reset())

  const lead = (statement: Statement, at = 1, signers: readonly number[] = SIGNERS) => {
    const { signer, room } = net.guest(at)
    return net.run(signer.lead(room, statement.domain, statement.fields, signers, never))
  }
  const why = async (leading: Promise<unknown>): Promise<string> => {
    try {
      await leading
    } catch (error) {
      if (error instanceof NotSigned)
        return `${error.fault} ${error.reasons.join()} by ${error.parties.join()}`
      throw error
    }
    return 'signed'
  }
  const test = (hash = net.hash): Statement => ({
    domain: 'epoch-test',
    fields: { recordHash: hash },
  })
  const active = (hash = net.hash): Statement => ({
    domain: 'epoch-active',
    fields: { recordHash: hash },
  })
  const stamp = (changed: object = {}): Statement => ({
    domain: 'stamp',
    fields: { ...stampFor(net.record, net.clock.unixMs()), ...changed },
  })
  const canary: Statement = { domain: 'canary', fields: { nonce: OTHER } }
  /** Everything but the statement as an honest leader sends it, to followers 2 and 4. */
  const opened = async (
    statement: Statement | Uint8Array,
    signers = SIGNERS,
  ): Promise<string[]> => {
    const seen: Carried[] = record(net)
    const body =
      statement instanceof Uint8Array
        ? statement
        : encodeRootOpening({ statement, signers, nonce: OTHER })
    const letter = { session: OTHER, attempt: 0, round: 0, type: MESSAGE_TYPES.open, body }
    for (const to of [2, 4]) net.inject({ from: 1, to, letter: { ...letter, body: body.slice() } })
    await net.calm()
    return [2, 4].map((from) => answerIn(seen, from))
  }

  it('makes a recoverable signature of low s in each domain, which every signer verified', async () => {
    const held = net.held()
    for (const guest of net.guests) guest.knows.tested = net.hash
    const rootSig = await lead(active())
    ok(isActivated(net.publicKey, net.hash, { recordHash: net.hash, signature: rootSig }))
    const tested = await lead(test(), 2)
    ok(isRootSignature(net.publicKey, rootDigest('epoch-test', net.hash), tested))
    const stamped = stamp()
    ok(stamped.domain === 'stamp')
    const stampSig = await lead(stamped, 4)
    ok(isStampedBy(net.publicKey, { ...stamped.fields, signature: stampSig }))
    const digest = canaryDigest(net.record.epochId, OTHER)
    ok(isRootSignature(net.publicKey, digest, await lead(canary)))
    await net.calm()
    deepEqual(
      net.guests.flatMap(({ errors, followed }) => [...errors, ...followed]),
      [],
    )
    deepEqual(net.held(), held)
  })

  it('means nothing under another domain', async () => {
    const digests = [test(), active(), canary].map((each) => digestOf(net.record.epochId, each))
    const signature = await lead(active())
    deepEqual(
      digests.map((digest) => isRootSignature(net.publicKey, digest, signature)),
      [false, true, false],
    )
  })

  it('is refused by the leader itself for what it does not know', async () => {
    equal(await why(lead(test())), 'not-yet behind by 1')
    net.guest(1).knows.tested = net.hash
    equal(await why(lead(test(OTHER))), 'refused STATE_CONFLICT by 1')
    equal(await why(lead(active(OTHER))), 'refused STATE_CONFLICT by 1')
    equal(await why(lead(stamp({ validUntil: 1 }))), 'refused PARAMS_INVALID by 1')
    net.guest(1).knows.isReady = false
    equal(await why(lead(stamp())), 'not-yet catching-up by 1')
    equal(await why(lead(canary)), 'not-yet catching-up by 1')
    equal(await why(lead(active())), 'signed')
    await rejects(lead(active(), 1, [2, 3, 4]), /bug/)
    await rejects(lead(active(), 1, [1, 2]), /bug/)
  })

  it('is refused by each follower that knows otherwise, for its own reason', async () => {
    const now = net.clock.unixMs()
    const wrong: readonly (readonly [string, Statement, string])[] = [
      ['the record of another epoch', active(OTHER), 'STATE_CONFLICT'],
      ['a record that is not tested here', test(), 'not yet: behind'],
      ['the stamp of another record', stamp({ recordHash: OTHER }), 'STATE_CONFLICT'],
      [
        'another stamp of another record',
        stamp({ recordHash: OTHER, issuedAt: now }),
        'STATE_CONFLICT',
      ],
      ['a stamp of an epoch that is not known', stamp({ e: 9 }), 'not yet: behind'],
      ['a stamp of another committee', stamp({ committeeId: OTHER }), 'PARAMS_INVALID'],
      ['a stamp of longer life', stamp({ validUntil: now + 7_200_001 }), 'PARAMS_INVALID'],
      ['a stamp of shorter life', stamp({ validUntil: now + 7_199_999 }), 'PARAMS_INVALID'],
      [
        'a stamp of before',
        { domain: 'stamp', fields: stampFor(net.record, now - 60_001) },
        'not yet: clock',
      ],
      [
        'a stamp of later',
        { domain: 'stamp', fields: stampFor(net.record, now + 60_001) },
        'not yet: clock',
      ],
    ]
    for (const [what, statement, answer] of wrong)
      deepEqual(await opened(statement), [answer, answer], what)
    for (const guest of net.guests) guest.knows.tested = OTHER
    deepEqual(await opened(test()), ['STATE_CONFLICT', 'STATE_CONFLICT'])
    for (const guest of net.guests) guest.knows.isReady = false
    deepEqual(await opened(stamp()), ['not yet: catching-up', 'not yet: catching-up'])
    deepEqual(await opened(canary), ['not yet: catching-up', 'not yet: catching-up'])
    for (const guest of net.guests) guest.knows.records.push(net.next())
    deepEqual(await opened(stamp()), ['STATE_CONFLICT', 'STATE_CONFLICT'])
    deepEqual(await opened(canary), ['STATE_CONFLICT', 'STATE_CONFLICT'])
  })

  it('is refused to other signers, by a banned pair and without setups', async () => {
    deepEqual(await opened(active(), [1, 2]), ['MPC_QUORUM', 'MPC_QUORUM'])
    deepEqual(await opened(active(), [2, 1, 4]), ['MPC_QUORUM', 'MPC_QUORUM'])
    deepEqual(await opened(active(), [2, 3, 4]), ['MPC_QUORUM', 'MPC_QUORUM'])
    deepEqual(await opened(active(), [1, 2, 9]), ['MPC_QUORUM', 'MPC_QUORUM'])
    net.bans.push([2, 4])
    equal(await why(lead(active())), 'banned  by 2,4')
    net.reset()
    for (const { index, room } of net.guests)
      if (index !== 1) room.pairs.missing = (peers) => peers.filter((peer) => peer === 1)
    equal(await why(lead(active())), 'not-yet setup-missing by 2')
  })

  it('takes no other digest: a session that is not of the own computation is bound to nothing', async () => {
    // The session is named by what the opener would have signed; each follower names its own.
    const [first] = await opened(active())
    equal(first?.startsWith('abort'), true)
    deepEqual(
      net.guests.flatMap(({ errors }) => errors),
      [],
    )
  })

  it('ends without a signature when a leader computes another digest than its followers', async () => {
    net.guest(1).knows.records = [{ ...net.record, keyCount: 77 }]
    const hash = recordHash({ ...net.record, keyCount: 77 })
    equal(await why(lead(active(hash))), 'refused STATE_CONFLICT by 2')
    // It says what the followers expect and computes another: its session is not theirs.
    net.tamper = (carried) => {
      const { from, letter } = carried
      if (from !== 1 || letter.type !== MESSAGE_TYPES.open) return [carried]
      const statement = active()
      const { signers, nonce } = decodeRootOpening(letter.body)
      return [
        {
          ...carried,
          letter: { ...letter, body: encodeRootOpening({ statement, signers, nonce }) },
        },
      ]
    }
    equal(await why(lead(active(hash))), 'cancelled  by 2')
    deepEqual(
      net.guests.flatMap(({ followed }) => followed),
      [],
    )
  })

  it('makes no signature of what one signer alone signs, whoever that is', async () => {
    for (const cheater of [1, 2]) {
      net.reset()
      net.guest(cheater).converse = (party, kernel, random, inputs) =>
        sign(party, kernel, random, { ...inputs, digest: OTHER })
      equal(await why(lead(active())), 'signature  by ', `${cheater} cheats`)
    }
  })

  it('knows no other domain: not that of grants, and none that was never named', async () => {
    for (const domain of ['committee-grant', 'epoch', 'sign', ''])
      deepEqual(await opened(encodeCanonical(['root', 1, domain, [OTHER], SIGNERS, OTHER])), [
        'BAD_REQUEST',
        'BAD_REQUEST',
      ])
    const fields = decodeCanonical(
      encodeRootOpening({ statement: stamp(), signers: SIGNERS, nonce: OTHER }),
      512,
    ) as unknown[]
    for (let left = 2; left < fields.length; left++) {
      const shorter = fields.filter((_, index) => index !== left)
      deepEqual(await opened(encodeCanonical(shorter)), ['BAD_REQUEST', 'BAD_REQUEST'])
    }
  })

  it('names a signer that opens another commitment', async () => {
    net.tamper = changeRound('sign/2-multiply', 2, 4)
    await why(lead(active()))
    await net.calm()
    deepEqual(net.guest(4).followed, ['strike 2'])
  })

  it('halts a guest whose share is not that of its epoch, and signs nothing with it', async () => {
    net.guest(2).spoilShare = otherShare
    equal(await why(lead(active())), 'cancelled  by 2')
    await net.calm()
    deepEqual(net.guest(2).followed, ['halt own-share'])
    equal(await why(lead(active(), 1, [1, 3, 4])), 'signed')
  })

  it('is over at once when its caller ends it, everywhere', async () => {
    const over = new AbortController()
    const { signer, room } = net.guest(1)
    const leading = signer.lead(room, 'canary', { nonce: OTHER }, SIGNERS, over.signal)
    over.abort()
    equal(await why(net.run(leading)), 'cancelled  by ')
    await net.calm()
    deepEqual(
      net.guests.map(({ room: { router } }) => router.running),
      [0, 0, 0, 0, 0],
    )
  })
})

/** Changes the last byte of a round's letters of one sender to one receiver. */
const changeRound =
  (round: string, sender: number, receiver: number) =>
  (carried: Carried): readonly Carried[] => {
    const { from, to, letter } = carried
    if (from !== sender || to !== receiver || letter.round !== ROUND_NUMBERS[round])
      return [carried]
    const body = letter.body.slice()
    body[40] = (body[40] ?? 0) ^ 1
    return [{ ...carried, letter: { ...letter, body } }]
  }

/** Another scalar. */
export const otherShare = (bytes: Uint8Array): Uint8Array => {
  bytes[31] = (bytes[31] ?? 0) ^ 1
  return bytes
}
