import { type Codec, DecodeError } from '../session/codec.ts'
import { type Fault, type PartyIndex, ProtocolError } from '../session/faults.ts'
import { type Party, Received } from '../session/round.ts'
import { Desk } from './desk.ts'

/** One message of a round on its way. `from` is authentic: envelopes see to that. */
export interface Letter {
  readonly from: PartyIndex
  readonly to: PartyIndex
  readonly round: string
  readonly bytes: Uint8Array
}

/**
 * What happens to a letter on its way. Bytes replace its own. `undefined` loses it: its deadline will
 * pass. A list of letters is delivered in its place, in order: none, the same twice, one for somebody
 * else, one held back from before.
 */
export type Tamper = (letter: Letter) => Uint8Array | undefined | readonly Letter[]

export interface SimulationOptions {
  readonly tamper?: Tamper
  /** Parties whose failure nobody hears of: they fall silent, as a cheat would that sees itself found out. */
  readonly mute?: readonly PartyIndex[]
  /** Ends the run from outside: everyone still in it fails as `cancelled`. */
  readonly signal?: AbortSignal
}

const untouched: Tamper = ({ bytes }) => bytes

/**
 * Runs one conversation among `everyone` in this process: no network, no clock, no chance. The results
 * are in party order, and there is always one for each: the first failure ends everyone else's run as
 * `cancelled`, as an abort message would. When nobody can go on any more, the deadline passes for
 * whoever has waited longest, and its `timeout` names who is missing.
 *
 * @param everyone party indices, ascending
 * @param instanceId 32 bytes, `Party.instanceId`
 * @param run one party's side of the conversation; it waits in one place at a time
 */
export async function simulate<T>(
  everyone: readonly PartyIndex[],
  instanceId: Uint8Array,
  run: (party: Party) => Promise<T>,
  { tamper = untouched, mute = [], signal }: SimulationOptions = {},
): Promise<PromiseSettledResult<T>[]> {
  const desks = new Map(everyone.map((me) => [me, new Desk()]))
  const waiting = new Set<Desk>() // in the order in which they began to wait
  let working = everyone.length

  /** Nobody works and somebody waits: no further letter will ever come. */
  const settle = (): void => {
    if (working > 0) return
    const [longest] = waiting
    longest?.expire()
  }

  const stop = (): void => {
    for (const desk of desks.values()) desk.end('cancelled')
  }
  signal?.addEventListener('abort', stop, { once: true })
  if (signal?.aborted) stop()

  const post = (letter: Letter): void => {
    const fate = tamper(letter)
    const delivered = fate instanceof Uint8Array ? [{ ...letter, bytes: fate }] : (fate ?? [])
    for (const { from, to, round, bytes } of delivered)
      if (from !== to) desks.get(to)?.put(round, from, bytes.slice())
  }

  const collect = async (me: PartyIndex, round: string, from: readonly PartyIndex[]) => {
    const desk = deskOf(desks, me)
    if (!desk.has(round, from)) {
      const over = desk.until(round, from, () => {
        waiting.delete(desk)
        working++
      })
      waiting.add(desk)
      working--
      settle()
      await over
    }
    return desk.take(round, from)
  }

  const partyOf = (me: PartyIndex): Party => {
    const others = everyone.filter((party) => party !== me)
    return {
      me,
      everyone,
      instanceId,
      async publish(round, mine, each = () => undefined) {
        const bytes = round.codec.encode(mine)
        for (const to of others) post({ from: me, to, round: round.name, bytes })
        const theirs = await collect(me, round.name, others)
          .finally(() => tellEach(round, deskOf(desks, me).arrived(round.name, others), each))
          .then((letters) => decodeAll(round, letters))
        return new Received(
          new Map(everyone.map((from) => [from, from === me ? mine : theirs.from(from)])),
        )
      },
      async deal(round, messageFor) {
        const letters = others.map((to) => ({ to, bytes: round.codec.encode(messageFor(to)) }))
        for (const { to, bytes } of letters) post({ from: me, to, round: round.name, bytes })
        return decodeAll(round, await collect(me, round.name, others))
      },
      async exchange(round, letters, from) {
        for (const [to, message] of letters)
          if (to !== me)
            post({ from: me, to, round: round.name, bytes: round.codec.encode(message) })
        const speakers = from.filter((party) => party !== me)
        return decodeAll(round, await collect(me, round.name, speakers))
      },
      async send(round, to, message) {
        post({ from: me, to, round: round.name, bytes: round.codec.encode(message) })
      },
      async receive(round, from) {
        return decodeAll(round, await collect(me, round.name, [from])).from(from)
      },
    }
  }

  const results = await Promise.allSettled(
    everyone.map(async (me) => {
      try {
        return await run(partyOf(me))
      } catch (error) {
        if (!mute.includes(me)) stop() // one party's failure is everyone's
        throw error
      } finally {
        deskOf(desks, me).close()
        working--
        settle()
      }
    }),
  )
  signal?.removeEventListener('abort', stop)
  return results
}

/** The faults of a run, without the `cancelled` that merely followed from another. */
export const faultsOf = (results: readonly PromiseSettledResult<unknown>[]): Fault[] =>
  results
    .flatMap((result) => (result.status === 'rejected' ? [result.reason as unknown] : []))
    .map((reason) => {
      if (!(reason instanceof ProtocolError)) throw reason
      return reason.fault
    })
    .filter(({ kind }) => kind !== 'cancelled')

function decodeAll<T>(
  round: { readonly name: string; readonly codec: Codec<T> },
  letters: ReadonlyMap<PartyIndex, Uint8Array>,
): Received<T> {
  const messages = new Map<PartyIndex, T>()
  for (const [from, bytes] of letters)
    try {
      messages.set(from, round.codec.decode(bytes))
    } catch (cause) {
      if (!(cause instanceof DecodeError)) throw cause
      const { message: reason } = cause
      throw new ProtocolError({ kind: 'malformed', round: round.name, from, reason }, { cause })
    }
  return new Received(messages)
}

/** Those that can be read; the others end the run elsewhere. */
function tellEach<T>(
  round: { readonly name: string; readonly codec: Codec<T> },
  letters: ReadonlyMap<PartyIndex, Uint8Array>,
  each: (message: T, from: PartyIndex) => void,
): void {
  for (const [from, bytes] of letters) {
    let message: T
    try {
      message = round.codec.decode(bytes)
    } catch (cause) {
      if (!(cause instanceof DecodeError)) throw cause
      continue
    }
    each(message, from)
  }
}

function deskOf(desks: ReadonlyMap<PartyIndex, Desk>, party: PartyIndex): Desk {
  const found = desks.get(party)
  if (found === undefined) throw new Error(`bug: party ${party} does not take part`)
  return found
}
