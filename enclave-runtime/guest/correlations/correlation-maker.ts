import { MAX_BATCH } from '../../../protocols/correlations/messages.ts'
import type { produceCorrelations } from '../../../protocols/correlations/produce.ts'
import type { Breathe } from '../../../protocols/crypto/breathe.ts'
import type { Random } from '../../../protocols/crypto/random.ts'
import type { Kernel } from '../../../protocols/kernel/kernel.ts'
import type { PairSetup } from '../../../protocols/pair-setup/set-up-pair.ts'
import { DecodeError } from '../../../protocols/session/codec.ts'
import { type PartyIndex, ProtocolError } from '../../../protocols/session/faults.ts'
import { type Guest, isLess } from '../../../protocols/session/guest.ts'
import { FORMS, instanceId, KINDS } from '../../../protocols/session/instance.ts'
import { MESSAGE_TYPES } from '../../../protocols/session/numbers.ts'
import type { Party } from '../../../protocols/session/round.ts'
import type { Background, Cost } from '../background/background.ts'
import { meteredKernel } from '../background/metered-kernel.ts'
import { meteredParty } from '../background/metered-party.ts'
import { type Committee, otherGuests } from '../committee.ts'
import type { PairSetups } from '../pairs/pair-setups.ts'
import type { Holdings } from '../sessions/abort-kinds.ts'
import type { Answers } from '../sessions/answers.ts'
import type { ChoiceRoom } from '../sessions/choice-room.ts'
import type { Clock } from '../sessions/clock.ts'
import { Declined, type Followers } from '../sessions/followers.ts'
import { openEverywhere } from '../sessions/lead-session.ts'
import type { Letter } from '../sessions/post.ts'
import type { Session } from '../sessions/session.ts'
import type { SessionRouter } from '../sessions/session-router.ts'
import type { GuestSettings } from '../settings.ts'
import { decodeHeld, encodeHeld } from './correlation-holdings.ts'
import {
  type CorrelationOpening,
  decodeCorrelationOpening,
  encodeCorrelationOpening,
} from './correlation-opening.ts'
import type { CorrelationStock } from './correlation-stock.ts'
import { ShortOfLo } from './short-of-lo.ts'

/** 02 §11. */
const BATCH_MS = 30_000
/** The room, or the turn, of a batch that runs now: it takes a few crossings. */
const BUSY_MS = 100
/** Another guest is asked again so soon at most, and so late at least, whatever its share says. */
const NOT_BEFORE_MS = 20
const NOT_AFTER_MS = 500
/** The peer makes none: somebody may change that. */
const SWITCHED_OFF_MS = 60_000
const FIRST_REST_MS = 1_000
const LONGEST_REST_MS = 60_000
/** What hi says it holds is heard so often: a hostile one could have everything made again and again. */
const HEAR_EVERY_MS = 2_500
/** Of one correlation: what each side sends, and computes (02 §4.3). */
const BYTES = 58_480
const CPU_MS = { wasm: 2, reference: 62 } as const

interface Making {
  readonly guest: Guest
  /** I am lo of this pair: I name, so I know what is short, and begin. */
  readonly lo: boolean
  /** A batch runs, begun by either side. */
  running: boolean
  batches: number
  /** The largest batch that the peer had room for. */
  most: number
  restMs: number
  notBefore: number
  /** When lo last heard from hi what it holds, in monotonic ms. */
  heardAt: number
}

export interface CorrelationMakerInit {
  readonly committee: Committee
  readonly router: SessionRouter
  readonly answers: Answers
  readonly followers: Followers
  readonly room: ChoiceRoom
  readonly pairs: PairSetups
  readonly stock: CorrelationStock
  readonly background: Pick<Background, 'offer' | 'admit' | 'admittedIn'>
  readonly kernel: Kernel
  readonly random: Random
  readonly clock: Clock
  readonly bootId: Uint8Array
  readonly peerBootId: (peer: PartyIndex) => Uint8Array | undefined
  readonly isBanned: (peer: PartyIndex) => boolean
  readonly settings: GuestSettings['correlations']
  /** Between two parts of a long computation. */
  readonly breathe: Breathe
  /** The conversation of 02 §4.3. */
  readonly converse: typeof produceCorrelations
}

/**
 * Keeps the correlations of every pair near the upper of two marks (02 §4.3): a batch is made as soon as a whole
 * one is missing, and at once below the lower one. Only lo of a pair begins; what hi begins is
 * joined unless lo's own batch runs, which goes first (02 §4.4).
 */
export class CorrelationMaker {
  readonly #init: CorrelationMakerInit
  readonly #pairs: ReadonlyMap<PartyIndex, Making>
  /** Of each pair, the next look at its level. */
  readonly #bells = new Map<PartyIndex, () => void>()
  readonly #short: ShortOfLo
  /** Two epochs may fill at once. */
  readonly #epoch: string
  #closed = false

  constructor(init: CorrelationMakerInit) {
    this.#init = init
    const { me, epoch } = init.committee
    this.#epoch = `${epoch.e}.${epoch.k}`
    const fresh = {
      running: false,
      batches: 0,
      most: MAX_BATCH,
      restMs: FIRST_REST_MS,
      notBefore: 0,
      heardAt: Number.NEGATIVE_INFINITY,
    }
    this.#pairs = new Map(
      otherGuests(init.committee).map((guest) => [
        guest.index,
        { guest, lo: isLess(me.id, guest.id), ...fresh },
      ]),
    )
    this.#short = new ShortOfLo({
      clock: init.clock,
      isShort: (peer) => this.#waitsForLo(peer),
      tell: (peer) => this.#tellHeld(peer),
    })
  }

  /** The setup with this peer is ready: whatever was in the way before is over. */
  ready(peer: PartyIndex): void {
    const making = this.#pairs.get(peer)
    if (making === undefined) return
    making.notBefore = 0
    making.restMs = FIRST_REST_MS
    this.refill(peer)
  }

  /**
   * Offers one batch to the background, if this pair is short of correlations and it is ours to begin; where it
   * is lo's, lo is told if nothing comes for long.
   */
  refill(peer: PartyIndex): void {
    const { stock, settings, pairs, background, clock } = this.#init
    const high = Math.min(settings.high, stock.most)
    const making = this.#pairs.get(peer)
    if (making === undefined || this.#closed) return
    if (!making.lo) {
      this.#short.look(peer)
      return
    }
    const level = stock.level(peer)
    // Above the lower mark only whole batches: a batch of few costs as many letters as one of sixteen.
    const isWanted = level < Math.min(settings.low, high) || high - level >= MAX_BATCH
    const count = this.#count(peer)
    if (!isWanted || !stock.gains(peer, count) || making.running) return // else it would replace what is there
    if (making.notBefore > clock.monotonicMs()) {
      if (!this.#bells.has(peer)) this.#again(making) // a bell may ring a little early
      return
    }
    if (pairs.missing([peer]).length > 0) return // `ready` comes
    const cost = this.#costOf(count)
    const run = (signal: AbortSignal, spent: (cost: Partial<Cost>) => void) =>
      this.#begin(making, signal, spent)
    const kind = 'correlations'
    const urgency = () => (this.#isUrgent(peer) ? 'urgent' : undefined)
    const job = {
      ...({ kind, key: `${kind}/${this.#epoch}/${peer}`, ...cost, run } as const),
      get urgency() {
        return urgency()
      },
    }
    if (background.offer(job)) return
    if (!this.#bells.has(peer)) this.#ring(peer, FIRST_REST_MS) // it waits or runs already, or there is no room
  }

  /** Another guest begins a batch. */
  take(from: PartyIndex, letter: Letter): void {
    const { followers } = this.#init
    followers.take('correlations', from, letter, (begun) => this.#follow(from, letter, begun))
  }

  /** hi says what it holds. While a batch runs it may not know of that one yet: it will say so again. */
  takeHeld(from: PartyIndex, letter: Letter): void {
    const { stock, clock, peerBootId } = this.#init
    const making = this.#pairs.get(from)
    const now = clock.monotonicMs()
    if (making === undefined || !making.lo || making.running) return
    if (making.heardAt + HEAR_EVERY_MS > now) return
    const holdings = heldIn(letter.body)
    const boot = peerBootId(from)
    if (holdings === undefined || boot === undefined) return
    if (Buffer.compare(holdings.bootId, boot) !== 0) return
    making.heardAt = now
    stock.agree(from, holdings)
  }

  close(): void {
    this.#closed = true
    this.#short.close()
    for (const disarm of this.#bells.values()) disarm()
    this.#bells.clear()
  }

  /** The next requests with this peer would multiply themselves. */
  #isUrgent(peer: PartyIndex): boolean {
    const { settings, stock } = this.#init
    return stock.level(peer) < Math.min(settings.low, stock.most)
  }

  #waitsForLo(peer: PartyIndex): boolean {
    const { pairs } = this.#init
    const isOver = this.#pairs.get(peer)?.running === false
    return isOver && this.#isUrgent(peer) && pairs.missing([peer]).length === 0
  }

  #tellHeld(peer: PartyIndex): void {
    const { stock, router } = this.#init
    const holdings = stock.holdings(peer)
    if (holdings === undefined) return
    const letter = { session: new Uint8Array(32), attempt: 0, round: 0, body: encodeHeld(holdings) }
    void router.send(peer, { ...letter, type: MESSAGE_TYPES.open }) // lost with the link: it comes again
  }

  #count(peer: PartyIndex): number {
    const { settings, stock } = this.#init
    return Math.min(MAX_BATCH, Math.min(settings.high, stock.most) - stock.level(peer))
  }

  async #begin(
    making: Making,
    signal: AbortSignal,
    spent: (cost: Partial<Cost>) => void,
  ): Promise<void> {
    spent({}) // from here on it is measured
    const { committee, pairs, room, clock } = this.#init
    const { index } = making.guest
    const count = Math.min(this.#count(index), making.most, Math.max(1, room.batch))
    if (making.running || count <= 0) return
    const leave = room.take('ahead', committee.me.index, count)
    const setup = leave && pairs.withPeer(index, count)
    if (setup === undefined) {
      leave?.()
      this.#ring(index, BUSY_MS)
      return
    }
    making.running = true
    try {
      await this.#lead(making, setup, count, signal, spent)
      making.restMs = FIRST_REST_MS
      making.notBefore = 0
      making.most = MAX_BATCH
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error
      const now = clock.monotonicMs()
      if (making.notBefore <= now) {
        making.notBefore = now + making.restMs
        making.restMs = Math.min(2 * making.restMs, LONGEST_REST_MS)
      }
    } finally {
      leave?.()
      making.running = false
      this.#again(making)
    }
  }

  /** The next batch, once this job is over and whatever was in the way has passed. */
  #again({ guest: { index }, notBefore }: Making): void {
    this.#ring(index, Math.max(1, notBefore - this.#init.clock.monotonicMs()))
  }

  #ring(peer: PartyIndex, ms: number): void {
    if (this.#closed) return
    this.#bells.get(peer)?.()
    const disarm = this.#init.clock.after(Math.ceil(ms), () => {
      this.#bells.delete(peer)
      this.refill(peer)
    })
    this.#bells.set(peer, disarm)
  }

  async #lead(
    making: Making,
    setup: PairSetup,
    count: number,
    signal: AbortSignal,
    spent: (cost: Partial<Cost>) => void,
  ): Promise<void> {
    const { router, answers, random, clock } = this.#init
    const opening = { batchNo: ++making.batches, count, nonce: random(32) }
    const session = this.#open(making, opening)
    if (typeof session === 'string') throw cancelled()
    const stop = (): void => session.end({ kind: 'cancelled', round: 'session/open' })
    signal.addEventListener('abort', stop, { once: true })
    const heard = answers.watch(session, () => false)
    try {
      await router.conduct(session, (party) =>
        openEverywhere(router, session, encodeCorrelationOpening(opening), party, () =>
          this.#produce(party, making, setup, opening, true, spent),
        ),
      )
    } catch (error) {
      const [notYet] = heard.notYet
      if (notYet?.reason === 'overloaded') making.most = Math.max(1, count >> 1)
      if (notYet !== undefined) making.notBefore = clock.monotonicMs() + notYet.retryAfterMs
      throw error
    } finally {
      answers.unwatch(session)
      signal.removeEventListener('abort', stop)
    }
  }

  async #follow(
    from: PartyIndex,
    letter: Letter,
    begun: (session: Session) => void,
  ): Promise<void> {
    const { pairs, background, room, router, isBanned, settings } = this.#init
    const opening = decodeCorrelationOpening(letter.body)
    const making = this.#pairs.get(from)
    const same = making && Buffer.from(this.#instance(making, opening)).equals(letter.session)
    if (making === undefined || !same || letter.attempt !== 0)
      throw new Declined({ kind: 'abort', fault: { kind: 'binding', round: 'session/open', from } })
    if (isBanned(from))
      throw new Declined({ kind: 'abort', fault: { kind: 'banned', round: 'session/open', from } })
    if (settings.high === 0) throw later('overloaded', SWITCHED_OFF_MS)
    if (making.running) throw later('busy')
    if (pairs.missing([from]).length > 0) throw later('setup-missing') // before it is paid for
    const leave = room.take('ahead', from, opening.count)
    if (leave === undefined) throw later('overloaded')
    const isUrgent = this.#isUrgent(from)
    const cost = this.#costOf(opening.count)
    const ended = background.admit(from, cost, isUrgent)
    if (ended === undefined) {
      leave()
      const wait = Math.ceil(background.admittedIn(from, cost, isUrgent))
      throw later('busy', Math.min(Math.max(wait, NOT_BEFORE_MS), NOT_AFTER_MS))
    }
    const took = { bytes: 0, cpuMs: 0 }
    try {
      const setup = pairs.withPeer(from, opening.count)
      if (setup === undefined) throw later('setup-missing')
      const session = this.#open(making, opening)
      if (typeof session === 'string') throw later('overloaded')
      making.running = true
      begun(session)
      await router.conduct(session, (party) =>
        this.#produce(party, making, setup, opening, false, ({ bytes = 0, cpuMs = 0 }) => {
          took.bytes += bytes
          took.cpuMs += cpuMs
        }),
      )
    } finally {
      leave()
      ended(took)
      if (making.running) this.#again(making)
      making.running = false
    }
  }

  /** The conversation; what it made is in the stock before anything else has a turn. */
  async #produce(
    party: Party,
    { guest }: Making,
    pair: PairSetup,
    { batchNo, count }: CorrelationOpening,
    initiator: boolean,
    spent: (cost: Partial<Cost>) => void,
  ): Promise<void> {
    const { committee, kernel, random, clock, stock, bootId, peerBootId, converse } = this.#init
    const { networkId, epochId, me: mine } = committee
    const theirBoot = peerBootId(guest.index)
    if (theirBoot === undefined) throw cancelled() // whoever answers says it first
    const metered = meteredKernel(
      kernel,
      () => clock.monotonicMs(),
      (cpuMs) => spent({ cpuMs }),
    )
    try {
      const counted = meteredParty(party, (bytes) => spent({ bytes }))
      const batch = await converse(counted, metered, random, {
        networkId,
        epochId,
        mine,
        theirs: guest,
        pair,
        bootId,
        peerBootId: theirBoot,
        batchNo,
        count,
        initiator,
        breathe: this.#init.breathe,
        awaited: ({ claim, correlations: items }) =>
          stock.await(guest.index, { bootId: theirBoot, batchNo, items }, claim),
      })
      stock.awaitNoMore(guest.index, batchNo)
      stock.add(guest.index, { bootId: theirBoot, batchNo, items: batch.correlations })
    } finally {
      stock.awaitNoMore(guest.index, batchNo)
    }
  }

  #open({ guest }: Making, opening: CorrelationOpening): Session | 'reused' | 'overloaded' {
    const { router, committee } = this.#init
    return router.open({
      kind: KINDS.correlations,
      instanceId: this.#instance({ guest }, opening),
      attempt: 0,
      everyone: [committee.me.index, guest.index].sort((a, b) => a - b),
      deadlineMs: BATCH_MS,
    })
  }

  #instance({ guest }: Pick<Making, 'guest'>, { nonce }: CorrelationOpening): Uint8Array {
    const { networkId, epochId, me } = this.#init.committee
    return instanceId({
      kind: KINDS.correlations,
      networkId,
      epochId,
      participants: [me, guest],
      form: FORMS.none,
      attempt: 0,
      coordinatorNonce: nonce,
    })
  }

  #costOf(count: number): Cost {
    return { bytes: count * BYTES, cpuMs: count * CPU_MS[this.#init.kernel.name] }
  }
}

function heldIn(body: Uint8Array): Holdings | undefined {
  try {
    return decodeHeld(body)
  } catch (cause) {
    if (!(cause instanceof DecodeError)) throw cause
    return undefined
  }
}

const later = (
  reason: 'busy' | 'overloaded' | 'setup-missing',
  retryAfterMs: number = BUSY_MS,
): Declined => new Declined({ kind: 'notYet', reason, retryAfterMs })

const cancelled = (): ProtocolError =>
  new ProtocolError({ kind: 'cancelled', round: 'session/open' })
