import type { ErrorId } from '../../../protocols/request/errors.ts'
import { DecodeError } from '../../../protocols/session/codec.ts'
import type { PartyIndex } from '../../../protocols/session/faults.ts'
import { MESSAGE_TYPES } from '../../../protocols/session/numbers.ts'
import { decodeNotYet, decodeRefuse, decodeResult, type NotYet } from './answer-letters.ts'
import type { Letter } from './post.ts'
import type { Session } from './session.ts'
import type { SessionRouter } from './session-router.ts'

const OPEN = 'session/open'

/** What followers answered instead of taking part. */
export interface Heard {
  readonly notYet: (NotYet & { readonly from: PartyIndex })[]
  readonly refused: { readonly from: PartyIndex; readonly id: ErrorId }[]
}

interface Watched {
  readonly session: Session
  readonly heard: Heard
  /** Whether the bytes are a good result of this session's request; then they are kept by the caller. */
  readonly accept: (result: Uint8Array) => boolean
}

/** The answers to sessions that this guest opened. Each of them ends its session: the leader picks anew. */
export class Answers {
  readonly #watched = new Map<string, Watched>()
  #announced: (from: PartyIndex, letter: Letter) => void = () => undefined

  constructor(router: SessionRouter) {
    router.on(MESSAGE_TYPES.notYet, (from, letter) => this.#take(from, letter))
    router.on(MESSAGE_TYPES.refuse, (from, letter) => this.#take(from, letter))
    router.on(MESSAGE_TYPES.result, (from, letter) => {
      if (this.#watched.has(hex(letter.session))) this.#take(from, letter)
      else this.#announced(from, letter)
    })
  }

  /** Who takes results that answer nothing: those of requests that others finished. */
  onAnnounced(take: (from: PartyIndex, letter: Letter) => void): void {
    this.#announced = take
  }

  watch(session: Session, accept: Watched['accept']): Heard {
    const heard: Heard = { notYet: [], refused: [] }
    this.#watched.set(hex(session.spec.instanceId), { session, heard, accept })
    return heard
  }

  unwatch(session: Session): void {
    this.#watched.delete(hex(session.spec.instanceId))
  }

  #take(from: PartyIndex, { session, type, body }: Letter): void {
    const watched = this.#watched.get(hex(session))
    if (watched === undefined || !watched.session.others.includes(from)) return
    try {
      this.#judge(watched, from, type, body)
    } catch (cause) {
      if (!(cause instanceof DecodeError)) throw cause
      const reason = cause.message
      watched.session.end({ kind: 'malformed', round: OPEN, from, reason })
    }
  }

  #judge(watched: Watched, from: PartyIndex, type: number, body: Uint8Array): void {
    const { session, heard, accept } = watched
    if (type === MESSAGE_TYPES.notYet) {
      heard.notYet.push({ from, ...decodeNotYet(body) })
      session.end({ kind: 'cancelled', round: OPEN })
    } else if (type === MESSAGE_TYPES.refuse) {
      heard.refused.push({ from, id: decodeRefuse(body) })
      session.end({ kind: 'refused', round: OPEN, from })
    } else if (accept(decodeResult(body))) session.end({ kind: 'cancelled', round: OPEN })
    else session.end({ kind: 'malformed', round: OPEN, from, reason: 'no result of this request' })
  }
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')
