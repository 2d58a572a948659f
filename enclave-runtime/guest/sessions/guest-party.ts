import { type Codec, DecodeError } from '../../../protocols/session/codec.ts'
import { type PartyIndex, ProtocolError } from '../../../protocols/session/faults.ts'
import {
  type BroadcastRound,
  type DirectRound,
  type Party,
  Received,
} from '../../../protocols/session/round.ts'
import type { Session } from './session.ts'

/** A conversation's view of the committee, over a session's letters. */
export function guestParty(session: Session): Party {
  const { me } = session
  const { everyone, instanceId } = session.spec

  // A message of a session that is over is handed to nobody: no check runs on it, so none is answered.
  const receive = async <T>(round: Round<T>, from: PartyIndex): Promise<T> => {
    const bytes = await session.receive(round.name, from)
    session.assertRunning(round.name)
    return decode(round, from, bytes)
  }

  /** Sends all of them; wipes the bytes once none can leave any more. */
  const sendAll = async (round: string, letters: readonly Encoded[]): Promise<void> => {
    const sent = letters.map(({ to, bytes }) => session.send(round, to, bytes))
    const wiped = Promise.allSettled(sent).then(() => {
      for (const { bytes } of letters) bytes.fill(0)
    })
    await Promise.all(sent)
    await wiped
  }

  const exchange = async <T>(
    round: Round<T>,
    letters: readonly Encoded[],
    from: readonly PartyIndex[],
    each: (message: T, from: PartyIndex) => void = () => undefined,
  ): Promise<T[]> => {
    const hear = async (from: PartyIndex): Promise<T> => {
      const message = await receive(round, from)
      each(message, from)
      return message
    }
    const [theirs] = await Promise.all([Promise.all(from.map(hear)), sendAll(round.name, letters)])
    session.assertRunning(round.name)
    return theirs
  }

  return {
    me,
    everyone,
    instanceId,
    async publish<T>(
      round: BroadcastRound<T>,
      mine: T,
      each?: (message: T, from: PartyIndex) => void,
    ): Promise<Received<T>> {
      const bytes = round.codec.encode(mine)
      const theirs = await exchange(
        round,
        session.others.map((to) => ({ to, bytes })),
        session.others,
        each,
      )
      const heard = new Map(session.others.map((from, i) => [from, theirs[i] as T]))
      heard.set(me, mine)
      return new Received(new Map(everyone.map((party) => [party, heard.get(party) as T])))
    },
    async deal<T>(round: DirectRound<T>, messageFor: (to: PartyIndex) => T): Promise<Received<T>> {
      const theirs = await exchange(
        round,
        session.others.map((to) => ({ to, bytes: round.codec.encode(messageFor(to)) })),
        session.others,
      )
      return new Received(new Map(session.others.map((from, i) => [from, theirs[i] as T])))
    },
    async exchange<T>(
      round: DirectRound<T>,
      letters: ReadonlyMap<PartyIndex, T>,
      from: readonly PartyIndex[],
    ): Promise<Received<T>> {
      const encoded = Array.from(letters, ([to, message]) => ({ to, message }))
        .filter(({ to }) => to !== me)
        .map(({ to, message }) => ({ to, bytes: round.codec.encode(message) }))
      const speakers = from.filter((party) => party !== me)
      const theirs = await exchange(round, encoded, speakers)
      return new Received(new Map(speakers.map((party, i) => [party, theirs[i] as T])))
    },
    send: (round, to, message) => sendAll(round.name, [{ to, bytes: round.codec.encode(message) }]),
    receive,
  }
}

interface Encoded {
  readonly to: PartyIndex
  readonly bytes: Uint8Array
}

interface Round<T> {
  readonly name: string
  readonly codec: Codec<T>
}

function decode<T>({ name, codec }: Round<T>, from: PartyIndex, bytes: Uint8Array): T {
  try {
    return codec.decode(bytes)
  } catch (cause) {
    if (!(cause instanceof DecodeError)) throw cause
    throw new ProtocolError(
      { kind: 'malformed', round: name, from, reason: cause.message },
      { cause },
    )
  }
}
