import { concatBytes } from '@noble/hashes/utils.js'
import type { Breathe } from '../crypto/breathe.ts'
import { type Codec, DecodeError, Reader, u32 } from './codec.ts'
import type { PartyIndex } from './faults.ts'
import {
  type BroadcastRound,
  broadcast,
  type DirectRound,
  direct,
  type Party,
  Received,
} from './round.ts'

const MAX_MESSAGE_BYTES = 65_536

/** One message of each of `count` conversations, in their order: u32 length ‖ bytes, each. */
export const Bundle = <T>(codec: Codec<T>, count: number): Codec<readonly T[]> => ({
  encode: (messages) => {
    if (messages.length !== count) throw new Error('bug: a bundle of another size')
    return concatBytes(
      ...messages.flatMap((message) => {
        const bytes = codec.encode(message)
        return [u32(bytes.length), bytes]
      }),
    )
  },
  decode: (bundle) => {
    const reader = new Reader(bundle)
    const messages = Array.from({ length: count }, () =>
      codec.decode(reader.take(reader.u32(MAX_MESSAGE_BYTES))),
    )
    return reader.end(messages)
  },
})

/** What is in a bundle of any size, as bytes; nothing in bytes that are none. */
export function bundledIn(bundle: Uint8Array): Uint8Array[] {
  const reader = new Reader(bundle)
  const bodies: Uint8Array[] = []
  try {
    for (let at = 0; at < bundle.length; ) {
      const body = reader.take(reader.u32(MAX_MESSAGE_BYTES))
      bodies.push(body)
      at += 4 + body.length
    }
  } catch (cause) {
    if (!(cause instanceof DecodeError)) throw cause
    return []
  }
  return bodies
}

export interface SideBySide {
  /** The session in which all of them run. */
  readonly party: Party
  /** Of each conversation, its own instanceId: what it computes with. */
  readonly instanceIds: readonly Uint8Array[]
  /** What a round of a conversation is called where it carries the messages of all. */
  readonly bundled: (round: string) => string
  /** Between two conversations that go on after the same round; a rejection is a failure of all. */
  readonly breathe: Breathe
}

/**
 * Runs conversations of one kind side by side in one session: what they say in a round leaves in one message. They
 * keep step, so each must have the same rounds, in which everyone speaks to everyone. When one fails all do, with
 * its reason, and this throws it once the last of them has ended.
 */
export async function sideBySide<T>(
  run: SideBySide,
  converse: (party: Party, number: number) => Promise<T>,
): Promise<T[]> {
  const step = new Step(run)
  const results = await Promise.allSettled(
    run.instanceIds.map(async (instanceId, number) => {
      try {
        return await converse(step.party(instanceId, number), number)
      } catch (error) {
        step.fail(error)
        throw error
      }
    }),
  )
  if (step.failure !== undefined) throw step.failure.reason
  return results.map((result) => {
    if (result.status === 'rejected') throw result.reason
    return result.value
  })
}

/** What one conversation says in a round, and what it waits for. */
interface Said {
  readonly name: string
  /** Speaks for all, once all have spoken. */
  readonly speak: (all: readonly Said[]) => Promise<void>
  readonly value: unknown
  readonly each: ((message: never, from: PartyIndex) => void) | undefined
  readonly heard: PromiseWithResolvers<Received<never>>
}

class Step {
  readonly #run: SideBySide
  #said: (Said | undefined)[] = []
  #failure: { readonly reason: unknown } | undefined

  constructor(run: SideBySide) {
    this.#run = run
  }

  get failure(): { readonly reason: unknown } | undefined {
    return this.#failure
  }

  /** The first reason stays; whoever waits for a round hears it. */
  fail(reason: unknown): void {
    this.#failure ??= { reason }
    for (const said of this.#said.splice(0)) said?.heard.reject(this.#failure.reason)
  }

  party(instanceId: Uint8Array, number: number): Party {
    const { me, everyone } = this.#run.party
    const outOfStep = (): never => {
      throw new Error('bug: a round in which not everyone speaks to everyone')
    }
    return {
      me,
      everyone,
      instanceId,
      publish: (round, mine, each) =>
        this.#say(number, round.name, mine, each, (all) => this.#publish(round, all)),
      deal: (round, messageFor) =>
        this.#say(number, round.name, messageFor, undefined, (all) => this.#deal(round, all)),
      exchange: outOfStep,
      send: outOfStep,
      receive: outOfStep,
    }
  }

  #say<T>(
    number: number,
    name: string,
    value: unknown,
    each: ((message: T, from: PartyIndex) => void) | undefined,
    speak: Said['speak'],
  ): Promise<Received<T>> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure.reason)
    const heard = Promise.withResolvers<Received<T>>()
    this.#said[number] = { name, speak, value, each, heard } as unknown as Said
    const all = this.#said.filter((said) => said !== undefined)
    if (all.some((said) => said.name !== name))
      this.fail(new Error('bug: conversations out of step'))
    else if (all.length === this.#run.instanceIds.length) {
      this.#said = []
      speak(all).catch((error: unknown) => {
        this.#failure ??= { reason: error }
        for (const said of all) said.heard.reject(this.#failure.reason)
      })
    }
    return heard.promise
  }

  async #publish<T>(round: BroadcastRound<T>, all: readonly Said[]): Promise<void> {
    const { party, bundled } = this.#run
    const codec = Bundle(round.codec, all.length)
    const mine = all.map(({ value }) => value as T)
    const heard = await party.publish(
      broadcast(bundled(round.name), codec),
      mine,
      (messages, from) => {
        for (const [k, { each }] of all.entries()) each?.(messages[k] as never, from)
      },
    )
    await this.#hand(all, heard)
  }

  async #deal<T>(round: DirectRound<T>, all: readonly Said[]): Promise<void> {
    const { party, bundled } = this.#run
    const codec = Bundle(round.codec, all.length)
    const messagesFor = all.map(({ value }) => value as (to: PartyIndex) => T)
    const heard = await party.deal(direct(bundled(round.name), codec), (to) =>
      messagesFor.map((messageFor) => messageFor(to)),
    )
    await this.#hand(all, heard)
  }

  /** To one after the other: what each does with it may take a while, and others have work too. */
  async #hand<T>(all: readonly Said[], heard: Received<readonly T[]>): Promise<void> {
    for (const [k, said] of all.entries()) {
      if (this.#failure !== undefined) throw this.#failure.reason
      if (k > 0) await this.#run.breathe()
      const own = heard.map((messages, from) => [from, messages[k] as never] as const)
      said.heard.resolve(new Received(new Map(own)))
    }
  }
}
