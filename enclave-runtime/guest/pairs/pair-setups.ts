import type { Random } from '../../../protocols/crypto/random.ts'
import type { Kernel } from '../../../protocols/kernel/kernel.ts'
import type { PairSetup, setUpPair } from '../../../protocols/pair-setup/set-up-pair.ts'
import { DecodeError } from '../../../protocols/session/codec.ts'
import { type PartyIndex, ProtocolError } from '../../../protocols/session/faults.ts'
import { FORMS, instanceId, KINDS, type Kind } from '../../../protocols/session/instance.ts'
import { MESSAGE_TYPES } from '../../../protocols/session/numbers.ts'
import type { PairState } from '../../port/messages.ts'
import { type Committee, isMember, otherGuests } from '../committee.ts'
import type { Tell } from '../events.ts'
import { encodeAbort } from '../sessions/abort-kinds.ts'
import type { Clock } from '../sessions/clock.ts'
import type { Letter } from '../sessions/post.ts'
import type { Session } from '../sessions/session.ts'
import type { SessionRouter } from '../sessions/session-router.ts'
import { nextTurn } from './next-turn.ts'
import { Pair, type SetupLimits } from './pair.ts'
import { PairOpening } from './pair-letters.ts'
import { SetupFailed } from './setup-failed.ts'
import type { SetupTurns } from './setup-turns.ts'

/** How long lo waits for hi's free slot, and hi keeps lo's open. Beyond `REOPEN_MS` without holding a slot. */
const ACCEPT_MS = 120_000
/** From the own P1 (02 §11). */
const SETUP_MS = 60_000
const SETUP_MS_REFERENCE = 180_000
/** lo opens again while hi says nothing: the letter may be lost. */
const REOPEN_MS = 5_000
/** hi has said P1 and holds a slot: lo, who has one as well, answers at once or not at all. */
const FIRST_MS = 30_000
/** hi asks again when lo stays silent: its restart, or a lost P4, is only known to hi. */
const ASK_EVERY_MS = 15_000
/** An ask as old as that cannot be about a setup that is younger. */
const ASK_MAY_BE_LATE_MS = 10_000

/** Failures in a row after which a new epoch does not wait for a pair any more. */
const MAX_FAILURES = 3

/** 02 §2.7. Seen at the next use, and whenever the host asks for the status. */
const LIMITS: SetupLimits = { ageMs: 30 * 24 * 3_600_000, executions: 2 ** 24 }

/** What runs on the setups of its participants. */
const USES_SETUPS: ReadonlySet<Kind> = new Set([
  KINDS.correlations,
  KINDS.presignature,
  KINDS.signature,
])

export interface PairSetupsInit {
  readonly committee: Committee
  readonly router: SessionRouter
  readonly kernel: Kernel
  readonly random: Random
  readonly clock: Clock
  readonly tell: Tell
  readonly isBanned: (peer: PartyIndex) => boolean
  readonly turns: SetupTurns
  /** Nothing begins before `complete` is called. */
  readonly waits: boolean
  /** The conversation of 02 §2. */
  readonly converse: typeof setUpPair
  /** Lower ones in tests. */
  readonly limits?: SetupLimits
  /** The setup with this peer is gone: what was made ahead with it goes in the same turn. */
  readonly onRetired: (peer: PartyIndex) => void
  readonly onReady: (peer: PartyIndex) => void
  /** A defect of ours, not a fault of a party. */
  readonly onError: (error: unknown) => void
}

/** One setup with every other guest of an epoch, made eagerly, kept in memory alone (02 §2.7). A guest that is no member has none. */
export class PairSetups {
  readonly #init: PairSetupsInit
  readonly #pairs: readonly Pair[]
  readonly #leaveTurns: () => void
  readonly #completing = new Set<PromiseWithResolvers<void>>()
  #waits: boolean
  #disarm: () => void = () => undefined
  #closed = false

  constructor(init: PairSetupsInit) {
    this.#init = init
    const { committee, router } = init
    this.#waits = init.waits
    this.#leaveTurns = init.turns.join(() => this.#schedule())
    this.#pairs = (isMember(committee) ? otherGuests(committee) : []).map(
      (peer) => new Pair(peer, Buffer.compare(committee.me.id, peer.id) < 0),
    )
    router.on(MESSAGE_TYPES.accept, (from, { session }) => router.find(session)?.accept(from))
  }

  /** Peers whose hosts are connected now. */
  links(up: readonly PartyIndex[]): void {
    const now = this.#init.clock.monotonicMs()
    for (const pair of this.#pairs) {
      const isUp = up.includes(pair.peer.index)
      if (isUp && !pair.up) pair.fresh(now)
      pair.up = isUp
    }
    this.#schedule()
  }

  /**
   * Begins. Resolves when there is a setup with every guest that is not banned; rejects
   * with `SetupFailed` for one that fails three times, cheats or is suspended, and with `ProtocolError` at the end.
   */
  complete(): Promise<void> {
    const done = Promise.withResolvers<void>()
    if (this.#closed) done.reject(cancelled())
    else this.#completing.add(done)
    this.begin()
    this.#look()
    return done.promise
  }

  /** Begins, where it was told to wait. */
  begin(): void {
    this.#waits = false
    this.#schedule()
  }

  /** The peer's memory is gone: so is its half of the setup. */
  restarted(peer: PartyIndex): void {
    this.retire(peer, 'generation')
    this.#of(peer)?.fresh(this.#init.clock.monotonicMs())
    this.#schedule()
  }

  /** Opens of pair setups, from lo, and asks for one, from hi. */
  take(from: PartyIndex, letter: Letter): void {
    const pair = this.#of(from)
    if (pair === undefined) return
    try {
      const opening = PairOpening.decode(letter.body)
      if (this.#init.isBanned(from)) this.#refuse(from, letter)
      else if (opening.kind === 'ask') this.#takeAsk(pair, opening.last)
      else this.#takeOpen(pair, opening, letter.session)
    } catch (cause) {
      if (!(cause instanceof DecodeError)) throw cause // bytes that are no opening open nothing
    }
  }

  /**
   * My setups with all of `peers`, for so many executions in each direction, which are counted; undefined while
   * one is missing.
   */
  withAll(
    peers: readonly PartyIndex[],
    executions = 1,
  ): ReadonlyMap<PartyIndex, PairSetup> | undefined {
    const found = new Map<PartyIndex, PairSetup>()
    for (const peer of peers) {
      const setup = this.#usable(peer)
      if (setup === undefined) return undefined
      found.set(peer, setup)
    }
    for (const peer of peers) this.#of(peer)?.used(executions)
    return found
  }

  /** My setup with this peer, for so many executions in each direction, which are counted. */
  withPeer(peer: PartyIndex, executions: number): PairSetup | undefined {
    const setup = this.#usable(peer)
    if (setup !== undefined) this.#of(peer)?.used(executions)
    return setup
  }

  /** The id of the setup that may be used with this peer now. */
  setupId(peer: PartyIndex): Uint8Array | undefined {
    return this.#usable(peer)?.setupId
  }

  missing(peers: readonly PartyIndex[]): PartyIndex[] {
    return peers.filter((peer) => this.#usable(peer) === undefined)
  }

  /** Ends what uses the setup and wipes it, all in this turn: whoever uses it asks its gate first. */
  retire(peer: PartyIndex, reason: 'banned' | 'generation'): void {
    const pair = this.#of(peer)
    if (pair === undefined) return
    pair.setup?.gate.close(reason)
    // Nothing is wrong with what runs: here it ends as cancelled, so that it renews nothing once more. After
    // a ban everyone is told the same of every session, so that the peer learns not which one it was.
    const banned = reason === 'banned'
    const tellAs = banned ? 'aborted' : reason
    for (const session of this.#init.router.sessionsWith(peer))
      if (banned || USES_SETUPS.has(session.spec.kind))
        session.end({ kind: 'cancelled', round: 'session/open' }, tellAs)
    if (pair.setup !== undefined) this.#wipe(pair.setup)
    pair.setup = undefined
    this.#init.onRetired(peer)
    if (reason !== 'banned') return
    pair.asked = undefined
    this.#reject(new SetupFailed(peer))
  }

  /**
   * The two halves do not fit (02 §12, `generation`): made anew. Only for a session that was opened since
   * the present setup exists; what an older one found is settled by this one.
   */
  renew(peer: PartyIndex, openedMs: number): void {
    const pair = this.#of(peer)
    if (pair?.setup === undefined || openedMs < pair.readySince) return
    this.retire(peer, 'generation')
    this.#schedule()
  }

  states(): { party: PartyIndex; state: PairState }[] {
    const now = this.#init.clock.monotonicMs()
    for (const { peer } of this.#pairs) this.#usable(peer.index)
    return this.#pairs.map((pair) => ({
      party: pair.peer.index,
      state: pair.state(this.#init.isBanned(pair.peer.index), now),
    }))
  }

  close(): void {
    this.#closed = true
    this.#disarm()
    this.#leaveTurns()
    this.#reject(cancelled())
    for (const { peer } of this.#pairs) this.retire(peer.index, 'generation')
  }

  /** The setup, if it may be used: one that is too old or worn out is retired, and made anew. */
  #usable(peer: PartyIndex): PairSetup | undefined {
    const pair = this.#of(peer)
    if (pair?.setup === undefined || this.#init.isBanned(peer)) return undefined
    const { clock, limits = LIMITS } = this.#init
    if (!pair.isWorn(limits, clock.monotonicMs())) return pair.setup
    this.retire(peer, 'generation')
    this.#schedule()
    return undefined
  }

  /** Starts what may start, in order of the peers' x, and rings again when the next may. */
  #schedule(): void {
    this.#disarm()
    if (this.#closed || this.#waits) return
    const { turns } = this.#init
    const now = this.#init.clock.monotonicMs()
    let next = Number.POSITIVE_INFINITY
    for (const pair of this.#pairs) {
      if (!pair.up || pair.running || this.#init.isBanned(pair.peer.index)) continue
      const { asked } = pair
      if (asked !== undefined && asked.at + ACCEPT_MS <= now) pair.asked = undefined
      const wanted = pair.lo ? pair.setup === undefined : pair.asked !== undefined
      const due = Math.max(this.#notBefore(pair), pair.suspendedUntil)
      if (wanted && due > now) next = Math.min(next, due)
      else if (wanted && !turns.isFull) this.#launch(pair, now)
      else if (!pair.lo && pair.setup === undefined && pair.asked === undefined) {
        if (pair.askAgainAt <= now) this.#ask(pair, now)
        next = Math.min(next, pair.askAgainAt)
      }
    }
    if (next < Number.POSITIVE_INFINITY)
      this.#disarm = this.#init.clock.after(Math.max(next - now, 1), () => this.#schedule())
  }

  #notBefore({ peer, notBefore }: Pair): number {
    const { turns, committee } = this.#init
    return Math.max(notBefore, turns.notBefore(peer.index, committee.setupsPerHour))
  }

  #launch(pair: Pair, now: number): void {
    const { tell, turns } = this.#init
    turns.take(pair)
    pair.running = true
    turns.started(pair.peer.index, now)
    tell('PAIR_STARTED', pair.peer.index)
    const run = pair.lo ? this.#lead(pair) : this.#follow(pair)
    run
      .then(
        (setup) => this.#succeeded(pair, setup),
        (error: unknown) => this.#failed(pair, error),
      )
      .finally(() => {
        pair.running = false
        pair.session = undefined
        turns.leave(pair)
        this.#schedule()
      })
  }

  /** lo: opens, and says P1 only when hi has a slot as well. */
  async #lead(pair: Pair): Promise<PairSetup> {
    const { router, random } = this.#init
    const attempt = ++pair.attempt
    const nonce = random(32)
    const session = this.#open(pair, attempt, this.#instance(pair, attempt, nonce), ACCEPT_MS)
    const body = PairOpening.encode({ kind: 'open', attempt, nonce })
    return router.conduct(session, async (party) => {
      await this.#openUntilAccepted(pair, session, openLetter(session, body))
      this.#takeSlot(pair)
      router.rearm(session, this.#deadlineMs)
      return this.#converse(party, pair, attempt)
    })
  }

  /** The same letter again and again: to hi, a second copy is the first one. */
  async #openUntilAccepted(pair: Pair, session: Session, letter: Letter): Promise<void> {
    const { router, clock } = this.#init
    let again: () => void = () => undefined
    const ring = () => {
      again = clock.after(REOPEN_MS, ring)
      // Whoever is silent keeps no place that another peer could have.
      this.#init.turns.leave(pair)
      void router.sendFor(session, pair.peer.index, letter)
    }
    await router.sendFor(session, pair.peer.index, letter)
    again = clock.after(REOPEN_MS, ring)
    try {
      await session.accepted()
    } finally {
      again()
    }
  }

  /** A late accept, while two others run: both give up at once, and lo opens anew when it has a slot. */
  #takeSlot(pair: Pair): void {
    const { turns } = this.#init
    pair.crowded = !turns.has(pair) && turns.isFull
    if (pair.crowded) throw new ProtocolError({ kind: 'cancelled', round: 'session/open' })
    turns.take(pair)
  }

  /** hi: has a slot now, says so, and begins. */
  async #follow(pair: Pair): Promise<PairSetup> {
    const { router } = this.#init
    const { asked } = pair
    if (asked === undefined) throw new Error('bug: nobody opened this pair setup')
    pair.asked = undefined
    const session = this.#open(pair, asked.attempt, asked.instanceId, FIRST_MS)
    const since = this.#init.clock.monotonicMs()
    void session.heard().then(() => {
      const passed = this.#init.clock.monotonicMs() - since
      router.rearm(session, this.#deadlineMs - passed)
    })
    return router.conduct(session, async (party) => {
      await router.sendFor(session, pair.peer.index, acceptLetter(session))
      return this.#converse(party, pair, asked.attempt)
    })
  }

  #converse(party: Parameters<typeof setUpPair>[0], pair: Pair, attempt: number) {
    const { committee, kernel, random, converse } = this.#init
    const { networkId, epochId, me: mine } = committee
    const session = pair.session
    const breathe = async () => {
      await nextTurn()
      session?.assertRunning(session.round) // whoever gave up need not work on
    }
    const context = { networkId, epochId, attempt, mine, theirs: pair.peer, breathe }
    return converse(party, kernel, random, context)
  }

  #open(pair: Pair, attempt: number, instance: Uint8Array, deadlineMs: number): Session {
    const { router, committee } = this.#init
    pair.lastInstance = instance
    const everyone = [committee.me.index, pair.peer.index].sort((a, b) => a - b)
    const spec = { kind: KINDS.pairSetup, instanceId: instance, attempt, everyone, deadlineMs }
    const session = router.open(spec)
    if (typeof session === 'string')
      throw new ProtocolError({ kind: 'cancelled', round: 'session/open' })
    pair.session = session
    return session
  }

  #instance(pair: Pair, attempt: number, coordinatorNonce: Uint8Array): Uint8Array {
    const { networkId, epochId, me } = this.#init.committee
    const participants = [me, pair.peer]
    const kind = KINDS.pairSetup
    const form = FORMS.none
    return instanceId({ kind, networkId, epochId, participants, form, attempt, coordinatorNonce })
  }

  #succeeded(pair: Pair, setup: PairSetup): void {
    const { tell, isBanned, clock } = this.#init
    if (this.#closed || isBanned(pair.peer.index)) {
      this.#wipe(setup)
      return
    }
    this.retire(pair.peer.index, 'generation') // sessions on the older one end with it
    pair.setup = setup
    pair.succeeded(clock.monotonicMs())
    tell('PAIR_READY', pair.peer.index)
    this.#init.onReady(pair.peer.index)
    this.#look()
  }

  #failed(pair: Pair, error: unknown): void {
    const { tell, clock } = this.#init
    const kind = error instanceof ProtocolError ? error.fault.kind : undefined
    const now = clock.monotonicMs()
    if (pair.crowded) {
      pair.crowded = false
      return
    }
    tell('PAIR_FAILED', pair.peer.index)
    if (pair.failed(kind, now)) tell('PAIR_SUSPENDED', pair.peer.index)
    if (!(error instanceof ProtocolError)) this.#init.onError(error)
    if (!pair.lo) pair.askAgainAt = Math.max(this.#notBefore(pair), now)
    const isLost = pair.failures >= MAX_FAILURES || pair.suspendedUntil > now
    if (isLost) this.#reject(new SetupFailed(pair.peer.index))
  }

  #takeOpen(
    pair: Pair,
    { attempt, nonce }: { readonly attempt: number; readonly nonce: Uint8Array },
    session: Uint8Array,
  ): void {
    if (pair.lo) return // lo opens, hi never does
    const instance = this.#instance(pair, attempt, nonce)
    if (!Buffer.from(instance).equals(session)) return
    const { session: running, lastInstance } = pair
    const known = lastInstance !== null && Buffer.from(lastInstance).equals(instance)
    if (known && running !== undefined)
      void this.#init.router.sendFor(running, pair.peer.index, acceptLetter(running))
    else if (known) this.#tellOver(pair, session, attempt)
    if (known) return
    // lo has given up the attempt that still runs here.
    running?.end({ kind: 'cancelled', round: 'session/open' })
    const at = this.#init.clock.monotonicMs()
    pair.asked = { instanceId: instance, attempt, nonce, at }
    pair.up = true // it reached us
    this.#schedule()
  }

  #takeAsk(pair: Pair, last: Uint8Array | null): void {
    const { setup, lastInstance, readySince } = pair
    if (!pair.lo) return
    const mine = last !== null && lastInstance !== null && Buffer.from(last).equals(lastInstance)
    // hi asks only when nothing runs there: what it has seen and does not run is over.
    if (mine) pair.session?.end({ kind: 'cancelled', round: 'session/open' })
    if (pair.running) return
    const old = readySince + ASK_MAY_BE_LATE_MS < this.#init.clock.monotonicMs()
    if (setup !== undefined && (mine || old)) this.retire(pair.peer.index, 'generation')
    this.#schedule()
  }

  #ask(pair: Pair, now: number): void {
    pair.askAgainAt = now + ASK_EVERY_MS
    const body = PairOpening.encode({ kind: 'ask', last: pair.lastInstance })
    const letter = { session: new Uint8Array(32), attempt: 0, round: 0, body }
    void this.#init.router.send(pair.peer.index, { ...letter, type: MESSAGE_TYPES.open })
  }

  /** lo still waits for an attempt that ended here: its abort was lost. */
  #tellOver(pair: Pair, session: Uint8Array, attempt: number): void {
    const body = encodeAbort({ kind: 'cancelled', round: 'session/open' })
    const letter = { session, attempt, round: 0, type: MESSAGE_TYPES.abort, body }
    void this.#init.router.send(pair.peer.index, letter)
  }

  /** A banned peer gets no further oblivious transfer, and is told so (02 §2.8). */
  #refuse(from: PartyIndex, { session, attempt }: Letter): void {
    const fault = { kind: 'banned', round: 'session/open', from } as const
    const body = encodeAbort(fault)
    const letter = { session, attempt, round: 0, type: MESSAGE_TYPES.abort, body }
    void this.#init.router.send(from, letter)
  }

  /** Whether whoever waits for all setups has them. */
  #look(): void {
    const { isBanned } = this.#init
    const missing = this.#pairs.filter(({ peer: { index }, setup }) => !isBanned(index) && !setup)
    if (missing.length > 0) return
    for (const done of this.#completing) done.resolve()
    this.#completing.clear()
  }

  #reject(error: Error): void {
    for (const done of this.#completing) done.reject(error)
    this.#completing.clear()
  }

  #wipe({ alice, bob, zeta, gate }: PairSetup): void {
    gate.close('generation')
    for (const handle of [alice, bob, zeta]) this.#init.kernel.wipe(handle)
  }

  #of(peer: PartyIndex): Pair | undefined {
    return this.#pairs.find((pair) => pair.peer.index === peer)
  }

  get #deadlineMs(): number {
    const { kernel, committee } = this.#init
    return kernel.name === 'reference' && committee.development ? SETUP_MS_REFERENCE : SETUP_MS
  }
}

const cancelled = (): ProtocolError =>
  new ProtocolError({ kind: 'cancelled', round: 'session/open' })

const openLetter = ({ spec }: Session, body: Uint8Array): Letter => ({
  session: spec.instanceId,
  attempt: spec.attempt,
  round: 0,
  type: MESSAGE_TYPES.open,
  body,
})

const acceptLetter = (session: Session): Letter => ({
  ...openLetter(session, new Uint8Array()),
  type: MESSAGE_TYPES.accept,
})
