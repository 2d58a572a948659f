import { KernelFull, KernelMisuse } from '../../../protocols/kernel/kernel.ts'
import {
  consequence,
  type Fault,
  type PartyIndex,
  ProtocolError,
} from '../../../protocols/session/faults.ts'
import type { Kind } from '../../../protocols/session/instance.ts'
import { MESSAGE_TYPES, type MessageType } from '../../../protocols/session/numbers.ts'
import type { Party } from '../../../protocols/session/round.ts'
import type { Priority } from '../../port/messages.ts'
import type { Holdings } from './abort-kinds.ts'
import type { Clock } from './clock.ts'
import { EarlyLetters } from './early-letters.ts'
import { guestParty } from './guest-party.ts'
import type { Letter, Post } from './post.ts'
import { SeenInstances } from './seen-instances.ts'
import { priorityOf, Session, type SessionSpec } from './session.ts'
import { inOwnTurn } from './turns.ts'
import type { Unread } from './unread.ts'

/** How long news that belong to no session, or to one that ended, may take to leave. */
const TELL_MS = 10_000
/** Sessions at once; each holds at most a few hundred kilobytes of letters. */
const MAX_SESSIONS = 256

export type Handler = (from: PartyIndex, letter: Letter) => void

/** Decides what follows from a fault before anyone else learns of it: bans are durable first (02 §2.8). */
export type Settle = (fault: Fault, session: Session) => Promise<void>

export interface RouterInit {
  readonly me: PartyIndex
  readonly post: Post
  readonly clock: Clock
  /** A defect of ours, in a turn that nobody waits for. */
  readonly onError: (error: unknown) => void
}

/** Brings every letter to the session or handler that it is for. */
export class SessionRouter {
  readonly #me: PartyIndex
  readonly #post: Post
  readonly #clock: Clock
  readonly #onError: (error: unknown) => void
  readonly #sessions = new Map<string, { session: Session; disarm: () => void }>()
  readonly #handlers = new Map<number, Handler>()
  readonly #early = new EarlyLetters((from, round, body) => this.#unread(from, round, body))
  readonly #seen = new SeenInstances()
  /** When a session with a peer last came to its end, in monotonic ms. */
  readonly #worked = new Map<PartyIndex, number>()
  #settle: Settle = async () => undefined
  #restarted: (peer: PartyIndex) => void = () => undefined
  #unread: Unread = () => undefined
  #holdings: (peer: PartyIndex) => Holdings | undefined = () => undefined

  constructor({ me, post, clock, onError }: RouterInit) {
    this.#me = me
    this.#post = post
    this.#clock = clock
    this.#onError = onError
    post.onMessage((from, letter) => this.#soon(() => this.#route(from, letter)))
    post.onRestarted((peer) =>
      this.#soon(() => {
        this.forget(peer)
        this.#restarted(peer)
      }),
    )
  }

  /** Who decides on faults; given after construction, because it needs the router itself. */
  settleWith(settle: Settle): void {
    this.#settle = settle
  }

  /** Who else learns that a peer's guest started anew, once its sessions have ended. */
  onRestarted(take: (peer: PartyIndex) => void): void {
    this.#restarted = take
  }

  /** Who looks at messages that no conversation reads any more. */
  onUnread(look: Unread): void {
    this.#unread = look
  }

  /** What lo of a pair is told when it named a correlation that is not held here. */
  holdingsWith(holdings: (peer: PartyIndex) => Holdings | undefined): void {
    this.#holdings = holdings
  }

  /** Who takes letters of a type that belongs to no running session. */
  on(type: MessageType, handler: Handler): void {
    this.#handlers.set(type, handler)
  }

  /** Starts to take letters for a session; a reason when it may not run. */
  open(spec: SessionSpec): Session | 'reused' | 'overloaded' {
    const key = hex(spec.instanceId)
    const now = this.#clock.monotonicMs()
    if (this.#sessions.size >= MAX_SESSIONS) return 'overloaded'
    const seen = this.#seen.note(key, spec.deadlineMs, now)
    if (seen !== 'new') return seen === 'seen' ? 'reused' : 'overloaded'
    const unread: Unread = (from, round, body) => this.#unread(from, round, body)
    const session = new Session(spec, this.#me, this.#post, now, unread)
    const disarm = this.#expireAfter(session, spec.deadlineMs)
    this.#sessions.set(key, { session, disarm })
    for (const { from, letter } of this.#early.claim(spec.instanceId, now))
      session.take(from, letter)
    return session
  }

  /** This guest takes no part in a session that another one opened: nobody here reads its letters. */
  decline(instanceId: Uint8Array): void {
    this.#early.decline(instanceId, this.#clock.monotonicMs())
  }

  /** Gives a session a new deadline, counted from now. */
  rearm(session: Session, deadlineMs: number): void {
    const entry = this.#sessions.get(hex(session.spec.instanceId))
    if (entry === undefined) return
    entry.disarm()
    entry.disarm = this.#expireAfter(session, deadlineMs)
  }

  /**
   * Runs a conversation to its end. A failure is settled first, then told to every participant, then
   * thrown: as a `ProtocolError`, or as it is when it was a defect of ours.
   */
  async conduct<T>(session: Session, converse: (party: Party) => Promise<T>): Promise<T> {
    try {
      const result = await converse(guestParty(session))
      session.leave()
      for (const peer of session.others) this.#worked.set(peer, this.#clock.monotonicMs())
      return result
    } catch (error) {
      const fault = causeOf(session, error)
      session.end(fault ?? { kind: 'cancelled', round: 'session/open' })
      session.leave()
      if (fault !== undefined) await this.#settle(fault, session)
      await this.tell(session, fault ?? { kind: 'cancelled', round: 'session/open' })
      // A defect stays one, whatever else ended the session: a vault that does not open halts the guest.
      if (fault === undefined || findingOf(error) === undefined) throw error
      throw new ProtocolError(fault, { cause: error })
    } finally {
      this.#close(session)
    }
  }

  /** Whether a session with this peer came to its end in the last `ms`. */
  workedWith(peer: PartyIndex, ms: number): boolean {
    const at = this.#worked.get(peer)
    return at !== undefined && this.#clock.monotonicMs() - at <= ms
  }

  /** Ends a session that never came to its conversation. */
  async abandon(session: Session, fault: Fault): Promise<void> {
    session.end(fault)
    session.leave()
    this.#close(session)
    await this.tell(session, fault)
  }

  /** Running sessions in which `peer` takes part, of one kind if given. */
  sessionsWith(peer: PartyIndex, kind?: Kind): Session[] {
    return Array.from(this.#sessions.values(), ({ session }) => session).filter(
      ({ spec }) => spec.everyone.includes(peer) && (kind === undefined || spec.kind === kind),
    )
  }

  find(instanceId: Uint8Array): Session | undefined {
    return this.#sessions.get(hex(instanceId))?.session
  }

  /** The peer's guest started anew: nothing of it runs on. */
  forget(peer: PartyIndex): void {
    this.#early.drop(peer)
    for (const session of this.sessionsWith(peer))
      session.end({ kind: 'cancelled', round: 'session/open' })
  }

  /**
   * The host lost the peer, or a message to it of one priority: silence ends what waits for it (02 §12: silence is
   * not guilt).
   */
  unreachable(peer: PartyIndex, priority?: Priority): void {
    const sessions = this.sessionsWith(peer).filter(
      ({ spec }) => priority === undefined || priorityOf(spec.kind) === priority,
    ) // not those that begin after the peer is back
    this.#soon(() => {
      for (const session of sessions) session.unreachable(peer)
    })
  }

  /** Sends one letter outside a round; false when it did not leave. */
  async send(to: PartyIndex, letter: Letter): Promise<boolean> {
    const limit = this.#timeout(TELL_MS)
    const left = await this.#leaves(to, letter, limit.signal)
    limit.cancel()
    return left
  }

  /** Sends what opens or accepts a session; when it cannot leave, the session ends and names the peer. */
  async sendFor(session: Session, to: PartyIndex, letter: Letter): Promise<void> {
    const left = await this.#leaves(to, letter, session.signal)
    if (!left) session.unreachable(to, 'session/open')
  }

  get running(): number {
    return this.#sessions.size
  }

  async tell(session: Session, fault: Fault): Promise<void> {
    const limit = this.#timeout(TELL_MS)
    const own = fault.kind === 'corr-unknown' && !(session.told && fault === session.fault)
    await session.tell(fault, limit.signal, own ? this.#holdings(fault.from) : undefined)
    limit.cancel()
  }

  async #leaves(to: PartyIndex, letter: Letter, signal: AbortSignal): Promise<boolean> {
    try {
      await this.#post.send(to, letter, signal)
      return true
    } catch {
      return false // the caller decides what unreachable means
    }
  }

  #timeout(ms: number): { signal: AbortSignal; cancel: () => void } {
    const controller = new AbortController()
    const cancel = this.#clock.after(ms, () =>
      controller.abort(new DOMException('too late', 'TimeoutError')),
    )
    return { signal: controller.signal, cancel }
  }

  #soon(run: () => void): void {
    inOwnTurn(run, this.#onError)
  }

  #expireAfter(session: Session, ms: number): () => void {
    return this.#clock.after(ms, () => this.#soon(() => session.expire()))
  }

  #close(session: Session): void {
    const key = hex(session.spec.instanceId)
    this.#sessions.get(key)?.disarm()
    this.#sessions.delete(key)
  }

  #route(from: PartyIndex, letter: Letter): void {
    const { type } = letter
    if (letter.session.length !== 32 || from === this.#me) return
    if (type !== MESSAGE_TYPES.round && type !== MESSAGE_TYPES.abort) {
      this.#handlers.get(type)?.(from, letter)
      return
    }
    const key = hex(letter.session)
    const entry = this.#sessions.get(key)
    const now = this.#clock.monotonicMs()
    if (entry !== undefined) entry.session.take(from, letter)
    else if (this.#seen.has(key, now) || !this.#early.put(from, letter, now)) {
      if (type === MESSAGE_TYPES.round) this.#unread(from, letter.round, letter.body)
      letter.body.fill(0)
    }
  }
}

/**
 * Why a conversation failed. What ended the session is the cause, and what the conversation then threw is
 * its echo; unless it found out itself that someone cheated or that our own state is wrong. Such a finding
 * is never outrun by an abort, a lost link or a deadline: whoever caused it would choose those (02 §2.8).
 */
function causeOf({ fault: ended }: Session, error: unknown): Fault | undefined {
  const own = findingOf(error)
  const stays = own !== undefined && own !== ended && consequence(own) !== 'retry'
  return stays && consequence(own) !== 'final' ? own : (ended ?? own)
}

function findingOf(error: unknown): Fault | undefined {
  if (error instanceof ProtocolError) return error.fault
  if (error instanceof KernelMisuse) return { kind: 'kernel', reason: 'a handle was misused' }
  if (error instanceof KernelFull) return { kind: 'cancelled', round: 'session/open' } // no room now
  return undefined
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')
