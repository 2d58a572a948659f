import type { Kernel } from '../../../protocols/kernel/kernel.ts'
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
import type { Clock } from './clock.ts'
import type { Letter } from './post.ts'
import type { Session } from './session.ts'
import type { SessionRouter } from './session-router.ts'

/** Openings that are looked at at once: each may carry a request of 600 KiB. */
const MAX_LOOKS = 32
/** Of them, those of one opener. */
const MAX_LOOKS_PER_OPENER = 16
/** Signatures at once in all: an opener may have its share of them. */
const MAX_SIGNATURES = 256
/** Key generations at once that one member may lead: each is a few hundred milliseconds of every guest. */
export const MAX_KEYGENS_PER_OPENER = 2
/** Presignatures at once that one member may make: what it may start at once itself (background work). */
const MAX_PRESIGNATURES_PER_OPENER = 4
/** A pair makes one batch of correlations at a time. */
const MAX_BATCHES_PER_OPENER = 1
/** A member leads its test subsets one after the other, and a stamp beside them. */
const MAX_ROOTS_PER_OPENER = 2
const OVERLOADED_MS = 500
/** A leader that opened a session begins it at once; the reference kernel takes longer over a commitment. */
const FIRST_ROUND_MS = { wasm: 2_000, reference: 5_000 } as const

export type Followed = 'sign' | 'keygen' | 'presignature' | 'correlations' | 'root'

export interface FollowersInit {
  readonly router: SessionRouter
  readonly kernel: Pick<Kernel, 'name'>
  readonly clock: Pick<Clock, 'after'>
  /** Members of the committee. */
  readonly size: number
  readonly onError: (error: unknown) => void
}

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

/** Says to an opener what came of its opening, when it was not taken part in, and bounds what each may open. */
export class Followers {
  readonly #init: FollowersInit
  /** Who opened what is looked at now, by session. */
  readonly #looks = new Map<string, PartyIndex>()
  /** Openings looked at and sessions followed, by kind and opener. */
  readonly #following = new Map<string, number>()

  constructor(init: FollowersInit) {
    this.#init = init
  }

  /**
   * Runs `follow`, which says with `begun` that its session is open; what it declines is answered, what
   * fails in the session was already told there. `unseen`: there is no room, and nobody looks at the opening.
   */
  take(
    kind: Followed,
    from: PartyIndex,
    letter: Letter,
    follow: (begun: (session: Session) => void) => Promise<void>,
    unseen: () => void = () => undefined,
  ): void {
    this.#take(kind, from, letter, follow, unseen).catch(this.#init.onError)
  }

  async #take(
    kind: Followed,
    from: PartyIndex,
    letter: Letter,
    follow: (begun: (session: Session) => void) => Promise<void>,
    unseen: () => void,
  ): Promise<void> {
    const { router } = this.#init
    const key = Buffer.from(letter.session).toString('hex')
    if (this.#looks.has(key) || router.find(letter.session) !== undefined) return // a second copy
    if (this.#isFull(kind, from)) {
      unseen()
      router.decline(letter.session)
      const busy = { reason: 'overloaded', retryAfterMs: OVERLOADED_MS } as const
      await router.send(from, answerTo(letter, 'notYet', encodeNotYet(busy)))
      return
    }
    this.#looks.set(key, from)
    this.#count(kind, from, 1)
    let disarm = () => {}
    try {
      await follow((session) => {
        this.#looks.delete(key)
        disarm = this.#expectFirstRound(session, from)
      })
    } catch (error) {
      if (error instanceof ProtocolError) return // told to all by the session itself
      const answer = answerOf(error)
      if (answer === undefined) throw error
      if (!isUnnamed(answer)) router.decline(letter.session)
      await router.send(from, answerLetter(letter, answer))
    } finally {
      disarm()
      this.#looks.delete(key)
      this.#count(kind, from, -1)
    }
  }

  /** A leader that opens and then says nothing has its session for a moment, not for its budget. */
  #expectFirstRound(session: Session, leader: PartyIndex): () => void {
    const { clock, kernel } = this.#init
    return clock.after(FIRST_ROUND_MS[kernel.name], () => {
      if (session.hasHeard(leader)) return
      session.end({ kind: 'timeout', round: session.round, missing: [leader] })
    })
  }

  #isFull(kind: Followed, from: PartyIndex): boolean {
    const theirs = [...this.#looks.values()].filter((opener) => opener === from).length
    if (this.#looks.size >= MAX_LOOKS || theirs >= MAX_LOOKS_PER_OPENER) return true
    return (this.#following.get(`${kind}/${from}`) ?? 0) >= this.#most(kind)
  }

  /** What one opener may have running here at once. */
  #most(kind: Followed): number {
    if (kind === 'keygen') return MAX_KEYGENS_PER_OPENER
    if (kind === 'presignature') return MAX_PRESIGNATURES_PER_OPENER
    if (kind === 'correlations') return MAX_BATCHES_PER_OPENER
    if (kind === 'root') return MAX_ROOTS_PER_OPENER
    return Math.max(1, Math.floor(MAX_SIGNATURES / this.#init.size))
  }

  #count(kind: Followed, from: PartyIndex, change: 1 | -1): void {
    const key = `${kind}/${from}`
    const count = (this.#following.get(key) ?? 0) + change
    if (count === 0) this.#following.delete(key)
    else this.#following.set(key, count)
  }
}

/** What the opening calls its session is another one's name, perhaps that of one which somebody else will open. */
const isUnnamed = (answer: Answer): boolean =>
  answer.kind === 'abort' && answer.fault.kind === 'binding'

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
