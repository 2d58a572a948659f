import { deepEqual, equal, ok, rejects } from 'node:assert/strict'
import type { Tested } from '../../../../enclave-runtime/guest/root-key/subset-tests.ts'
import {
  decodeTested,
  decodeTestedAsk,
  encodeTested,
  encodeTestedAsk,
  MAX_SUBSETS,
  TESTED,
  TESTED_ASK,
} from '../../../../enclave-runtime/guest/root-key/test-letters.ts'
import { openingName } from '../../../../enclave-runtime/guest/sessions/opening.ts'
import { DecodeError } from '../../../../protocols/session/codec.ts'
import { MESSAGE_TYPES, ROUND_NUMBERS } from '../../../../protocols/session/numbers.ts'
import type { Carried } from '../guest-net.ts'
import { record } from '../letters.ts'
import { RootNet } from './root-net.ts'

const EVERYONE = [1, 2, 3, 4, 5]
const PASSED: Tested = { passed: true }
const failed = (about: number): Tested => ({ passed: false, code: 8, about })

describe('the test subsets of an attempt', function () {
  this.timeout(60_000)
  let net: RootNet
  before(async () => {
    net = await RootNet.create('subset tests')
  })
  beforeEach(() => {
    net.reset()
    for (const guest of net.guests) guest.knows.tested = net.hash
  })

  const never = new AbortController().signal
  const test = (index: number, signal = never): Promise<Tested> =>
    net.guest(index).desk.tests.run(net.hash, signal)
  const testAll = (indices = EVERYONE): Promise<Tested[]> =>
    net.run(Promise.all(indices.map((index) => test(index))))
  /** Ends the tests of everybody else as the attempt would, once one member has a fault to sign. */
  const firstFault = async (over = new AbortController()): Promise<Tested> => {
    const running = EVERYONE.map((index) => test(index, over.signal))
    const first = await net.run(Promise.race(running))
    over.abort()
    await net.run(Promise.allSettled(running))
    await net.calm()
    return first
  }

  it('all sign, each led by its lowest index, and every member has verified all of them', async () => {
    const held = net.held()
    const seen = record(net)
    deepEqual(await testAll(), Array(5).fill(PASSED))
    await net.calm()
    const openings = seen.filter(
      ({ letter }) => letter.type === MESSAGE_TYPES.open && openingName(letter.body) === 'root',
    )
    deepEqual(
      openings.map(({ from, to }) => `${from}>${to}`),
      ['1>2', '1>3', '2>3', '2>4', '1>4', '1>5', '2>3', '2>5'],
    )
    deepEqual(net.held(), held)
    deepEqual(
      net.guests.flatMap(({ errors, followed }) => [...errors, ...followed]),
      [],
    )
  })

  it('wait for a member that is later with its record', async () => {
    net.guest(3).knows.tested = undefined
    const others = [1, 2, 4, 5].map((index) => test(index))
    await net.calm()
    net.guest(3).knows.tested = net.hash
    deepEqual(await net.run(Promise.all([...others, test(3)])), Array(5).fill(PASSED))
  })

  it('are asked for by a member that started anew after the others were done', async () => {
    await testAll()
    await net.calm()
    net.restart(4)
    net.guest(4).knows.tested = net.hash
    deepEqual(await net.run(test(4)), PASSED)
  })

  it('come through although letters about them are lost', async () => {
    const lost = new Set<string>()
    net.tamper = (carried) => {
      const { from, to, letter } = carried
      const place = `${from}>${to}`
      if (letter.type !== MESSAGE_TYPES.open || openingName(letter.body) !== TESTED)
        return [carried]
      if (lost.has(place)) return [carried]
      lost.add(place)
      return []
    }
    deepEqual(await testAll(), Array(5).fill(PASSED))
    ok(lost.size > 0)
  })

  for (const bad of EVERYONE)
    it(`name member ${bad}, whose share is not that of the others`, async () => {
      // It has another F too, so that it does not notice itself.
      const guest = net.guest(bad)
      const { kernel } = net.simulated(bad)
      guest.spoilShare = (bytes) => {
        bytes[31] = (bytes[31] ?? 0) ^ 1
        return bytes
      }
      const share = await guest.room.share(new Uint8Array(32))
      guest.ownPoint = kernel.sharePublic(share)
      kernel.wipe(share)
      const honest = EVERYONE.filter((index) => index !== bad)
      const over = new AbortController()
      const faults = await net.run(
        Promise.all([...honest.map((index) => test(index)), test(bad, over.signal)]),
      )
      deepEqual(
        new Set(faults.slice(0, 4).map((fault) => JSON.stringify(fault))),
        new Set([JSON.stringify(failed(bad))]),
      )
    })

  it('name nobody but the guest itself when its share does not fit its own F', async () => {
    net.guest(2).spoilShare = (bytes) => {
      bytes[31] = (bytes[31] ?? 0) ^ 1
      return bytes
    }
    deepEqual(await firstFault(), failed(2))
    deepEqual(new Set(net.guest(2).followed), new Set(['halt own-share']))
  })

  it('name a signer that was caught by a check', async () => {
    net.tamper = (carried: Carried) => {
      const { from, to, letter } = carried
      if (from !== 3 || to !== 2 || letter.round !== ROUND_NUMBERS['sign/2-multiply'])
        return [carried]
      const body = letter.body.slice()
      body[40] = (body[40] ?? 0) ^ 1
      return [{ ...carried, letter: { ...letter, body } }]
    }
    deepEqual(await firstFault(), failed(3))
  })

  it('blame nobody when a member knows another record, or a ban that others do not', async () => {
    net.guest(3).knows.tested = new Uint8Array(32).fill(3)
    const over = new AbortController()
    const first = await net.run(Promise.race([1, 2, 4, 5].map((index) => test(index, over.signal))))
    deepEqual(first, failed(0))
    over.abort()
    await net.calm()
    net.reset()
    for (const guest of net.guests) guest.knows.tested = net.hash
    const { bans } = net.guest(3).room
    Object.assign(net.guest(3).room, {
      bans: { all: bans.all, among: (signers: readonly number[]) => signers.includes(2) && [2, 3] },
    })
    deepEqual(await firstFault(), failed(0))
  })

  it('blame nobody when a member lies about subsets that sign', async () => {
    const seen = record(net)
    const lie = encodeTested({
      recordHash: net.hash,
      subsets: [
        { signers: [1, 2, 3], signature: null },
        { signers: [1, 4, 5], signature: new Uint8Array(65).fill(1) },
      ],
    })
    const letter = { session: net.hash, attempt: 0, round: 0, type: MESSAGE_TYPES.open, body: lie }
    const running = EVERYONE.map((index) => test(index))
    // 5 is not in the first, and its signature of the second is none.
    for (const to of [1, 2, 3, 4])
      net.inject({ from: 5, to, letter: { ...letter, body: lie.slice() } })
    deepEqual(await net.run(Promise.all(running)), Array(5).fill(PASSED))
    ok(seen.length > 0)
  })

  it('end with the attempt, in a silence that blames nobody', async () => {
    net.down.add(5)
    const over = new AbortController()
    const running = [1, 2, 3, 4].map((index) => test(index, over.signal))
    const settled = Promise.allSettled(running)
    net.clock.after(60_000, () => over.abort(new Error('the attempt is over')))
    for (const end of await net.run(settled))
      equal(end.status === 'rejected' && end.reason.message, 'the attempt is over')
    await net.calm()
    deepEqual(
      net.guests.map(({ room }) => room.router.running),
      [0, 0, 0, 0, 0],
    )
    await rejects(test(1, over.signal), /the attempt is over/)
  })

  it('leave banned pairs out, and fail where a member is in none', async () => {
    net.bans.push([1, 2])
    deepEqual(await testAll(), Array(5).fill(PASSED))
    net.reset()
    for (const guest of net.guests) guest.knows.tested = net.hash
    net.bans.push([1, 2], [1, 3], [1, 4])
    deepEqual(await testAll(), Array(5).fill(failed(0)))
  })

  it('name a signer that multiplied wrongly, who is banned before anybody learns of it', async () => {
    const cheated = await RootNet.create('subset cheat', { n: 3, t: 2 })
    for (const guest of cheated.guests) guest.knows.tested = cheated.hash
    cheated.tamper = (carried: Carried) => {
      const { from, to, letter } = carried
      if (from !== 3 || to !== 1 || letter.round !== ROUND_NUMBERS['sign/1b-extend'])
        return [carried]
      const body = letter.body.slice()
      body[body.length - 1] = (body[body.length - 1] ?? 0) ^ 1
      return [{ ...carried, letter: { ...letter, body } }]
    }
    const over = new AbortController()
    const tested = cheated.guest(1).desk.tests.run(cheated.hash, over.signal)
    const others = [2, 3].map((index) =>
      cheated.guest(index).desk.tests.run(cheated.hash, over.signal),
    )
    const settled = Promise.allSettled(others)
    deepEqual(await cheated.run(tested), failed(3))
    deepEqual([cheated.guest(1).followed, cheated.bans], [['ban 3'], [[1, 3]]])
    over.abort()
    await cheated.run(settled)
  })

  it('are told in letters with bounds', () => {
    const signature = new Uint8Array(65).fill(7)
    const subsets = Array.from({ length: MAX_SUBSETS }, (_, at) => ({
      signers: [1, 2, 3, 4, 5, 6, 7, 8, 9].map((index) => index * 7000 + (at % 2)),
      signature: at % 3 === 0 ? null : signature,
    }))
    const letter = { recordHash: net.hash, subsets }
    deepEqual(decodeTested(encodeTested(letter)), letter)
    deepEqual(decodeTestedAsk(encodeTestedAsk(net.hash)), net.hash)
    deepEqual(
      [openingName(encodeTested(letter)), openingName(encodeTestedAsk(net.hash))],
      [TESTED, TESTED_ASK],
    )
    const more = { recordHash: net.hash, subsets: [...subsets, ...subsets] }
    for (const wrong of [
      () => decodeTested(encodeTested(more)),
      () => decodeTested(encodeTestedAsk(net.hash)),
      () =>
        decodeTested(
          encodeTested({ recordHash: net.hash, subsets: [{ signers: [0], signature }] }),
        ),
      () =>
        decodeTested(
          encodeTested({ recordHash: net.hash, subsets: [{ signers: [1], signature: net.hash }] }),
        ),
      () => decodeTestedAsk(new Uint8Array(100)),
    ])
      try {
        wrong()
        throw new Error('it was read')
      } catch (error) {
        ok(error instanceof DecodeError)
      }
  })
})
