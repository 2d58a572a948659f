import { produceCorrelations } from '../../protocols/correlations/produce.ts'
import type { Random } from '../../protocols/crypto/random.ts'
import { CHOICE_SLOTS, type Kernel } from '../../protocols/kernel/kernel.ts'
import { generateKeys } from '../../protocols/keygen/generate-keys.ts'
import { setUpPair } from '../../protocols/pair-setup/set-up-pair.ts'
import { RequestError } from '../../protocols/request/errors.ts'
import type { Fault, PartyIndex } from '../../protocols/session/faults.ts'
import { MESSAGE_TYPES } from '../../protocols/session/numbers.ts'
import { sign } from '../../protocols/sign/sign.ts'
import type { CheckReply, GuestStatus, LeadPlan, LeadReply, Priority } from '../port/messages.ts'
import { AccountStore } from './accounts/account-store.ts'
import { ActivityLog } from './accounts/activity-log.ts'
import { Background } from './background/background.ts'
import { type Committee, otherGuests } from './committee.ts'
import { HELD } from './correlations/correlation-holdings.ts'
import { CorrelationMaker } from './correlations/correlation-maker.ts'
import { CorrelationStock } from './correlations/correlation-stock.ts'
import type { Tell } from './events.ts'
import { EXIT_CODES, GuestEnd } from './exit-codes.ts'
import { CertifiedKeys } from './keys/certified-keys.ts'
import { HeldKeys } from './keys/held-keys.ts'
import { KeyRoom } from './keys/key-room.ts'
import { KeyStore } from './keys/key-store.ts'
import { KeygenManager } from './keys/keygen-manager.ts'
import { ReadyKeys } from './keys/ready-keys.ts'
import { nextTurn } from './pairs/next-turn.ts'
import type { SetupLimits } from './pairs/pair.ts'
import { PairBans } from './pairs/pair-bans.ts'
import { PairSetups } from './pairs/pair-setups.ts'
import { HotKeys } from './presignatures/hot-keys.ts'
import { PresignatureMaker } from './presignatures/presignature-maker.ts'
import { PresignaturePool } from './presignatures/presignature-pool.ts'
import type { Records } from './records.ts'
import { AccountRates } from './requests/account-rates.ts'
import { type Authorized, authorize } from './requests/authorize.ts'
import { rememberProofs } from './requests/remember-proofs.ts'
import { ResultCache } from './requests/result-cache.ts'
import { Timeline } from './requests/timeline.ts'
import { verifyProof } from './requests/verify-proof.ts'
import { Answers } from './sessions/answers.ts'
import { ChoiceRoom } from './sessions/choice-room.ts'
import type { Clock } from './sessions/clock.ts'
import { Followers } from './sessions/followers.ts'
import { failed, refusal } from './sessions/lead-reply.ts'
import { LiveAttempts } from './sessions/live-attempts.ts'
import { openingName } from './sessions/opening.ts'
import type { Letter, Post } from './sessions/post.ts'
import { SessionRouter } from './sessions/session-router.ts'
import { settlement } from './sessions/settle.ts'
import type { GuestSettings } from './settings.ts'
import { purposeOf } from './signing/form-choice.ts'
import { KeyShares } from './signing/key-shares.ts'
import { SigningManager } from './signing/signing-manager.ts'
import { Strikes } from './strikes.ts'

export interface MemberInit {
  readonly committee: Committee
  readonly post: Post
  readonly records: Records
  readonly kernel: Kernel
  readonly random: Random
  readonly clock: Clock
  readonly tell: Tell
  readonly bootId: Uint8Array
  readonly settings: GuestSettings
  /** How long something held the main loop lately; absent: nobody looks. */
  readonly loopDelayMs?: () => number
  /** A defect, or a disk that does not take records: the guest cannot go on. */
  readonly onDefect: (error: unknown) => void
  /** Lower ones than those of 02 §2.7, for tests. */
  readonly setupLimits?: SetupLimits
  /** Other conversations, for tests. */
  readonly conversations?: Partial<Conversations>
}

interface Conversations {
  readonly setUpPair: typeof setUpPair
  readonly produceCorrelations: typeof produceCorrelations
  readonly generateKeys: typeof generateKeys
  readonly sign: typeof sign
}

/** A guest as a member of its committee: everything behind the port but the port itself. */
export class Member {
  readonly #init: MemberInit
  readonly #router: SessionRouter
  readonly #background: Background
  readonly #strikes: Strikes
  readonly #bans: PairBans
  readonly #pairs: PairSetups
  readonly #accounts: AccountStore
  readonly #activities: ActivityLog
  readonly #keys: KeyStore
  readonly #ready: ReadyKeys
  readonly #keyRoom: KeyRoom
  readonly #results = new ResultCache()
  readonly #verify = rememberProofs(verifyProof)
  readonly #rates: AccountRates
  readonly #correlations: CorrelationStock
  readonly #correlationMaker: CorrelationMaker
  readonly #presignatures: PresignaturePool
  readonly #maker: PresignatureMaker
  readonly #hotKeys: HotKeys
  readonly #signing: SigningManager
  #up: ReadonlySet<PartyIndex> = new Set()
  #halted = false

  constructor(init: MemberInit) {
    const { committee, post, records, kernel, random, clock, tell } = init
    const defaults = { setUpPair, produceCorrelations, generateKeys, sign }
    const conversations = { ...defaults, ...init.conversations }
    this.#init = init
    const onError = (error: unknown) => this.#defect(error)
    const router = new SessionRouter({ me: committee.me.index, post, clock, onError })
    this.#router = router
    this.#background = new Background({
      peers: otherGuests(committee).map(({ index }) => index),
      settings: init.settings.background,
      clock,
      random,
      onError,
    })
    this.#strikes = new Strikes(tell)
    const retire = (peer: PartyIndex) => this.#pairs.retire(peer, 'banned')
    const isBanned = (peer: PartyIndex) => this.#bans.isBanned(committee.me.index, peer)
    const onOthers = (pair: readonly [PartyIndex, PartyIndex]) =>
      this.#presignatures.dropWithBoth(pair)
    this.#bans = PairBans.load({ committee, records, router, tell, retire, onOthers, onError })
    this.#pairs = new PairSetups({
      committee,
      router,
      kernel,
      random,
      clock,
      tell,
      isBanned,
      onReady: (peer) => this.#correlationMaker.ready(peer),
      onRetired: (peer) => {
        this.#correlations.drop(peer)
        this.#presignatures.dropWith(peer)
      },
      converse: conversations.setUpPair,
      ...(init.setupLimits && { limits: init.setupLimits }),
      onError,
    })
    const held = new HeldKeys(records)
    const certified = new CertifiedKeys(records)
    const ready = new ReadyKeys(records)
    this.#ready = ready
    this.#accounts = new AccountStore(records, held)
    this.#activities = new ActivityLog(records)
    this.#rates = new AccountRates(() => clock.monotonicMs())
    const stores = { committee, records, kernel, accounts: this.#accounts, held, certified, ready }
    this.#keys = new KeyStore({ ...stores, tell })
    const answers = new Answers(router)
    const followers = new Followers({
      router,
      kernel,
      clock,
      size: committee.guests.length,
      onError,
    })
    const live = new LiveAttempts({
      guests: committee.guests,
      me: committee.me.index,
      monotonicMs: () => clock.monotonicMs(),
    })
    const room = new ChoiceRoom({
      me: committee.me.index,
      threshold: committee.threshold,
      total: CHOICE_SLOTS,
      clock,
    })
    const rooms = { followers, live, room }
    const shared = { committee, router, kernel, random, answers, ...rooms, keys: this.#keys }
    const background = this.#background
    const correlations = new CorrelationStock({
      committee,
      clock,
      bootId: init.bootId,
      wipe: (secret) => kernel.wipe(secret),
      onTaken: (peer) => this.#correlationMaker.refill(peer),
    })
    this.#correlations = correlations
    this.#correlationMaker = new CorrelationMaker({
      ...shared,
      pairs: this.#pairs,
      stock: correlations,
      background,
      clock,
      bootId: init.bootId,
      peerBootId: (peer) => post.facts(peer)?.bootId,
      isBanned,
      settings: init.settings.correlations,
      breathe: nextTurn,
      converse: conversations.produceCorrelations,
    })
    const now = () => Math.floor(clock.unixMs() / 1000)
    const check = (request: Uint8Array) => this.#authorize(request)
    this.#keyRoom = new KeyRoom({
      ...stores,
      ...shared,
      background,
      clock,
      readyKeys: init.settings.readyKeys,
      isComplete: () =>
        committee.guests.every(({ index }) => index === committee.me.index || this.#up.has(index)),
      now,
      authorize: (request, anyTime) =>
        anyTime ? this.#authorize(request, this.#rates, undefined, () => true) : check(request),
      converse: conversations.generateKeys,
      tell,
      onError,
    })
    const shares = new KeyShares(this.#keys, kernel, committee)
    const pool = new PresignaturePool({
      me: committee.me.index,
      members: committee.guests.length,
      monotonicMs: () => clock.monotonicMs(),
      setupId: (peer) => this.#pairs.setupId(peer),
      wipe: (secret) => kernel.wipe(secret),
      onReplaced: (leader, { length }) => correlations.wasted(length - 1, { leader }),
    })
    this.#presignatures = pool
    const making = { ...shared, pairs: this.#pairs, bans: this.#bans, shares }
    this.#maker = new PresignatureMaker({
      ...making,
      accounts: this.#accounts,
      pool,
      background,
      clock,
      correlations: correlations.toSpare(init.settings.correlations.low),
      makesCorrelations: init.settings.correlations.high > 0,
    })
    this.#hotKeys = new HotKeys({
      settings: init.settings.presignatures,
      pool,
      maker: this.#maker,
      background,
      clock,
      me: committee.me.index,
    })
    this.#signing = new SigningManager({
      ...making,
      presignatures: pool,
      correlations,
      requestBegan: () => background.requestBegan(),
      onLed: (asked, signers) =>
        this.#hotKeys.used(asked.account, purposeOf(committee, asked, signers)),
      activities: this.#activities,
      results: this.#results,
      now,
      tell,
      onError,
      authorize: check,
      clock,
      authorizeDone: (request, at) => this.#authorizeDone(request, at),
      converse: conversations.sign,
    })
    this.#listen()
  }

  /** What stands in a request, verified here; nothing is begun. `request` = bytes of a plain request. */
  async check(request: Uint8Array): Promise<CheckReply> {
    const timeline = this.#timeline()
    try {
      const asked = await this.#authorize(request, this.#rates, timeline)
      const { digest: reqId } = asked.request
      if (asked.kind === 'read') return { kind: 'done', result: [asked.account.address] }
      if (asked.kind === 'create') {
        const account = await this.#accounts.get(asked.accountId)
        if (account !== undefined) return { kind: 'done', result: KeygenManager.resultOf(account) }
        this.#keyRoom.keygen.assertOpen(asked.accountId)
        return { kind: 'keygen', reqId, accountId: asked.accountId }
      }
      const done = this.#results.get(reqId, this.#now())
      if (done !== undefined) {
        const { signature, signers } = done
        return { kind: 'done', result: asked.intent.finish(signature), signers }
      }
      const { id, certificate, derived } = asked.account
      const key = { keyId: certificate.keyId, path: derived.path }
      const signers = this.#presignatures.signersFor(key)
      return { kind: 'sign', reqId, accountId: id, signers, phases: timeline.times() }
    } catch (error) {
      return this.#refused(error)
    }
  }

  /** One attempt led by this guest, which verifies the request again. */
  async lead(request: Uint8Array, plan: LeadPlan): Promise<LeadReply> {
    if (this.#halted) return failed('kernel')
    const timeline = this.#timeline()
    try {
      const asked = await this.#authorize(request, this.#rates, timeline)
      if (asked.kind === 'sign') {
        const led = await this.#signing.lead(request, asked, plan, timeline)
        return led.kind === 'done' ? { ...led, phases: timeline.times() } : led
      }
      if (asked.kind === 'create') return await this.#keyRoom.keygen.lead(request, asked, plan)
      return { kind: 'done', result: [asked.account.address], signers: [] }
    } catch (error) {
      return this.#refused(error)
    }
  }

  /** Parties whose hosts are connected now. */
  links(up: readonly PartyIndex[]): void {
    const before = this.#up
    this.#up = new Set(up)
    for (const party of before) if (!this.#up.has(party)) this.#router.unreachable(party)
    this.#pairs.links(up)
    const fresh = up.filter((party) => !before.has(party))
    for (const party of fresh) this.#bans.announce(party)
    if (fresh.length > 0) this.#keyRoom.resume()
  }

  /** The host could not carry an envelope to the party: what ran over it has lost a message and ends. */
  unsent(party: PartyIndex, priority: Priority): void {
    this.#router.unreachable(party, priority)
  }

  /** The party sealed something that is no message: its fault, for nobody else has the key (04 §11). */
  malformed(party: PartyIndex): void {
    this.#strikes.add(party, this.#init.clock.monotonicMs())
  }

  status(): GuestStatus {
    const { committee, kernel, bootId } = this.#init
    const pairs = this.#pairs.states()
    const ready = pairs.filter(({ state }) => state === 'ready').length
    return {
      index: committee.me.index,
      pairs,
      bans: this.#bans.all,
      keys: {
        active: this.#accounts.count,
        pending: this.#keys.pendingCount,
        ready: this.#ready.countOf(committee.me.index),
      },
      presignatures: this.#presignatures.counts,
      correlations: this.#correlations.status,
      loopDelayMs: this.#init.loopDelayMs?.() ?? 0,
      held: kernel.held,
      bootId,
      ready: !this.#halted && ready >= committee.threshold - 1,
    }
  }

  /** The end: nothing runs on, no setup stays. */
  close(): void {
    this.#halted = true
    this.#background.close()
    this.#correlationMaker.close()
    this.#hotKeys.close()
    this.#keyRoom.close()
    for (const { index } of this.#init.committee.guests) this.#router.forget(index)
    this.#presignatures.dropAll()
    this.#pairs.close()
  }

  #listen(): void {
    const { clock } = this.#init
    this.#router.on(MESSAGE_TYPES.open, (from, letter) => this.#open(from, letter))
    this.#router.onUnread((from, round, body) => this.#correlations.unread(from, round, body))
    this.#router.holdingsWith((peer) => this.#correlations.holdings(peer))
    this.#router.onRestarted((peer) => {
      this.#init.tell('PEER_RESTARTED', peer)
      this.#pairs.restarted(peer)
    })
    this.#router.settleWith(
      settlement({
        ban: (peer) => this.#bans.ban(peer),
        bansSettled: () => this.#bans.settled(),
        strike: (party) => this.#strikes.add(party, clock.monotonicMs()),
        renewPair: (peer, openedMs) => this.#pairs.renew(peer, openedMs),
        corrUnknown: (peer, holdings) => this.#correlations.unknown(peer, holdings),
        halt: (fault) => this.#halt(fault),
      }),
    )
    this.#keyRoom.resume()
  }

  /** Our own state contradicts itself (02 §12). A share halts its key, which the signing room does; the kernel halts all. */
  #halt(fault: Fault): void {
    if (this.#halted) return
    this.#init.tell('HALTED', this.#init.committee.me.index)
    if (fault.kind !== 'kernel') return
    this.#defect(new GuestEnd(EXIT_CODES.selfTest, 'KERNEL_MISUSE'))
    this.#halted = true
  }

  #open(from: PartyIndex, letter: Letter): void {
    if (this.#halted) return
    const name = openingName(letter.body) // anything else opens nothing in this version
    if (name === 'sign') this.#signing.take(from, letter)
    else if (name === 'correlations') this.#correlationMaker.take(from, letter)
    else if (name === HELD) this.#correlationMaker.takeHeld(from, letter)
    else if (name === 'presign') this.#maker.take(from, letter)
    else if (name === 'keygen') this.#keyRoom.keygen.take(from, letter)
    else if (name === 'keygen batch') this.#keyRoom.batches.take(from, letter)
    else if (name === 'pair' || name === 'pair ask') this.#pairs.take(from, letter)
  }

  #authorize(
    request: Uint8Array,
    rates: Pick<AccountRates, 'admit'> = this.#rates,
    timeline?: Timeline,
    isDone: (digest: Uint8Array) => boolean = (digest) =>
      this.#results.get(digest, this.#now()) !== undefined,
  ): Promise<Authorized> {
    return authorize(
      {
        ...this.#facts(rates),
        isDone,
        now: () => this.#now(),
        heard: (accountId, nonce) => this.#signing.settle(accountId, nonce),
        ...(timeline && { timeline }),
      },
      request,
    )
  }

  /** A request that others finished, as it stood at `at`: what was heard of it is not asked again. */
  #authorizeDone(request: Uint8Array, at: number): Promise<Authorized> {
    const isDone = (digest: Uint8Array) => this.#results.get(digest, this.#now()) !== undefined
    return authorize({ ...this.#facts({ admit: () => true }), isDone, now: () => at }, request)
  }

  #facts(rates: Pick<AccountRates, 'admit'>) {
    return {
      committee: this.#init.committee,
      account: (id: Uint8Array) => this.#accounts.get(id),
      activities: this.#activities,
      rates,
      verify: this.#verify,
    }
  }

  #timeline(): Timeline {
    return new Timeline(() => this.#init.clock.monotonicMs(), 'open')
  }

  #refused(error: unknown): ReturnType<typeof refusal> {
    if (error instanceof RequestError) return refusal(error)
    this.#defect(error)
    return refusal(new RequestError('INTERNAL_ERROR'))
  }

  #defect(error: unknown): void {
    if (!this.#halted) this.#init.onDefect(error)
  }

  #now(): number {
    return Math.floor(this.#init.clock.unixMs() / 1000)
  }
}
