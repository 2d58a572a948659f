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

  const receive = async <T>(round: Round<T>, from: PartyIndex): Promise<T> =>
    decode(round, from, await session.receive(round.name, from))

  return {
    me,
    everyone,
    instanceId,
    async publish<T>(round: BroadcastRound<T>, mine: T): Promise<Received<T>> {
      const bytes = round.codec.encode(mine)
      const [theirs] = await Promise.all([
        Promise.all(session.others.map((from) => receive(round, from))),
        Promise.all(session.others.map((to) => session.send(round.name, to, bytes))),
      ])
      const heard = new Map(session.others.map((from, i) => [from, theirs[i] as T]))
      heard.set(me, mine)
      return new Received(new Map(everyone.map((party) => [party, heard.get(party) as T])))
    },
    async deal<T>(round: DirectRound<T>, messageFor: (to: PartyIndex) => T): Promise<Received<T>> {
      const letters = session.others.map((to) => ({
        to,
        bytes: round.codec.encode(messageFor(to)),
      }))
      const [theirs] = await Promise.all([
        Promise.all(session.others.map((from) => receive(round, from))),
        Promise.all(letters.map(({ to, bytes }) => session.send(round.name, to, bytes))),
      ])
      return new Received(new Map(session.others.map((from, i) => [from, theirs[i] as T])))
    },
    send: (round, to, message) => session.send(round.name, to, round.codec.encode(message)),
    receive,
  }
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
