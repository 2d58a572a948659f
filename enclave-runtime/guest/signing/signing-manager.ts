import type { Random } from '../../../protocols/crypto/random.ts'
import type { Handle, Kernel } from '../../../protocols/kernel/kernel.ts'
import { RequestError } from '../../../protocols/request/errors.ts'
import { recoverAddress } from '../../../protocols/request/ethereum-address.ts'
import { DecodeError } from '../../../protocols/session/codec.ts'
import { type PartyIndex, ProtocolError } from '../../../protocols/session/faults.ts'
import { KINDS } from '../../../protocols/session/instance.ts'
import { MESSAGE_TYPES } from '../../../protocols/session/numbers.ts'
import type { Party } from '../../../protocols/session/round.ts'
import type { sign } from '../../../protocols/sign/sign.ts'
import type { LeadPlan, LeadReply } from '../../port/messages.ts'
import type { Account } from '../accounts/account.ts'
import type { ActivityLog } from '../accounts/activity-log.ts'
import { type Committee, otherGuests } from '../committee.ts'
import type { Tell } from '../events.ts'
import type { KeyStore } from '../keys/key-store.ts'
import type { PairBans } from '../pairs/pair-bans.ts'
import type { PairSetups } from '../pairs/pair-setups.ts'
import type { Authorized } from '../requests/authorize.ts'
import type { Finished, ResultCache } from '../requests/result-cache.ts'
import type { Timeline } from '../requests/timeline.ts'
import type { Answers, Heard } from '../sessions/answers.ts'
import { Declined, type Followers } from '../sessions/followers.ts'
import { failed, leadFailure } from '../sessions/lead-reply.ts'
import { openEverywhere } from '../sessions/lead-session.ts'
import type { LiveAttempts } from '../sessions/live-attempts.ts'
import type { Letter } from '../sessions/post.ts'
import type { Session } from '../sessions/session.ts'
import type { SessionRouter } from '../sessions/session-router.ts'
import { decodeAnnouncement, encodeAnnouncement, MAX_ANNOUNCED_REQUEST } from './announcement.ts'
import { decodeFinished, encodeFinished } from './finished-bytes.ts'
import { withShare } from './share-loan.ts'
import { decodeSigningOpening, encodeSigningOpening } from './signing-opening.ts'
import { isSignerSet, type SigningPlan, type SignRequest, signingPlan } from './signing-plan.ts'
import { signingProgress } from './signing-progress.ts'

/** 02 §11, from the opening on. */
const SIGN_MS = 10_000
/** Less than that leaves no time for any attempt. */
const MIN_BUDGET_MS = 100
const RETRY_MS = 500
/** Announced results that are verified at once; more are not waited for. */
const MAX_ANNOUNCEMENTS = 16
/** The opener's clock and mine (05 §3.2). */
const MAX_SKEW_S = 30

export interface SigningManagerInit {
  readonly committee: Committee
  readonly router: SessionRouter
  readonly answers: Answers
  readonly followers: Followers
  readonly live: LiveAttempts
  readonly pairs: PairSetups
  readonly bans: PairBans
  readonly keys: KeyStore
  readonly activities: ActivityLog
  readonly results: ResultCache
  readonly kernel: Kernel
  readonly random: Random
  readonly tell: Tell
  /** Unix seconds. */
  readonly now: () => number
  readonly authorize: (request: Uint8Array) => Promise<Authorized>
  /** The same for a request that is done: it costs its account nothing here. */
  readonly authorizeDone: (request: Uint8Array) => Promise<Authorized>
  readonly onError: (error: unknown) => void
  /** The conversation of 02 §6. */
  readonly converse: typeof sign
}

/** Signatures in which this guest takes part: those that it leads, and those that others open. */
export class SigningManager {
  readonly #init: SigningManagerInit
  /** Keys whose share here contradicts their certificate. */
  readonly #halted = new Set<string>()
  #announcements = 0

  constructor(init: SigningManagerInit) {
    this.#init = init
    init.answers.onAnnounced((_, letter) => this.#takeAnnounced(letter))
  }

  /** One attempt led here, for a request that was authorized here. */
  async lead(
    request: Uint8Array,
    asked: SignRequest,
    plan: LeadPlan,
    timeline: Timeline,
  ): Promise<LeadReply> {
    const { committee, random, live, now } = this.#init
    const done = this.#init.results.get(asked.request.digest, now())
    if (done !== undefined) return doneReply(asked, done)
    const nonce = random(32)
    const attempt = live.ownAttempt(asked.request.digest, plan.attempt)
    const mine = signingPlan(committee, asked, plan.signers, attempt, nonce)
    if (!plan.signers.includes(committee.me.index))
      throw new RequestError('MPC_QUORUM', 'this guest is not among the signers')
    timeline.enter('reserve')
    const refused = this.#notNow(asked, mine)
    if (refused !== undefined) return refused
    const claim = live.claim(asked.request.digest, attempt, committee.me.index)
    if (claim === undefined) return failed('busy', [], RETRY_MS)
    try {
      this.#claimNonce(asked)
      const budgetMs = Math.max(MIN_BUDGET_MS, Math.min(plan.budgetMs, SIGN_MS))
      const session = this.#open(mine, budgetMs, timeline)
      if (typeof session === 'string') return failed('overloaded', [], RETRY_MS)
      claim.run(session)
      const { keyId } = asked.account.certificate
      const path = asked.account.derived.path
      const opening = { ...mine, request, keyId, path, nonce, evalTime: now(), budgetMs }
      return await this.#conductAsLeader(
        session,
        request,
        asked,
        { ...mine, timeline },
        encodeSigningOpening(opening),
      )
    } finally {
      claim.release()
    }
  }

  /** Another guest opens a session: everything it says is checked, or computed, here. */
  take(from: PartyIndex, letter: Letter): void {
    this.#init.followers.take('sign', from, letter, (begun) => this.#follow(from, letter, begun))
  }

  async #conductAsLeader(
    session: Session,
    request: Uint8Array,
    asked: SignRequest,
    plan: Timed,
    opening: Uint8Array,
  ): Promise<LeadReply> {
    const { router, answers, results, now } = this.#init
    plan.timeline?.enter('forward')
    const heard: Heard = answers.watch(session, (result) => this.#learn(asked, result))
    try {
      await router.conduct(session, (party) =>
        openEverywhere(router, session, opening, party, () => this.#sign(party, asked, plan)),
      )
    } catch (error) {
      const learnt = results.get(asked.request.digest, now())
      if (learnt !== undefined) return doneReply(asked, learnt)
      const { keyId } = asked.account.certificate
      return this.#halted.has(hex(keyId)) ? this.#withoutMe() : leadFailure(error, heard, session)
    } finally {
      answers.unwatch(session)
    }
    const done = results.get(asked.request.digest, now())
    if (done === undefined) throw new Error('bug: a signature without a result')
    this.#announce(request, asked, done)
    await this.#init.activities.prune(now())
    return doneReply(asked, done)
  }

  /** Tells those that did not sign (03 §9.1). Nobody waits for it; who does not hear it asks. */
  #announce(request: Uint8Array, { request: { digest } }: SignRequest, done: Finished): void {
    if (request.length > MAX_ANNOUNCED_REQUEST) return
    const { committee, router } = this.#init
    const body = encodeAnnouncement({ request, finished: encodeFinished(done) })
    const type = MESSAGE_TYPES.result
    const letter = { session: digest, attempt: 0, round: 0, type, body }
    for (const { index } of otherGuests(committee))
      if (!done.signers.includes(index)) void router.send(index, letter)
  }

  #takeAnnounced({ session, body }: Letter): void {
    const { results, now, onError } = this.#init
    if (this.#announcements >= MAX_ANNOUNCEMENTS) return // it is asked for, when it is needed
    if (results.get(session, now()) !== undefined) return
    this.#announcements += 1
    this.#learnAnnounced(body)
      .catch((error: unknown) => {
        const untrue = error instanceof DecodeError || error instanceof RequestError
        if (!untrue) onError(error)
      })
      .finally(() => {
        this.#announcements -= 1
      })
  }

  /** Believed when the request is its account's and the signature is that of the account's key. */
  async #learnAnnounced(body: Uint8Array): Promise<void> {
    const { request, finished } = decodeAnnouncement(body)
    const asked = await this.#init.authorizeDone(request)
    if (asked.kind === 'sign' && this.#learn(asked, finished)) this.#claimNonce(asked)
  }

  async #follow(
    from: PartyIndex,
    letter: Letter,
    begun: (session: Session) => void,
  ): Promise<void> {
    const { committee, authorize, live, router, results, now } = this.#init
    const opening = decodeSigningOpening(letter.body)
    if (Math.abs(opening.evalTime - now()) > MAX_SKEW_S) throw later('clock')
    const asked = await authorize(opening.request)
    if (asked.kind !== 'sign') throw new RequestError('REQ_MALFORMED')
    const { certificate, derived } = asked.account
    const sameKey = Buffer.from(opening.keyId).equals(certificate.keyId)
    if (!sameKey || opening.path.join() !== derived.path.join())
      throw new RequestError('KEY_NOT_FOUND')
    const { attempt, nonce, signers } = opening
    const plan = signingPlan(committee, asked, signers, attempt, nonce)
    if (!signers.includes(from) || !signers.includes(committee.me.index))
      throw new RequestError('MPC_QUORUM')
    if (attempt !== letter.attempt || !Buffer.from(plan.instanceId).equals(letter.session))
      throw new Declined({
        kind: 'abort',
        fault: { kind: 'binding', round: 'session/open', from },
      })
    const done = results.get(asked.request.digest, now())
    if (done !== undefined) throw new Declined({ kind: 'result', result: encodeFinished(done) })
    this.#declineNow(asked, plan)
    const claim = live.claim(asked.request.digest, attempt, from)
    if (claim === undefined) throw later('busy')
    try {
      this.#claimNonce(asked)
      const session = this.#open(plan, Math.min(Math.max(opening.budgetMs, MIN_BUDGET_MS), SIGN_MS))
      if (session === 'reused') throw new RequestError('SESSION_ID_REUSED')
      if (session === 'overloaded') throw later('overloaded')
      claim.run(session)
      begun(session)
      await router.conduct(session, (party) => this.#sign(party, asked, plan))
      await this.#init.activities.prune(now())
    } finally {
      claim.release()
    }
  }

  /** The conversation, the same for leader and followers. */
  async #sign(party: Party, asked: SignRequest, plan: Timed): Promise<void> {
    const { committee, kernel, random, pairs, converse } = this.#init
    const { account, intent } = asked
    const { networkId, epochId, me } = committee
    const { publicKey: keyPublic } = account.certificate
    const { derived } = account
    const signature = await this.#withShare(account, (share) => {
      const setups = pairs.withAll(plan.signers.filter((signer) => signer !== me.index))
      if (setups === undefined) throw this.#missing(plan)
      return converse(party, kernel, random, {
        networkId,
        epochId,
        keyPublic,
        derived,
        share,
        guests: plan.guests,
        pairs: setups,
        digest: intent.digest,
        beforeLast: () => {
          const record = (): Promise<void> => this.#record(asked, plan)
          return plan.timeline?.during('record', record) ?? record()
        },
      })
    })
    if (!this.#keep(asked, { signature, signers: plan.signers }))
      throw new ProtocolError({ kind: 'signature', round: 'sign/3-combine' })
    this.#init.tell('SIGNED')
  }

  /** A share that contradicts the certificate halts its key: nothing is signed with it, nothing is erased. */
  async #withShare<T>(account: Account, use: (share: Handle<'share'>) => Promise<T>): Promise<T> {
    const { committee, keys, kernel } = this.#init
    try {
      return await withShare(keys, kernel, committee.me.index, account, use)
    } catch (error) {
      if (error instanceof ProtocolError && error.fault.kind === 'own-share')
        this.#halted.add(hex(account.certificate.keyId))
      throw error
    }
  }

  /** Row 20 of 05 §3.3: what this guest is about to sign is durable before its last message leaves. */
  async #record(
    { request, account, intent, meaning }: SignRequest,
    plan: SigningPlan,
  ): Promise<void> {
    const { digest, core } = request
    await this.#init.activities.record({
      accountId: account.id,
      nonce: core.nonce,
      digest,
      meaning,
      intentDigest: intent.intentDigest,
      keyId: account.certificate.keyId,
      attempt: plan.attempt,
      signers: plan.signers,
      exp: core.exp,
    })
  }

  /** Verifies, and keeps for whoever asks again; false for a signature that is not this key's. */
  #keep({ request, account, intent }: SignRequest, finished: Finished): boolean {
    const { kernel, results } = this.#init
    const { signature } = finished
    if (!kernel.ecdsaVerify(account.derived.publicKey, intent.digest, signature)) return false
    if (recoverAddress(intent.digest, signature) !== account.address) return false
    results.put(request.digest, finished, request.core.exp)
    return true
  }

  /** A follower says that it is done: believed when the signature verifies; who signed is its word. */
  #learn(asked: SignRequest, result: Uint8Array): boolean {
    const finished = decodeFinished(result)
    return isSignerSet(this.#init.committee, finished.signers) && this.#keep(asked, finished)
  }

  #open({ signers, attempt, instanceId }: SigningPlan, deadlineMs: number, timeline?: Timeline) {
    return this.#init.router.open({
      kind: KINDS.signature,
      instanceId,
      attempt,
      everyone: signers,
      deadlineMs,
      ...(timeline && { progress: signingProgress(timeline) }),
    })
  }

  /** Row 19 for the leader, and what stands in the way in this guest. */
  #notNow({ account }: SignRequest, { signers }: SigningPlan): LeadReply | undefined {
    const { bans, pairs, committee } = this.#init
    if (this.#halted.has(hex(account.certificate.keyId))) return this.#withoutMe()
    const banned = bans.among(signers)
    if (banned !== undefined) return failed('banned', banned)
    const missing = pairs.missing(signers.filter((signer) => signer !== committee.me.index))
    return missing.length > 0 ? failed('setup-missing', missing, RETRY_MS) : undefined
  }

  /** The key is halted here, and only here: the others sign on. */
  #withoutMe(): LeadReply {
    return { ...failed('refused', [this.#init.committee.me.index]), ids: ['KEY_NOT_FOUND'] }
  }

  /** The same for a follower. */
  #declineNow({ account }: SignRequest, { signers }: SigningPlan): void {
    const { bans, pairs, committee } = this.#init
    if (this.#halted.has(hex(account.certificate.keyId))) throw new RequestError('KEY_NOT_FOUND')
    if (bans.among(signers) !== undefined) throw new RequestError('PAIR_BANNED')
    const missing = pairs.missing(signers.filter((signer) => signer !== committee.me.index))
    if (missing.length > 0) throw later('setup-missing')
  }

  #missing({ signers }: SigningPlan): ProtocolError {
    const [from = 0] = this.#init.pairs.missing(
      signers.filter((signer) => signer !== this.#init.committee.me.index),
    )
    return new ProtocolError({ kind: 'setup-missing', round: 'sign/1-commit', from })
  }

  /** Two requests of other meaning, checked at the same time, may not both have the nonce. */
  #claimNonce({ request, account, meaning }: SignRequest): void {
    if (!this.#init.activities.claim(account.id, request.core.nonce, meaning))
      throw new RequestError('NONCE_REUSED')
  }
}

/** An attempt whose leader notes where its time goes. */
type Timed = SigningPlan & { readonly timeline?: Timeline }

/** What the request returns, made from its signature: the same bytes every time. */
const doneReply = ({ intent }: SignRequest, { signature, signers }: Finished): LeadReply => ({
  kind: 'done',
  result: intent.finish(signature),
  signers,
})

const later = (reason: 'busy' | 'setup-missing' | 'overloaded' | 'clock'): Declined =>
  new Declined({ kind: 'notYet', reason, retryAfterMs: RETRY_MS })

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')
