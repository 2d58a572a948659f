import { deepEqual, equal, ok } from 'node:assert/strict'
import { decodePresignatureOpening } from '../../../../enclave-runtime/guest/presignatures/presignature-opening.ts'
import { openingName } from '../../../../enclave-runtime/guest/sessions/opening.ts'
import type { PartyIndex } from '../../../../protocols/session/faults.ts'
import { MESSAGE_TYPES, ROUND_NUMBERS } from '../../../../protocols/session/numbers.ts'
import { type Carried, NOTHING_AHEAD } from '../guest-net.ts'
import { TestClient } from '../test-client.ts'
import { textOf, WarmNet } from './warm-net.ts'

const SIGNERS = [1, 2, 3]
const KEEP = 3
const SETTINGS = {
  ...NOTHING_AHEAD,
  correlations: { low: 4, high: 40 },
  presignatures: { keep: KEEP, warmMinutes: 5 },
}
const NAME = ROUND_NUMBERS['presign/1-name']
const OPEN = ROUND_NUMBERS['presign/2-open']

const isMaking = ({ letter }: Carried): boolean =>
  letter.type === MESSAGE_TYPES.open && openingName(letter.body) === 'presign'
const isRound = ({ letter }: Carried, round: number | undefined): boolean =>
  letter.type === MESSAGE_TYPES.round && letter.round === round

describe('presignatures made of correlations', function () {
  this.timeout(120_000)
  let warm: WarmNet
  /** What guest 1 owns when every key has what is kept for it. */
  let full = 0
  const clients = ['first', 'second', 'third'].map((name) => new TestClient(name))

  const level = (of: PartyIndex, peer: PartyIndex): number =>
    warm.net
      .guest(of)
      .member.status()
      .correlations.pools.find(({ party }) => party === peer)?.ready ?? 0
  const isFull = (): boolean =>
    SIGNERS.every((a) => SIGNERS.every((b) => a === b || level(a, b) > 24))
  const sizes = (): number[] =>
    warm.letters
      .filter((carried) => isMaking(carried) && carried.to === 2)
      .map(({ letter }) => decodePresignatureOpening(letter.body).keys.length)

  before(async () => {
    warm = await WarmNet.create('side by side', KEEP, { settings: SETTINGS })
    for (const client of clients) await warm.open(client)
    await warm.net.until(() => warm.own(1) === clients.length + 1) // one for each new account
    await warm.net.until(isFull)
  })
  beforeEach(async () => {
    warm.tamper = (carried) => [carried]
    await warm.net.until(isFull)
    warm.letters = []
  })
  afterEach(async () => {
    warm.tamper = (carried) => [carried]
    await warm.net.calm()
    for (const { defects, member } of warm.net.guests) {
      deepEqual(defects, [])
      deepEqual(member.status().bans, [])
    }
    for (const [place, sids] of warm.uses()) equal(sids.size, 1, place)
  })

  it('are made for several keys in one session, and serve each of them', async () => {
    for (const client of clients) await warm.lead(warm.request(client), SIGNERS)
    await warm.net.calm()
    full = warm.own(1) + KEEP * clients.length
    await warm.net.until(() => warm.own(1) === full)
    ok(sizes().some((size) => size > KEEP)) // of more than one key
    const made = warm.letters.filter((carried) => isRound(carried, NAME))
    ok(made.length <= 6 * sizes().length) // however many each makes; a follower may have put one off
    await warm.net.calm()
    warm.net.clock.pass(1_000)
    for (const client of clients)
      equal(textOf(await warm.lead(warm.request(client), SIGNERS)), 'presigned')
  })

  it('spend every name of a session that fails, at both sides, and leave no secret behind', async () => {
    await warm.net.until(() => warm.own(1) === full)
    await warm.net.until(isFull)
    await warm.net.calm()
    const held = warm.held(3)
    let names = 0
    warm.tamper = (carried) => {
      if (isMaking(carried) && carried.to === 2)
        names += decodePresignatureOpening(carried.letter.body).keys.length
      return isRound(carried, OPEN) && carried.from === 2 && carried.to === 3 ? [] : [carried]
    }
    const before = SIGNERS.map((at) => warm.net.guest(at).member.status().correlations.aborted)
    for (const client of clients)
      equal(textOf(await warm.lead(warm.request(client), SIGNERS)), 'presigned')
    await warm.net.until(() => names > 0)
    await warm.net.calm()
    warm.net.clock.pass(31_000) // guest 3 waits in vain
    await warm.net.calm()
    const aborted = SIGNERS.map((at) => warm.net.guest(at).member.status().correlations.aborted)
    equal((aborted[2] ?? 0) - (before[2] ?? 0), 2 * names)
    equal(warm.held(3), held - clients.length) // nothing of the failed session stays
  })

  it('are spent by names that nobody reads any more', async () => {
    await warm.net.until(() => warm.own(1) >= full - 1)
    await warm.net.until(isFull)
    await warm.net.calm()
    // The opening never comes to guest 3: what the others name there serves nobody.
    let names = 0
    warm.tamper = (carried) => {
      if (!isMaking(carried) || carried.to !== 3) return [carried]
      names += decodePresignatureOpening(carried.letter.body).keys.length
      return []
    }
    equal(textOf(await warm.lead(warm.request(clients[0]), SIGNERS)), 'presigned')
    await warm.net.until(() => names > 0)
    await warm.net.calm()
    warm.net.clock.pass(16_000) // letters of a session that nobody opened are kept for a while
    equal(textOf(await warm.lead(warm.request(clients[1]), SIGNERS)), 'presigned')
    await warm.net.calm()
    const [lower, higher] = [level(1, 3), level(3, 1)]
    equal(lower, higher)
  })
})
