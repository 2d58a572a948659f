import type { Codec } from './codec.ts'
import type { PartyIndex } from './faults.ts'

/** A round in which everyone tells everyone the same thing. */
export interface BroadcastRound<T> {
  readonly via: 'broadcast'
  readonly name: string
  readonly codec: Codec<T>
}

/** A round in which everyone tells each other party something private. */
export interface DirectRound<T> {
  readonly via: 'direct'
  readonly name: string
  readonly codec: Codec<T>
}

export const broadcast = <T>(name: string, codec: Codec<T>): BroadcastRound<T> => ({
  via: 'broadcast',
  name,
  codec,
})

export const direct = <T>(name: string, codec: Codec<T>): DirectRound<T> => ({
  via: 'direct',
  name,
  codec,
})

/**
 * A party's whole view of the world while a conversation runs. Deadline and cancellation are the
 * transport's: a wait that ends without its messages throws a `ProtocolError` (`timeout`, `cancelled`).
 */
export interface Party {
  readonly me: PartyIndex
  /** Every participant, own index included, ascending. */
  readonly everyone: readonly PartyIndex[]
  /** The instanceId of spec "Sessions" (02 §11), 32 bytes. */
  readonly instanceId: Uint8Array
  /**
   * Tell everyone the same; wait for everyone's. That all saw the same is established by the
   * transcript hash that the conversation's later messages carry (sid, T), never by this call.
   */
  publish<T>(
    round: BroadcastRound<T>,
    mine: T,
    /** Told of each message that came, at once or at the latest when the round fails for want of another. */
    each?: (message: T, from: PartyIndex) => void,
  ): Promise<Received<T>>
  /** Tell each other party something private; wait for theirs. The result holds no message of one's own. */
  deal<T>(round: DirectRound<T>, messageFor: (to: PartyIndex) => T): Promise<Received<T>>
  /**
   * Tell each of these parties something; wait for one message from each of `from`. For rounds in which not
   * everyone speaks or hears. Own index in `from` or `letters` is passed over.
   */
  exchange<T>(
    round: DirectRound<T>,
    letters: ReadonlyMap<PartyIndex, T>,
    from: readonly PartyIndex[],
  ): Promise<Received<T>>
  /** Tell one party something without waiting (rounds whose replies leave at different times). */
  send<T>(round: DirectRound<T>, to: PartyIndex, message: T): Promise<void>
  /** Wait for one party's message of a direct round. */
  receive<T>(round: DirectRound<T>, from: PartyIndex): Promise<T>
}

/** One round's messages, one from each party that had to speak, in party order. */
export class Received<T> {
  readonly #messages: ReadonlyMap<PartyIndex, T>

  constructor(messages: ReadonlyMap<PartyIndex, T>) {
    this.#messages = messages
  }

  from(party: PartyIndex): T {
    const message = this.#messages.get(party)
    if (message === undefined) throw new Error(`bug: no message from party ${party}`)
    return message
  }

  map<R>(transform: (message: T, from: PartyIndex) => R): R[] {
    return Array.from(this.#messages, ([from, message]) => transform(message, from))
  }
}
