import { type ErrorId, RequestError } from '../../../protocols/request/errors.ts'
import { DecodeError } from '../../../protocols/session/codec.ts'
import { type Fault, type PartyIndex, ProtocolError } from '../../../protocols/session/faults.ts'
import { encodeAbort } from './abort-kinds.ts'
import {
  answerTo,
  encodeNotYet,
  encodeRefuse,
  encodeResult,
  type NotYet,
} from './answer-letters.ts'
import type { Letter } from './post.ts'
import type { SessionRouter } from './session-router.ts'

/** Openings that are looked at at once: each may carry a request of 600 KiB. */
const MAX_OPENINGS = 32
const OVERLOADED_MS = 500

/** What a follower says instead of taking part. Thrown by what looks at an opening. */
export class Declined extends Error {
  override readonly name = 'Declined'
  readonly answer: Answer

  constructor(answer: Answer) {
    super(answer.kind)
    this.answer = answer
  }
}

type Answer =
  | ({ readonly kind: 'notYet' } & NotYet)
  | { readonly kind: 'refuse'; readonly id: ErrorId }
  | { readonly kind: 'result'; readonly result: Uint8Array }
  | { readonly kind: 'abort'; readonly fault: Fault }

/** Says to an opener what came of its opening, when it was not taken part in. */
export class Followers {
  readonly #router: SessionRouter
  readonly #onError: (error: unknown) => void
  readonly #open = new Set<string>()

  constructor(router: SessionRouter, onError: (error: unknown) => void) {
    this.#router = router
    this.#onError = onError
  }

  /** Runs `follow`; what it declines is answered, what fails in the session was already told there. */
  take(from: PartyIndex, letter: Letter, follow: () => Promise<void>): void {
    this.#take(from, letter, follow).catch(this.#onError)
  }

  async #take(from: PartyIndex, letter: Letter, follow: () => Promise<void>): Promise<void> {
    const key = Buffer.from(letter.session).toString('hex')
    if (this.#open.has(key) || this.#router.find(letter.session) !== undefined) return // a second copy
    if (this.#open.size >= MAX_OPENINGS) {
      const busy = { reason: 'overloaded', retryAfterMs: OVERLOADED_MS } as const
      await this.#router.send(from, answerTo(letter, 'notYet', encodeNotYet(busy)))
      return
    }
    this.#open.add(key)
    try {
      await follow()
    } catch (error) {
      if (error instanceof ProtocolError) return // told to all by the session itself
      const answer = answerOf(error)
      if (answer === undefined) throw error
      await this.#router.send(from, answerLetter(letter, answer))
    } finally {
      this.#open.delete(key)
    }
  }
}

function answerOf(error: unknown): Answer | undefined {
  if (error instanceof Declined) return error.answer
  if (error instanceof RequestError) return { kind: 'refuse', id: error.id }
  if (error instanceof DecodeError) return { kind: 'refuse', id: 'BAD_REQUEST' }
  return undefined
}

function answerLetter(letter: Letter, answer: Answer): Letter {
  switch (answer.kind) {
    case 'notYet':
      return answerTo(letter, 'notYet', encodeNotYet(answer))
    case 'refuse':
      return answerTo(letter, 'refuse', encodeRefuse(answer.id))
    case 'result':
      return answerTo(letter, 'result', encodeResult(answer.result))
    case 'abort':
      return answerTo(letter, 'abort', encodeAbort(answer.fault))
  }
}
