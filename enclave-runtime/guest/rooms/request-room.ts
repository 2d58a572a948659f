import { sameBytes } from '../../../protocols/agreement/compare-bytes.ts'
import type { KeyCertificate } from '../../../protocols/keygen/key-certificate.ts'
import { RequestError } from '../../../protocols/request/errors.ts'
import type { PartyIndex } from '../../../protocols/session/faults.ts'
import type {
  CheckReply,
  GuestStatus,
  LeadOffer,
  LeadPlan,
  LeadReply,
} from '../../port/messages.ts'
import { AccountSource } from '../accounts/account-source.ts'
import { AccountSync, type AccountSyncInit } from '../accounts/account-sync.ts'
import type { Committee } from '../committee.ts'
import { openGate } from '../keys/key-gate.ts'
import { KeyRoom } from '../keys/key-room.ts'
import { KeyStore } from '../keys/key-store.ts'
import { KeygenManager } from '../keys/keygen-manager.ts'
import type { IndexPair } from '../pairs/ban-records.ts'
import { nextTurn } from '../pairs/next-turn.ts'
import { HotKeys } from '../presignatures/hot-keys.ts'
import { LikelySigners } from '../presignatures/likely-signers.ts'
import { PresignatureMaker } from '../presignatures/presignature-maker.ts'
import { PresignaturePool } from '../presignatures/presignature-pool.ts'
import { type Authorized, authorize } from '../requests/authorize.ts'
import type { Timeline } from '../requests/timeline.ts'
import { refusal } from '../sessions/lead-reply.ts'
import type { Letter } from '../sessions/post.ts'
import { purposeOf } from '../signing/form-choice.ts'
import { KeyShares } from '../signing/key-shares.ts'
import { SigningManager } from '../signing/signing-manager.ts'
import type { SignRequest } from '../signing/signing-plan.ts'
import type { EpochRoom } from './epoch-room.ts'
import type { GuestState } from './guest-state.ts'

/** What others open for requests, or ahead of them. */
export const REQUEST_OPENINGS: ReadonlySet<string> = new Set([
  'sign',
  'presign',
  'keygen',
  'keygen batch',
])

type Ask = Parameters<typeof authorize>[0]

/** An offer, and whether attempts of these signers belong into this room. */
interface Offered extends LeadOffer {
  readonly mayLead: (signers: readonly PartyIndex[]) => boolean
}

/** Requests in one epoch: its keys, and what signs with them. */
export class RequestRoom {
  readonly #state: GuestState
  readonly #committee: Committee
  readonly keys: KeyStore
  readonly shares: KeyShares
  readonly #keyRoom: KeyRoom
  readonly #presignatures: PresignaturePool
  readonly #maker: PresignatureMaker
  readonly #hotKeys: HotKeys
  readonly #likely: LikelySigners
  readonly #signing: SigningManager
  readonly #room: EpochRoom
  #sync: AccountSync | undefined
  #up: ReadonlySet<PartyIndex> = new Set()
  #isRetired = false

  constructor(state: GuestState, room: EpochRoom) {
    const { init, accounts, held, certified, ready, live, choices, background } = state
    const { kernel, random, clock, settings, tell } = init
    const { committee, records, router, answers, followers, pairs, bans, correlations } = room
    const { index: me } = committee.me
    this.#state = state
    this.#committee = committee
    this.#room = room
    new AccountSource({
      router,
      accounts,
      certified,
      ready,
      held,
      onError: (error) => state.defect(error),
    })
    const onError = (error: unknown) => state.defect(error)
    const { gate = openGate } = init
    const stores = { committee, records, kernel, accounts, held, certified, ready, gate }
    this.keys = new KeyStore({ ...stores, tell })
    const shared = {
      ...{ committee, router, kernel, random, answers, followers, live },
      room: choices,
      keys: this.keys,
    }
    const now = () => state.now()
    const check = (request: Uint8Array) => this.authorize(request)
    this.#keyRoom = new KeyRoom({
      ...stores,
      ...shared,
      background,
      clock,
      readyKeys: settings.readyKeys,
      isComplete: () => committee.guests.every(({ index }) => index === me || this.#up.has(index)),
      now,
      authorize: (request, anyTime) =>
        anyTime ? this.authorize(request, { isDone: () => true }) : check(request),
      converse: state.conversations.generateKeys,
      tell,
      onError,
    })
    this.shares = new KeyShares(this.keys, kernel, committee)
    const pool = new PresignaturePool({
      me,
      members: committee.guests.length,
      monotonicMs: () => clock.monotonicMs(),
      setupId: (peer) => pairs.setupId(peer),
      wipe: (secret) => kernel.wipe(secret),
      onReplaced: (leader, { length }) => correlations.wasted(length - 1, { leader }),
    })
    this.#presignatures = pool
    const making = { ...shared, pairs, bans, shares: this.shares }
    this.#maker = new PresignatureMaker({
      ...making,
      accounts,
      pool,
      background,
      clock,
      correlations: correlations.toSpare(Math.floor(settings.correlations.low / 2)),
      makesCorrelations: settings.correlations.high > 0,
      breathe: nextTurn,
    })
    const maker = this.#maker
    this.#hotKeys = new HotKeys({
      settings: settings.presignatures,
      ...{ pool, maker, background, clock },
    })
    this.#likely = new LikelySigners({
      ...{ committee, random },
      isAble: (peer) => this.#up.has(peer) && pairs.missing([peer]).length === 0,
      mayAll: (signers) => bans.among(signers) === undefined,
    })
    this.#signing = new SigningManager({
      ...making,
      otherCommittees: () => state.rooms.committees.filter((other) => other !== committee),
      presignatures: pool,
      correlations,
      requestBegan: () => background.requestBegan(),
      onLed: (asked, signers) =>
        this.#hotKeys.used(asked.account, purposeOf(committee, asked, signers)),
      activities: state.activities,
      results: state.results,
      now,
      tell,
      onError,
      authorize: check,
      clock,
      authorizeDone: (request, at) => this.#authorizeDone(request, at),
      converse: state.conversations.sign,
    })
    this.#keyRoom.resume()
  }

  /**
   * What stands in a request, verified here; nothing is begun but what an offer allows. Throws `RequestError`.
   */
  async check(request: Uint8Array, timeline: Timeline, offer?: Offered): Promise<CheckReply> {
    const { accounts, results } = this.#state
    const asked = await this.authorize(request, { timeline })
    const { digest: reqId } = asked.request
    if (asked.kind === 'read') return { kind: 'done', result: [asked.account.address] }
    this.#assertCurrent()
    if (asked.kind === 'create') {
      const account = await accounts.get(asked.accountId)
      if (account !== undefined && this.#isReleased(account.certificate))
        return { kind: 'done', result: KeygenManager.resultOf(account) }
      this.#assertMakesKeys()
      if (account === undefined) this.#keyRoom.keygen.assertOpen(asked.accountId)
      return { kind: 'keygen', reqId, accountId: asked.accountId }
    }
    const done = results.get(reqId, this.#state.now())
    if (done !== undefined) {
      const { signature, signers } = done
      return { kind: 'done', result: asked.intent.finish(signature), signers }
    }
    const { id, certificate, derived } = asked.account
    const key = { keyId: certificate.keyId, path: derived.path }
    const signers = this.#presignatures.signersFor(key)
    if (offer === undefined || signers === null || !isTaken(offer, signers))
      return { kind: 'sign', reqId, accountId: id, signers, phases: timeline.times() }
    const { budgetMs, budgets } = offer
    const plan = { attempt: 0, signers, budgetMs, ...(budgets && { budgets }) }
    const outcome = await this.#sign(request, asked, plan, timeline).catch((error: unknown) => {
      if (error instanceof RequestError) return refusal(error)
      throw error
    })
    return { kind: 'led', reqId, accountId: id, signers, outcome }
  }

  /** One attempt led by this guest, which verifies the request again. Throws `RequestError`. */
  async lead(request: Uint8Array, plan: LeadPlan, timeline: Timeline): Promise<LeadReply> {
    const asked = await this.authorize(request, { timeline })
    if (asked.kind !== 'read') this.#assertCurrent()
    if (asked.kind === 'sign') return this.#sign(request, asked, plan, timeline)
    if (asked.kind === 'create') {
      this.#assertMakesKeys()
      const led = await this.#keyRoom.keygen.lead(request, asked, plan)
      if (led.kind === 'done') await this.#foresee(asked.accountId)
      return led
    }
    return { kind: 'done', result: [asked.account.address], signers: [] }
  }

  /**
   * What a newcomer has to know is asked of the others: accounts, and ready keys. `certifiers`: who could certify a key
   * in the epoch with that id.
   */
  learn(certifiers: AccountSyncInit['certifiers']): void {
    const { accounts, certified, ready, init } = this.#state
    const { committee, router, records } = this.#room
    const { clock } = init
    this.#sync ??= new AccountSync({
      ...{ committee, router, records, clock, accounts, certified, ready, certifiers },
      onError: (error) => this.#state.defect(error),
    })
    this.#sync.start()
  }

  /** Whether nothing is missing here that others know: also of a guest that had nothing to learn. */
  get hasLearned(): boolean {
    return this.#sync?.isComplete ?? true
  }

  async #sign(
    request: Uint8Array,
    asked: SignRequest,
    plan: LeadPlan,
    timeline: Timeline,
  ): Promise<LeadReply> {
    const led = await this.#signing.lead(request, asked, plan, timeline)
    return led.kind === 'done' ? { ...led, phases: timeline.times() } : led
  }

  /** Another guest opens something of `REQUEST_OPENINGS`; false when it is none, or not taken here. */
  take(name: string, from: PartyIndex, letter: Letter): boolean {
    if (name === 'sign') this.#signing.take(from, letter)
    else if (this.#isRetired) return false
    else if (name === 'presign') this.#maker.take(from, letter)
    else if (name === 'keygen') this.#keyRoom.keygen.take(from, letter)
    else if (name === 'keygen batch') this.#keyRoom.batches.take(from, letter)
    else return false
    return true
  }

  links(up: ReadonlySet<PartyIndex>): void {
    const isFresh = [...up].some((party) => !this.#up.has(party))
    this.#up = up
    if (isFresh && !this.#isRetired) this.#keyRoom.resume()
  }

  /** What others told of this account and nonce is known once it resolves. */
  heard(accountId: Uint8Array, nonce: Uint8Array): Promise<void> | undefined {
    return this.#signing.settle(accountId, nonce)
  }

  dropWith(peer: PartyIndex): void {
    this.#presignatures.dropWith(peer)
  }

  dropWithBoth(pair: IndexPair): void {
    this.#presignatures.dropWithBoth(pair)
  }

  /** Requests are led in the next epoch: no key is made here any more, and nothing ahead. */
  retire(): void {
    this.#isRetired = true
    this.#hotKeys.close()
    this.#keyRoom.close()
    this.#sync?.close()
  }

  close(): void {
    this.retire()
    this.#presignatures.dropAll()
  }

  get status(): Pick<GuestStatus, 'keys' | 'presignatures'> {
    const { accounts, ready } = this.#state
    return {
      keys: {
        active: accounts.count,
        pending: this.keys.pendingCount,
        ready: ready.countOf(this.#committee.me.index),
      },
      presignatures: this.#presignatures.counts,
    }
  }

  /** Rows 4 to 16 of 05 §3.3, over the bytes themselves. Throws `RequestError`. */
  authorize(
    request: Uint8Array,
    more: Partial<Pick<Ask, 'isDone' | 'timeline'>> = {},
  ): Promise<Authorized> {
    const { rates, rooms } = this.#state
    return authorize(
      {
        ...this.#facts,
        rates,
        now: () => this.#state.now(),
        heard: (accountId, nonce) => rooms.heard(accountId, nonce),
        ...more,
      },
      request,
    )
  }

  /** A request that others finished, as it stood at `at`: what was heard of it is not asked again. */
  #authorizeDone(request: Uint8Array, at: number): Promise<Authorized> {
    return authorize({ ...this.#facts, rates: { admit: () => true }, now: () => at }, request)
  }

  get #facts(): Pick<Ask, 'committee' | 'account' | 'activities' | 'verify' | 'isDone'> {
    const { accounts, activities, verify, results } = this.#state
    return {
      committee: this.#committee,
      account: (id) => accounts.get(id),
      activities,
      verify,
      isDone: (digest) => results.get(digest, this.#state.now()) !== undefined,
    }
  }

  /** Keys of epochs before this one stand in its record. */
  #isReleased({ epochId, keyId }: KeyCertificate): boolean {
    const { gate = openGate } = this.#state.init
    return !sameBytes(epochId, this.#committee.epochId) || gate.isReleased(keyId)
  }

  /**
   * An account that was made will sign something soon: it need not wait for what can be made ahead. Without
   * correlations that costs as much as it saves.
   */
  async #foresee(accountId: Uint8Array): Promise<void> {
    const { accounts, init } = this.#state
    if (init.settings.correlations.high === 0) return
    const account = await accounts.get(accountId)
    const signers = this.#likely.next()
    if (account === undefined || signers === undefined || this.#isRetired) return
    this.#hotKeys.created(account, purposeOf(this.#committee, { account }, signers))
  }

  /** A guest that was away signs nothing before it knows what it missed (03 §9.4). */
  #assertCurrent(): void {
    if (this.#state.init.isCurrent?.() === false)
      throw new RequestError('NOT_YET', 'what was missed is not known yet')
  }

  #assertMakesKeys(): void {
    if (this.#isRetired) throw new RequestError('NOT_YET', 'the epoch is over')
    if (this.#state.init.isShown?.() === false)
      throw new RequestError('NOT_YET', 'no client can know the epoch yet')
  }
}

const isTaken = ({ able, mayLead }: Offered, signers: readonly PartyIndex[]): boolean =>
  signers.every((signer) => able.includes(signer)) && mayLead(signers)
