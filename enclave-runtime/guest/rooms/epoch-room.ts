import type { PartyIndex } from '../../../protocols/session/faults.ts'
import { MESSAGE_TYPES } from '../../../protocols/session/numbers.ts'
import type { Priority } from '../../port/messages.ts'
import { type Committee, isMember, otherGuests } from '../committee.ts'
import { HELD } from '../correlations/correlation-holdings.ts'
import { CorrelationMaker } from '../correlations/correlation-maker.ts'
import { CorrelationStock } from '../correlations/correlation-stock.ts'
import type { EpochName } from '../epochs/epoch-work.ts'
import { nextTurn } from '../pairs/next-turn.ts'
import { PairSetups } from '../pairs/pair-setups.ts'
import type { RoomBans } from '../pairs/room-bans.ts'
import type { Records } from '../records.ts'
import { answerTo, encodeNotYet } from '../sessions/answer-letters.ts'
import { Answers } from '../sessions/answers.ts'
import { Followers } from '../sessions/followers.ts'
import { openingName } from '../sessions/opening.ts'
import type { Letter } from '../sessions/post.ts'
import { SessionRouter } from '../sessions/session-router.ts'
import { settlement } from '../sessions/settle.ts'
import type { GuestState } from './guest-state.ts'
import { REQUEST_OPENINGS, RequestRoom } from './request-room.ts'
import type { RoomPlan, RoomPost } from './room-plan.ts'

/** Whoever opened something here is ahead of this guest, or behind it, for about as long. */
const BEHIND_MS = 500

type Handler = (from: PartyIndex, letter: Letter) => void

/** What belongs to one epoch, or to one attempt at it: whom this guest speaks with, and what it holds with them. */
export class EpochRoom {
  readonly plan: RoomPlan
  readonly committee: Committee
  readonly records: Records
  readonly post: RoomPost
  readonly router: SessionRouter
  readonly answers: Answers
  readonly followers: Followers
  readonly bans: RoomBans
  /** None of a guest that is no member of the epoch. */
  readonly pairs: PairSetups
  readonly correlations: CorrelationStock
  readonly #maker: CorrelationMaker
  readonly #state: GuestState
  readonly #openings = new Map<string, Handler>()
  #requests: RequestRoom | undefined
  #isRetired = false
  /** Whether correlations are made for it. */
  #fills = false
  #up: ReadonlySet<PartyIndex> = new Set()

  constructor(state: GuestState, plan: RoomPlan) {
    const { init, bans, turns, choices, background, conversations, strikes } = state
    const { kernel, random, clock, tell, bootId, settings } = init
    const { committee } = plan
    const { index: me } = committee.me
    this.#state = state
    this.plan = plan
    this.committee = committee
    this.records = init.recordsOf(committee.epoch)
    const post = init.connect(plan)
    this.post = post
    const onError = (error: unknown) => state.defect(error)
    const router = new SessionRouter({ me, post, clock, onError })
    this.router = router
    this.answers = new Answers(router)
    const size = plan.channelMembers.length
    this.followers = new Followers({ router, kernel, clock, size, onError })
    this.bans = bans.join({
      committee,
      unban: plan.unban,
      tellAll: (letter) => {
        for (const { index } of otherGuests(committee)) void router.send(index, letter)
      },
      send: (to, letter) => void router.send(to, letter),
      retire: (peer) => this.pairs.retire(peer, 'banned'),
      onOthers: (pair) => this.#requests?.dropWithBoth(pair),
    })
    const isBanned = (peer: PartyIndex) => this.bans.isBanned(me, peer)
    this.pairs = new PairSetups({
      ...{ committee, router, kernel, random, clock, tell, isBanned, turns, onError },
      waits: plan.isForming,
      onReady: (peer) => {
        if (this.#fills) this.#maker.ready(peer)
      },
      onRetired: (peer) => {
        this.correlations.drop(peer)
        this.#requests?.dropWith(peer)
      },
      converse: conversations.setUpPair,
      ...(init.setupLimits && { limits: init.setupLimits }),
    })
    this.correlations = new CorrelationStock({
      committee,
      clock,
      bootId,
      wipe: (secret) => kernel.wipe(secret),
      onTaken: (peer) => this.#refill(peer),
    })
    this.#maker = new CorrelationMaker({
      ...{ committee, router, kernel, random, clock, bootId, isBanned, background },
      answers: this.answers,
      followers: this.followers,
      room: choices,
      pairs: this.pairs,
      stock: this.correlations,
      peerBootId: (peer) => post.facts(peer)?.bootId,
      settings: settings.correlations,
      breathe: nextTurn,
      converse: conversations.produceCorrelations,
    })
    post.onMalformed((peer) => {
      tell('PEER_MALFORMED', peer)
      strikes.add(peer, clock.monotonicMs())
    })
    this.#listen()
  }

  get name(): EpochName {
    return this.committee.epoch
  }

  /** What takes requests; undefined before the epoch serves here, and where this guest is no member of it. */
  get requests(): RequestRoom | undefined {
    return this.#requests
  }

  /** Who takes openings of this name, the first item of their body. */
  on(name: string, take: Handler): void {
    this.#openings.set(name, take)
  }

  /**
   * Makes the setups of this guest. Resolves when each pair that is not banned has one; rejects with `SetupFailed`,
   * which names the peer, and with `ProtocolError` when the room is closed.
   */
  setUpPairs(): Promise<void> {
    return this.pairs.complete()
  }

  /** What requests will need may be made before the epoch serves. */
  fillAhead(): void {
    if (this.#fills || this.#isRetired || !isMember(this.committee)) return
    this.#fills = true
    for (const { party, state } of this.pairs.states())
      if (state === 'ready') this.#maker.ready(party)
  }

  /** From now on requests are led here. Idempotent. */
  serve(): void {
    if (this.#requests !== undefined || !isMember(this.committee)) return
    this.#requests = new RequestRoom(this.#state, this)
    this.pairs.begin()
    this.fillAhead()
    this.#requests.links(this.#up)
  }

  /** Another epoch serves: what others open here is followed, and nothing is begun any more. */
  retire(): void {
    this.#isRetired = true
    this.#fills = false
    this.#maker.close()
    this.#requests?.retire()
  }

  get isRetired(): boolean {
    return this.#isRetired
  }

  links(up: readonly PartyIndex[]): void {
    const before = this.#up
    this.#up = new Set(up)
    this.post.links(up)
    for (const party of before) if (!this.#up.has(party)) this.router.unreachable(party)
    this.pairs.links(up)
    for (const party of up) if (!before.has(party)) this.bans.announce(party)
    this.#requests?.links(this.#up)
  }

  /** The host could not carry an envelope to the party: what ran over it has lost a message and ends. */
  unsent(party: PartyIndex, priority: Priority): void {
    this.router.unreachable(party, priority)
  }

  /** Before the shares of this epoch are destroyed: what later epochs need of them. Repeatable. */
  async keepParts(): Promise<void> {
    await this.#requests?.keys.keepParts()
  }

  /** Nothing runs on, and nothing of it stays: presignatures, correlations and setups are wiped. */
  close(): void {
    this.#isRetired = true
    this.#fills = false
    this.#maker.close()
    this.#requests?.close()
    for (const { index } of this.plan.channelMembers) this.router.forget(index)
    this.pairs.close()
    this.bans.leave()
    this.post.close()
  }

  #refill(peer: PartyIndex): void {
    if (this.#fills) this.#maker.refill(peer)
  }

  #listen(): void {
    const { init, bans, strikes } = this.#state
    const { clock } = init
    const { router, pairs, correlations } = this
    router.on(MESSAGE_TYPES.open, (from, letter) => this.#open(from, letter))
    router.on(MESSAGE_TYPES.banNotice, (_from, letter) => {
      this.bans.take(letter).catch((error: unknown) => this.#state.defect(error))
    })
    router.onUnread((from, round, body) => correlations.unread(from, round, body))
    router.holdingsWith((peer) => correlations.holdings(peer))
    router.onRestarted((peer) => {
      init.tell('PEER_RESTARTED', peer)
      pairs.restarted(peer)
    })
    router.settleWith(
      settlement({
        ban: (peer) => this.bans.ban(peer),
        bansSettled: () => bans.settled(),
        strike: (party) => strikes.add(party, clock.monotonicMs()),
        renewPair: (peer, openedMs) => pairs.renew(peer, openedMs),
        corrUnknown: (peer, holdings) => correlations.unknown(peer, holdings),
        halt: (fault) => this.#state.halt(fault),
      }),
    )
    this.on('correlations', (from, letter) => this.#maker.take(from, letter))
    this.on(HELD, (from, letter) => this.#maker.takeHeld(from, letter))
    this.on('pair', (from, letter) => pairs.take(from, letter))
    this.on('pair ask', (from, letter) => pairs.take(from, letter))
  }

  /** What nobody takes opens nothing in this version. */
  #open(from: PartyIndex, letter: Letter): void {
    if (this.#state.isHalted) return
    const name = openingName(letter.body)
    const isOfRequests = REQUEST_OPENINGS.has(name)
    if (isOfRequests && this.#state.init.isCurrent?.() === false) {
      this.#notYet(from, letter, 'catching-up')
      return
    }
    if (this.#requests?.take(name, from, letter) === true) return
    if (isOfRequests) this.#notYet(from, letter, 'behind')
    else this.#openings.get(name)?.(from, letter)
  }

  /** `behind`: requests are led in another epoch here than at whoever opens. */
  #notYet(from: PartyIndex, letter: Letter, reason: 'behind' | 'catching-up'): void {
    this.router.decline(letter.session)
    const answer = { reason, retryAfterMs: BEHIND_MS }
    void this.router.send(from, answerTo(letter, 'notYet', encodeNotYet(answer)))
  }
}
