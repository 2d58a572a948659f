import { deepEqual, equal, rejects } from 'node:assert/strict'
import type { Letter, Post } from '../../../../enclave-runtime/guest/sessions/post.ts'
import type { Session } from '../../../../enclave-runtime/guest/sessions/session.ts'
import { SessionRouter } from '../../../../enclave-runtime/guest/sessions/session-router.ts'
import { settlement } from '../../../../enclave-runtime/guest/sessions/settle.ts'
import { KernelFull, KernelMisuse } from '../../../../protocols/kernel/kernel.ts'
import { fixed } from '../../../../protocols/session/codec.ts'
import { type Fault, ProtocolError } from '../../../../protocols/session/faults.ts'
import { KINDS } from '../../../../protocols/session/instance.ts'
import { MESSAGE_TYPES, ROUND_NUMBERS } from '../../../../protocols/session/numbers.ts'
import { broadcast, direct, type Party } from '../../../../protocols/session/round.ts'
import { TestClock } from '../test-clock.ts'

const R1 = 'sign/1-commit'
const Word = fixed<{ readonly word: Uint8Array }>({ word: 4 })
const round = broadcast(R1, Word)
const id = new Uint8Array(32).fill(5)

/** Guest 1 between its letters and its conversations; what follows from faults is written down. */
class Bench {
  readonly clock = new TestClock(0)
  readonly followed: string[] = []
  readonly sent: { readonly to: number; readonly letter: Letter }[] = []
  readonly errors: unknown[] = []
  readonly router: SessionRouter
  readonly session: Session
  take: (from: number, letter: Letter) => void = () => undefined

  constructor(everyone: readonly number[] = [1, 2, 3]) {
    const post: Post = {
      send: async (to, letter) => {
        this.sent.push({ to, letter })
      },
      onMessage: (take) => {
        this.take = take
      },
      onRestarted: () => undefined,
      facts: () => undefined,
    }
    const { clock } = this
    const onError = (error: unknown) => this.errors.push(error)
    this.router = new SessionRouter({ me: 1, post, clock, onError })
    this.router.settleWith(
      settlement({
        ban: async (peer) => void this.followed.push(`ban ${peer}`),
        bansSettled: async () => undefined,
        strike: (party) => this.followed.push(`strike ${party}`),
        corrUnknown: () => undefined,
        renewPair: (peer) => this.followed.push(`renew ${peer}`),
        halt: ({ kind }) => this.followed.push(`halt ${kind}`),
      }),
    )
    const spec = { kind: KINDS.signature, instanceId: id, attempt: 0, everyone, deadlineMs: 10_000 }
    const session = this.router.open(spec)
    if (typeof session === 'string') throw new Error(session)
    this.session = session
  }

  /** The fault with which the conversation ends. */
  async faultOf(converse: (party: Party) => Promise<unknown>): Promise<Fault> {
    try {
      await this.router.conduct(this.session, converse)
    } catch (error) {
      if (error instanceof ProtocolError) return error.fault
      throw error
    }
    throw new Error('it did not fail')
  }
}

const letter = (body: Uint8Array, given: Partial<Letter> = {}): Letter => ({
  session: id,
  attempt: 0,
  round: ROUND_NUMBERS[R1] ?? 0,
  type: MESSAGE_TYPES.round,
  body,
  ...given,
})
const abort = (...body: number[]): Letter =>
  letter(Uint8Array.from(body), { round: 0, type: MESSAGE_TYPES.abort })
const word = (value: number): Uint8Array => new Uint8Array(4).fill(value)
const say = (party: Party) => party.publish(round, { word: word(1) })
const turn = () => new Promise((resolve) => setImmediate(resolve))

describe('the end of a session', () => {
  const findings: [Fault, string][] = [
    [{ kind: 'cote', round: R1, from: 2 }, 'ban 2'],
    [{ kind: 'check2', round: R1, from: 2 }, 'ban 2'],
    [{ kind: 'commitment', round: R1, from: 2 }, 'strike 2'],
    [{ kind: 'own-share', reason: 'not ours' }, 'halt own-share'],
  ]
  for (const [finding, consequence] of findings)
    for (const told of [abort(1, 0, 0), abort(10, 0, 0), abort(3, 0, 0)])
      it(`is our own ${finding.kind}, though abort ${told.body.join()} came before it`, async () => {
        const bench = new Bench()
        const fault = await bench.faultOf(async () => {
          bench.take(2, { ...told, body: told.body.slice() })
          await turn() // a check that takes its time
          equal(bench.session.told, true)
          throw new ProtocolError(finding)
        })
        deepEqual(fault, finding)
        deepEqual(bench.followed, [consequence])
        const byte = finding.kind === 'commitment' ? 5 : 0
        for (const { letter } of bench.sent) deepEqual([...letter.body], [byte, 0, 0])
        equal(bench.sent.length, 2)
      })

  it('is the halt of the guest when a kernel handle is misused', async () => {
    const bench = new Bench()
    const fault = await bench.faultOf(async () => {
      bench.session.end({ kind: 'cancelled', round: R1 })
      throw new KernelMisuse('a stale handle')
    })
    equal(fault.kind, 'kernel')
    deepEqual(bench.followed, ['halt kernel'])
  })

  it('is cancelled when the kernel has no room: nobody is to blame, and nothing halts', async () => {
    const bench = new Bench()
    const fault = await bench.faultOf(async () => {
      throw new KernelFull('no room')
    })
    equal(fault.kind, 'cancelled')
    deepEqual(bench.followed, [])
    for (const { letter } of bench.sent) deepEqual([...letter.body], [1, 0, 0])
  })

  it('is silence when the host could not carry a message of its priority, and of no other', async () => {
    const bench = new Bench()
    const fault = bench.faultOf(() => bench.session.receive(R1, 3))
    bench.router.unreachable(2, 2) // what is made ahead
    await turn()
    equal(bench.session.fault, undefined)
    bench.router.unreachable(2, 0)
    deepEqual(await fault, { kind: 'timeout', round: R1, missing: [2] })
  })

  it('tells a round of each message that came, though another never does', async () => {
    const bench = new Bench()
    const came: [number, number][] = []
    const run = bench.faultOf((party) =>
      party.publish(round, { word: word(1) }, (message, from) => {
        came.push([from, message.word[0] ?? 0])
      }),
    )
    await turn()
    bench.take(3, letter(word(7)))
    await turn()
    deepEqual(came, [[3, 7]]) // in the turn in which it came, not at the end of the round
    bench.take(2, abort(1, 0, 0))
    equal((await run).kind, 'cancelled')
    deepEqual(came, [[3, 7]])
  })

  it('hides no defect of ours: a vault that does not open is not outrun either', async () => {
    const bench = new Bench()
    const defect = new Error('bug: a record')
    const run = bench.router.conduct(bench.session, async () => {
      bench.take(2, abort(1, 0, 0))
      await turn()
      throw defect
    })
    await rejects(run, defect)
    equal(bench.sent.length, 2)
    deepEqual(bench.followed, [])
  })

  it('is its cause, not what the conversation makes of it', async () => {
    const bench = new Bench()
    const fault = await bench.faultOf(async (party) => {
      bench.take(3, abort(1, 0, 0))
      await say(party).catch(() => undefined)
      throw new ProtocolError({ kind: 'setup-missing', round: R1, from: 2 })
    })
    deepEqual(fault, { kind: 'cancelled', round: R1 })
    deepEqual(bench.followed, [])
  })

  it('keeps its last message from the conversation, when both come in one turn', async () => {
    const bench = new Bench([1, 2])
    let handed = false
    const body = word(2)
    const fault = await bench.faultOf(async (party) => {
      setImmediate(() => {
        bench.session.take(2, letter(body))
        bench.session.end({ kind: 'cancelled', round: R1 })
      })
      await say(party)
      handed = true
    })
    deepEqual([fault.kind, handed], ['cancelled', false])
    deepEqual(body, new Uint8Array(4))
  })

  it('comes after the message before it was judged, though both are handed over at once', async () => {
    const bench = new Bench([1, 2])
    const fault = await bench.faultOf(async (party) => {
      bench.take(2, letter(word(2)))
      bench.take(2, abort(1, 0, 0))
      await say(party)
      throw new ProtocolError({ kind: 'cote', round: R1, from: 2 })
    })
    equal(fault.kind, 'cote')
    equal(bench.session.told, false)
  })

  it('names who ended it and whom that party waited for, and blames neither', async () => {
    const bench = new Bench()
    await bench.faultOf(async (party) => {
      bench.take(3, abort(2, 2, 0))
      await say(party)
    })
    deepEqual([bench.session.endedBy, bench.session.waitsFor], [3, 2])
    deepEqual(bench.followed, [])
    // Of somebody who takes no part, nothing is kept; nor of an abort that is none.
    for (const body of [
      [2, 9, 0],
      [7, 2, 0],
      [2, 2],
      [99, 0, 0],
    ]) {
      const other = new Bench()
      const fault = await other.faultOf(async (party) => {
        other.take(3, abort(...body))
        await say(party)
      })
      deepEqual([fault.kind, other.session.endedBy], ['cancelled', 3])
      equal(other.session.waitsFor, undefined)
    }
  })

  it('tells whom it waited for', async () => {
    const bench = new Bench()
    const fault = await bench.faultOf(async (party) => {
      bench.take(2, letter(word(2)))
      setImmediate(() => bench.clock.pass(10_000))
      await say(party)
    })
    deepEqual(fault, { kind: 'timeout', round: R1, missing: [3] })
    for (const { letter } of bench.sent.slice(-2)) deepEqual([...letter.body], [2, 3, 0])
  })

  it('leaves no body behind: what came, what was left over, and what left', async () => {
    const bench = new Bench()
    const [kept, same, late] = [word(2), word(2), word(4)]
    await bench.faultOf(async (party) => {
      bench.take(2, letter(kept))
      bench.take(2, letter(same))
      setImmediate(() => bench.session.end({ kind: 'cancelled', round: R1 }))
      await say(party)
    })
    bench.session.take(3, letter(late))
    for (const body of [kept, same, late]) deepEqual(body, new Uint8Array(4))
    const rounds = bench.sent.filter(({ letter }) => letter.type === MESSAGE_TYPES.round)
    equal(rounds.length, 2)
    for (const { letter } of rounds) deepEqual(letter.body, new Uint8Array(4))
  })
})

describe('a letter that no honest guest seals', () => {
  const wrong: [string, Partial<Letter>][] = [
    ['of a round that does not exist', { round: 0x0899 }],
    ['of a round of another conversation', { round: ROUND_NUMBERS['keygen/2-deal'] ?? 0 }],
    ['of another attempt', { attempt: 1 }],
  ]
  for (const [name, given] of wrong)
    it(`${name} ends the session, and is its sender's strike`, async () => {
      const bench = new Bench()
      const fault = await bench.faultOf(async (party) => {
        bench.take(2, letter(word(2), given))
        await say(party)
      })
      equal(fault.kind, 'malformed')
      deepEqual(bench.followed, ['strike 2'])
    })

  it('changes nothing when it comes from outside the session, or twice', async () => {
    const bench = new Bench()
    await bench.router.conduct(bench.session, async (party) => {
      bench.take(4, letter(word(4), { attempt: 1 }))
      bench.take(4, abort(1, 0, 0))
      for (const from of [2, 2, 3]) bench.take(from, letter(word(from)))
      const said = await say(party)
      deepEqual(said.from(3).word, word(3))
    })
    deepEqual(bench.followed, [])
  })

  it('is struck once it is no round at all', async () => {
    const bench = new Bench()
    const run = bench.router.conduct(bench.session, (party) => say(party))
    bench.take(2, letter(new Uint8Array(5)))
    await rejects(run, (error: ProtocolError) => error.fault.kind === 'malformed')
    deepEqual(bench.followed, ['strike 2'])
  })
})

describe('a round in which not everyone speaks', () => {
  it('goes to whom it is for, waits for those who speak, and passes over the guest itself', async () => {
    const bench = new Bench()
    const heard = await bench.router.conduct(bench.session, async (party) => {
      bench.take(3, letter(word(3)))
      const letters = new Map([1, 2].map((to) => [to, { word: word(to) }]))
      return party.exchange(direct(R1, Word), letters, [1, 3])
    })
    deepEqual(
      heard.map(({ word: bytes }, from) => [from, bytes[0]]),
      [[3, 3]],
    )
    deepEqual(
      bench.sent.map(({ to }) => to),
      [2],
    )
  })
})
