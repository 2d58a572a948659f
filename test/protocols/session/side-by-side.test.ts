import { deepEqual, equal, ok, rejects } from 'node:assert/strict'
import { DecodeError, fixed } from '../../../protocols/session/codec.ts'
import { type Fault, ProtocolError } from '../../../protocols/session/faults.ts'
import { broadcast, direct, type Party } from '../../../protocols/session/round.ts'
import { Bundle, bundledIn, sideBySide } from '../../../protocols/session/side-by-side.ts'
import { presign } from '../../../protocols/sign/presign.ts'
import { simulate } from '../../../protocols/simulation/simulate.ts'
import { guestOf } from '../../support/run-keygen.ts'
import { dealPools, digestOf, fromPools, held, inputsOf, world } from '../../support/run-sign.ts'
import { seeded } from '../../support/seeded.ts'

const Word = fixed<{ readonly word: Uint8Array }>({ word: 1 })
const word = (value: number) => ({ word: Uint8Array.of(value) })
const EVERYONE = [1, 2, 3]
const SESSION = new Uint8Array(32)
const IDS = [1, 2, 3, 4].map((fill) => new Uint8Array(32).fill(fill))

/** Four conversations side by side at every party, with the names of the rounds that their session had. */
async function four<T>(
  converse: (party: Party, number: number) => Promise<T>,
  breathe: () => Promise<void> = async () => undefined,
): Promise<{ settled: PromiseSettledResult<T[]>[]; rounds: Set<string> }> {
  const rounds = new Set<string>()
  const settled = await simulate(EVERYONE, SESSION, (party) =>
    sideBySide({ party, instanceIds: IDS, breathe, bundled: named(rounds) }, converse),
  )
  return { settled, rounds }
}

const named =
  (rounds: Set<string>) =>
  (round: string): string => {
    rounds.add(round)
    return `all/${round}`
  }

const faultsOf = (settled: readonly PromiseSettledResult<unknown>[]): (Fault | undefined)[] =>
  settled.map((each) =>
    each.status === 'rejected' && each.reason instanceof ProtocolError
      ? each.reason.fault
      : undefined,
  )

describe('conversations side by side', () => {
  it('each hear what its own other halves say, in one message a round', async () => {
    const { settled, rounds } = await four(async (party, number) => {
      const heard: number[] = []
      const said = await party.publish(
        broadcast('1-say', Word),
        word(10 * party.me + number),
        ({ word: [w = 0] }) => heard.push(w),
      )
      const dealt = await party.deal(direct('2-deal', Word), (to) => word(10 * to + number))
      deepEqual(party.instanceId, IDS[number])
      return [
        said.map(({ word: [w = 0] }) => w),
        heard.toSorted((a, b) => a - b),
        dealt.map(({ word: [w = 0] }) => w),
      ]
    })
    for (const [at, result] of settled.entries()) {
      const me = at + 1
      ok(result.status === 'fulfilled')
      for (const [number, [said, heard, dealt]] of result.value.entries()) {
        const others = EVERYONE.filter((party) => party !== me)
        deepEqual(
          said,
          EVERYONE.map((party) => 10 * party + number),
        )
        deepEqual(
          heard,
          others.map((party) => 10 * party + number),
        )
        deepEqual(
          dealt,
          others.map(() => 10 * me + number),
        )
      }
    }
    deepEqual([...rounds].sort(), ['1-say', '2-deal'])
  })

  it('all end when one fails, with its reason and only once all have ended', async () => {
    const ended: number[] = []
    const party = { me: 1, everyone: EVERYONE, instanceId: SESSION } as unknown as Party
    const waiting = sideBySide(
      { party, instanceIds: IDS, breathe: async () => undefined, bundled: (round) => round },
      async (each, number) => {
        try {
          if (number === 3) throw new ProtocolError({ kind: 'sum', round: 'here' })
          await each.publish(broadcast('1-say', Word), word(0))
        } finally {
          await Promise.resolve()
          ended.push(number)
        }
      },
    )
    await rejects(waiting, ({ fault }: ProtocolError) => fault.kind === 'sum')
    deepEqual(ended.sort(), [0, 1, 2, 3])
  })

  it('go no further when what they breathe with says that it is over', async () => {
    let breaths = 0
    const checked: string[] = []
    const { settled } = await four(
      async (party, number) => {
        await party.publish(broadcast('1-say', Word), word(0))
        checked.push(`${party.me}/${number}`)
      },
      async () => {
        if (++breaths > 3) throw new ProtocolError({ kind: 'cancelled', round: 'over' })
      },
    )
    ok(checked.length < 12)
    ok(faultsOf(settled).some((fault) => fault?.kind === 'cancelled'))
  })

  it('are refused out of step: a defect, never a wait', async () => {
    const { settled } = await four((party, number) =>
      party.publish(broadcast(number === 2 ? 'another' : '1-say', Word), word(0)),
    )
    for (const result of settled) equal(result.status, 'rejected')
  })

  it('have bundles of exactly so many messages', () => {
    const codec = Bundle(Word, 2)
    const bytes = codec.encode([word(1), word(2)])
    deepEqual(codec.decode(bytes), [word(1), word(2)])
    deepEqual(bundledIn(bytes), [Uint8Array.of(1), Uint8Array.of(2)])
    for (const wrong of [
      bytes.slice(1),
      bytes.slice(0, -1),
      Uint8Array.of(...bytes, 0),
      Bundle(Word, 1).encode([word(1)]),
      Bundle(Word, 3).encode([word(1), word(2), word(3)]),
      Uint8Array.of(255, 255, 255, 255),
      new Uint8Array(),
    ]) {
      let thrown: unknown
      try {
        codec.decode(wrong)
      } catch (error) {
        thrown = error
      }
      ok(thrown instanceof DecodeError)
    }
    deepEqual(bundledIn(bytes.slice(0, -1)), [])
  })
})

describe('presignatures made side by side', function () {
  this.timeout(60_000)
  const SIGNERS = [1, 2, 3]

  it('are as many good ones as there are conversations, and leave nothing else', async () => {
    const at = await world(3, 4)
    const pools = dealPools(at, SIGNERS, 'side by side', 4)
    const before = held(at.guests)
    const settled = await simulate(SIGNERS, SESSION, (party) => {
      const { kernel } = guestOf(at.guests, party.me)
      const keyId = at.keys.get(party.me)?.keys[0]?.keyId ?? new Uint8Array()
      const random = seeded(`side by side/${party.me}`)
      const inputs = fromPools(pools)(party.me, inputsOf(at, SIGNERS, party.me, digestOf('all')))
      return sideBySide(
        { party, instanceIds: IDS, breathe: async () => undefined, bundled: (round) => round },
        (each) => presign(each, kernel, random, { ...inputs, keyId }),
      )
    })
    const ids = settled.map((result) =>
      result.status === 'fulfilled'
        ? result.value.map(({ id }) => Buffer.from(id).toString('hex'))
        : [],
    )
    equal(new Set(ids[0]).size, IDS.length)
    deepEqual(ids[1], ids[0])
    deepEqual(ids[2], ids[0])
    for (const [i, result] of settled.entries()) {
      if (result.status !== 'fulfilled') continue
      const { kernel } = guestOf(at.guests, SIGNERS[i] ?? 0)
      for (const presignature of result.value) {
        const secret = presignature.take()
        ok(secret !== undefined)
        kernel.wipe(secret)
      }
    }
    const spent = 2 * IDS.length // of each of two pairs
    deepEqual(
      held(at.guests).slice(0, 3),
      before.slice(0, 3).map((count) => count - spent),
    )
  })
})
