import assert from 'node:assert/strict'
import { type FixedCodec, fixed } from '../../../protocols/session/codec.ts'
import type { Fault } from '../../../protocols/session/faults.ts'
import { broadcast, direct, type Party } from '../../../protocols/session/round.ts'
import {
  faultsOf,
  type Letter,
  simulate,
  type Tamper,
} from '../../../protocols/simulation/simulate.ts'

const Word: FixedCodec<{ readonly word: Uint8Array }> = fixed({ word: 2 })
const rounds = { say: broadcast('test/1-say', Word), tell: direct('test/2-tell', Word) }
const everyone = [1, 2, 3]
const instance = new Uint8Array(32)

/** Each says its index to all, then tells each other party both indices; the result is all it heard. */
async function chat({ me, ...party }: Party): Promise<string> {
  const said = await party.publish(rounds.say, { word: Uint8Array.of(me, 0) })
  const told = await party.deal(rounds.tell, (to) => ({ word: Uint8Array.of(me, to) }))
  return [...said.map(({ word }) => word.join('')), ...told.map(({ word }) => word.join(''))].join()
}

const run = (tamper: Tamper, mute: number[] = []) =>
  simulate(everyone, instance, chat, { tamper, mute })

const is = (letter: Letter, round: string, from: number, to?: number) =>
  letter.round === round && letter.from === from && (to === undefined || letter.to === to)

describe('simulate()', () => {
  it('brings everyone what everyone said, own words included, and what each was told', async () => {
    const results = await simulate(everyone, instance, chat)
    assert.deepEqual(
      results.map((result) => result.status === 'fulfilled' && result.value),
      ['10,20,30,21,31', '10,20,30,12,32', '10,20,30,13,23'],
    )
  })

  it('brings some what some said, when not everyone speaks and not everyone hears', async () => {
    const letters: string[] = []
    const tamper: Tamper = ({ from, to, bytes }) => {
      letters.push(`${from}${to}`)
      return bytes
    }
    const results = await simulate(
      everyone,
      instance,
      async ({ me, exchange }) => {
        const told = new Map([1, 3].map((to) => [to, { word: Uint8Array.of(me, to) }]))
        const heard = await exchange(
          rounds.tell,
          me === 3 ? new Map() : told,
          me === 2 ? [] : [1, 2],
        )
        return heard.map(({ word }, from) => `${from}:${word.join('')}`).join()
      },
      { tamper },
    )
    assert.deepEqual(
      results.map((result) => result.status === 'fulfilled' && result.value),
      ['2:21', '', '1:13,2:23'],
    )
    assert.deepEqual(letters, ['13', '21', '23'])
  })

  it('lets a letter be changed for one receiver alone', async () => {
    const results = await run((letter) =>
      is(letter, 'test/1-say', 2, 1) ? Uint8Array.of(2, 9) : letter.bytes,
    )
    assert.deepEqual(
      results.map((result) => result.status === 'fulfilled' && result.value.slice(3, 5)),
      ['29', '20', '20'],
    )
  })

  const cases: { what: string; tamper: Tamper; faults: Fault[] }[] = [
    {
      what: 'a lost letter ends in a timeout that names who is missing',
      tamper: (letter) => (is(letter, 'test/1-say', 2, 1) ? undefined : letter.bytes),
      faults: [{ kind: 'timeout', round: 'test/1-say', missing: [2] }],
    },
    {
      what: 'an identical copy is dropped',
      tamper: (letter) => [letter, letter],
      faults: [],
    },
    {
      what: 'a different copy is equivocation',
      tamper: (letter) =>
        is(letter, 'test/2-tell', 2, 1)
          ? [letter, { ...letter, bytes: Uint8Array.of(7, 7) }]
          : letter.bytes,
      faults: [{ kind: 'equivocation', round: 'test/2-tell', from: 2 }],
    },
    {
      what: 'a letter of another length is malformed',
      tamper: (letter) => (is(letter, 'test/1-say', 2, 1) ? Uint8Array.of(1) : letter.bytes),
      faults: [
        {
          kind: 'malformed',
          round: 'test/1-say',
          from: 2,
          reason: '1 bytes where 2 are expected',
        },
      ],
    },
    {
      what: 'a letter to the wrong party is a different copy there, and missing here',
      tamper: (letter) => (is(letter, 'test/2-tell', 2, 1) ? [{ ...letter, to: 3 }] : letter.bytes),
      faults: [{ kind: 'equivocation', round: 'test/2-tell', from: 2 }],
    },
  ]
  for (const { what, tamper, faults } of cases)
    it(what, async () => {
      assert.deepEqual(faultsOf(await run(tamper)), faults)
    })

  it('ends everyone when one fails', async () => {
    const results = await run((letter) =>
      is(letter, 'test/1-say', 2, 1) ? undefined : letter.bytes,
    )
    assert.deepEqual(
      results.map(({ status }) => status),
      ['rejected', 'rejected', 'rejected'],
    )
  })

  it('can hold a letter back and bring it late', async () => {
    let kept: Letter | undefined
    const results = await run((letter) => {
      if (is(letter, 'test/1-say', 2, 1)) {
        kept = letter
        return []
      }
      return kept !== undefined && is(letter, 'test/1-say', 3, 1) ? [letter, kept] : letter.bytes
    })
    assert.deepEqual(faultsOf(results), [])
  })

  it('lets a mute party fail without telling, so that the others find it missing', async () => {
    const results = await run(
      (letter) => (is(letter, 'test/1-say', 3, 2) ? Uint8Array.of(1) : letter.bytes),
      [2],
    )
    const [alice, mallory, carol] = results
    assert.ok(alice && mallory && carol)
    assert.equal(faultsOf([mallory])[0]?.kind, 'malformed')
    assert.deepEqual(faultsOf([alice, carol]), [
      { kind: 'timeout', round: 'test/2-tell', missing: [2] },
    ])
  })

  it('ends everyone as cancelled when it is stopped from outside', async () => {
    const stop = new AbortController()
    const results = await simulate(everyone, instance, chat, {
      signal: stop.signal,
      tamper: (letter) => {
        if (letter.round === 'test/2-tell') stop.abort()
        return letter.bytes
      },
    })
    assert.deepEqual(
      results.map((result) => result.status === 'rejected' && result.reason.fault.kind),
      ['cancelled', 'cancelled', 'cancelled'],
    )
    assert.deepEqual(faultsOf(results), [])
  })

  it('hides no defect: another error than a fault comes through', async () => {
    const results = await simulate(everyone, instance, async (party) => {
      if (party.me === 2) throw new Error('bug: planted')
      return chat(party)
    })
    assert.throws(() => faultsOf(results), /planted/)
  })
})
