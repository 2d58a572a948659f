import { MAX_BODY_BYTES } from '../../../protocols/agreement/epoch/body.ts'
import type { KeyListName } from '../../../protocols/agreement/epoch/key-lists.ts'
import { decodeMessage, type Incomplete } from '../../../protocols/agreement/epoch/message-codec.ts'
import type { Message } from '../../../protocols/agreement/epoch/messages.ts'
import type { State } from '../../../protocols/agreement/epoch/state.ts'
import { decodeCanonical } from '../../../protocols/session/canonical-cbor.ts'
import { DecodeError } from '../../../protocols/session/codec.ts'
import type { Clock } from '../sessions/clock.ts'
import type { Letters, Said } from './letters.ts'
import { ListAsk } from './list-codec.ts'
import type { ListExchange } from './list-exchange.ts'

/** Messages of one sender that the machine has not handled yet, and of all. */
const MAX_OF_SENDER = 128
const MAX_WAITING = 2_048
/** Senders of which nothing is heard for a while. */
const MAX_SUSPENDED = 256
/** What somebody may say that belongs to nothing here: it only asks, and is answered. */
const OF_STRANGERS: ReadonlySet<string> = new Set(['head-ask', 'ask'])

export interface InboxInit {
  readonly letters: Letters
  readonly lists: ListExchange
  readonly clock: Pick<Clock, 'monotonicMs'>
  state(): Readonly<State> | undefined
  isKnown(from: string): boolean
  /** To the machine; resolves when it is done with it. */
  give(from: string, boot: string, message: Message): Promise<unknown>
  /** The store failed while a list was read. */
  onError(error: unknown): void
}

/** From letters to messages with their lists of keys; bounded for each sender and in all (03 §4.5). */
export class Inbox {
  readonly #init: InboxInit
  readonly #waiting = new Map<string, number>()
  readonly #suspended = new Map<string, number>()
  #count = 0

  constructor(init: InboxInit) {
    this.#init = init
  }

  receive(letter: Uint8Array): void {
    const { letters } = this.#init
    const said = letters.receive(letter)
    if (said === undefined || this.#isSuspended(said.from)) return
    try {
      this.#read(said)
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error
      letters.dropped.malformed++
    }
  }

  /** Nothing more of this sender until then, ms of the monotonic clock. */
  suspend(from: string, until: number): void {
    this.#suspended.set(from, until)
    const [oldest] = this.#suspended.keys()
    if (this.#suspended.size > MAX_SUSPENDED && oldest !== undefined) this.#suspended.delete(oldest)
  }

  #isSuspended(from: string): boolean {
    return (this.#suspended.get(from) ?? 0) > this.#init.clock.monotonicMs()
  }

  #read({ from, boot, bytes }: Said): void {
    const { lists, letters, isKnown } = this.#init
    const type = typeOf(bytes)
    const waits = this.#waiting.get(from) ?? 0
    if (waits >= MAX_OF_SENDER || this.#count >= MAX_WAITING) {
      letters.dropped.flood++
      return
    }
    if (type === 'page') lists.onPage(from, bytes)
    else if (type === 'list-ask') this.#wait(from, lists.onAsk(from, ListAsk.decode(bytes)))
    else if (isKnown(from) || OF_STRANGERS.has(type))
      this.#wait(from, this.#hear(from, boot, decodeMessage(bytes)))
  }

  async #hear(from: string, boot: string, told: Incomplete<Message>): Promise<void> {
    const { lists, give } = this.#init
    const needed = this.#needed(told)
    const found = needed.length === 0 ? [] : await lists.find(needed, from)
    if (found !== undefined) await give(from, boot, told.complete(found))
  }

  /** Lists are fetched only for what the machine would look at with them. */
  #needed({ lists, complete }: Incomplete<Message>): readonly KeyListName[] {
    const state = this.#init.state()
    const bare = complete([])
    if (state === undefined || lists.length === 0) return []
    const { e } = state.base.record
    switch (bare.type) {
      case 'start': {
        const { object } = bare.start
        return object.e === e + 1 && !state.attempts.has(object.k) ? lists : []
      }
      case 'epoch':
        return bare.cert.record.e === e + 1 ? lists : []
      case 'tail':
        return state.attempts.get(bare.tail.object.k)?.tail === null ? lists : []
      case 'frozen':
        return state.attempts.get(bare.frozen.object.k)?.tail === null ? lists : []
      default:
        return lists
    }
  }

  #wait(from: string, work: Promise<unknown>): void {
    this.#count++
    this.#waiting.set(from, (this.#waiting.get(from) ?? 0) + 1)
    work
      .catch((error: unknown) => this.#init.onError(error))
      .finally(() => {
        this.#count--
        const left = (this.#waiting.get(from) ?? 1) - 1
        if (left === 0) this.#waiting.delete(from)
        else this.#waiting.set(from, left)
      })
  }
}

function typeOf(bytes: Uint8Array): string {
  const items = decodeCanonical(bytes, MAX_BODY_BYTES)
  const type: unknown = Array.isArray(items) ? items[0] : undefined
  if (typeof type !== 'string') throw new DecodeError('nothing that a letter carries')
  return type
}
