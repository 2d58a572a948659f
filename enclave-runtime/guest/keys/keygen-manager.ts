import {
  decodeKeyCertificate,
  encodeKeyCertificate,
} from '../../../protocols/keygen/key-certificate.ts'
import { credentialIdOf, uuidText } from '../../../protocols/request/account-id.ts'
import { toBase64url } from '../../../protocols/request/base64url.ts'
import { ENGINE_VERSION, sessionBinding } from '../../../protocols/request/binding.ts'
import { RequestError } from '../../../protocols/request/errors.ts'
import type { PartyIndex } from '../../../protocols/session/faults.ts'
import { FORMS, instanceId, KINDS } from '../../../protocols/session/instance.ts'
import type { Party } from '../../../protocols/session/round.ts'
import { SECP256K1 } from '../../../protocols/sharing/key-record.ts'
import type { JsonValue, LeadPlan, LeadReply } from '../../port/messages.ts'
import type { Account } from '../accounts/account.ts'
import type { AccountStore } from '../accounts/account-store.ts'
import type { Authorized } from '../requests/authorize.ts'
import { policyHashOf } from '../requests/policy.ts'
import type { Answers } from '../sessions/answers.ts'
import { Declined, type Followers, MAX_KEYGENS_PER_OPENER } from '../sessions/followers.ts'
import { failed, leadFailure } from '../sessions/lead-reply.ts'
import { openEverywhere } from '../sessions/lead-session.ts'
import type { LiveAttempts } from '../sessions/live-attempts.ts'
import type { Letter } from '../sessions/post.ts'
import type { Session } from '../sessions/session.ts'
import type { SessionRouter } from '../sessions/session-router.ts'
import type { Assignments, Unassigned } from './assignments.ts'
import { isValidCertificate } from './certificates.ts'
import type { KeyGate } from './key-gate.ts'
import type { KeygenLimits } from './keygen-limits.ts'
import { decodeKeygenOpening, encodeKeygenOpening } from './keygen-opening.ts'
import { type RunKeygenDeps, runKeygen } from './run-keygen.ts'

/**
 * The longest run of one key, led or followed. 02 §11 gives a chunk of many keys 120 s; no request lives
 * longer than 30 s (03 §9.1), and a run holds its place in every guest.
 */
const KEYGEN_MS = 30_000
const MIN_BUDGET_MS = 500
const RETRY_MS = 1_000
const RELEASE_MS = 5_000 // a quorum answers in well under a second
const MAX_SKEW_S = 30 // 05 §3.2

export type CreateRequest = Extract<Authorized, { kind: 'create' }>

export interface KeygenManagerInit extends RunKeygenDeps {
  readonly router: SessionRouter
  readonly answers: Answers
  readonly followers: Followers
  readonly live: LiveAttempts
  readonly limits: KeygenLimits
  readonly accounts: AccountStore
  readonly gate: Pick<KeyGate, 'release'>
  /** Ready keys given to accounts. */
  readonly assignments: Assignments
  /** Unix seconds. */
  readonly now: () => number
  readonly authorize: (request: Uint8Array) => Promise<Authorized>
}

/** Key generations, each for one new account: led here, or opened by another guest. All members take part. */
export class KeygenManager {
  readonly #init: KeygenManagerInit
  readonly #running = new Set<string>()
  /** Runs led here. */
  #leading = 0

  constructor(init: KeygenManagerInit) {
    this.#init = init
  }

  /** Whether a run for this account goes on here. */
  isBusy(accountId: Uint8Array): boolean {
    return this.#running.has(hex(accountId))
  }

  /** Throws `RequestError` when no new account can be made through this guest now. */
  assertOpen(accountId: Uint8Array): void {
    const { limits, committee } = this.#init
    this.#assertNoKey(accountId)
    limits.assertOpen(committee.me.index)
  }

  /** What holdfast_createAccount returns (05 §4.1), with the certificate that proves it. */
  static resultOf({ id, certificate, address }: Account): JsonValue {
    return {
      account_id: uuidText(id),
      key_id: hex(certificate.keyId),
      address,
      certificate: toBase64url(encodeKeyCertificate(certificate)),
    }
  }

  /** One attempt led here, for a request that was authorized here. */
  async lead(request: Uint8Array, asked: CreateRequest, plan: LeadPlan): Promise<LeadReply> {
    const { committee, accounts, assignments, keys, pending, random, live, now } = this.#init
    const { accountId } = asked
    const budgetMs = Math.max(MIN_BUDGET_MS, Math.min(plan.budgetMs, KEYGEN_MS))
    if (keys.ofAccount(accountId).length > 0 && !this.isBusy(accountId)) {
      // An earlier run may still become the account's key: only when it cannot, another may begin.
      if ((await pending.resolve(accountId)) === 'open') return failed('not-yet', [], RETRY_MS)
    }
    const existing = keys.isCertified(accountId) ? await accounts.get(accountId) : undefined
    if (existing !== undefined) return await this.#done(existing)
    this.assertOpen(accountId)
    const assigned = await assignments.lead(request, asked, budgetMs)
    if (assigned !== 'none') {
      const account = await accounts.get(accountId)
      return account === undefined ? unassigned(assigned) : await this.#done(account)
    }
    if (assignments.has(accountId)) return failed('not-yet', [], RETRY_MS) // another member named a key meanwhile
    if (this.#leading >= MAX_KEYGENS_PER_OPENER) return failed('overloaded', [], RETRY_MS)
    const attempt = live.ownAttempt(asked.request.digest, plan.attempt)
    const claim = live.claim(asked.request.digest, attempt, committee.me.index)
    if (claim === undefined) return failed('busy', [], RETRY_MS)
    this.#leading += 1
    try {
      const nonce = random(32)
      const session = this.#open(asked, attempt, nonce, budgetMs)
      if (typeof session === 'string') return failed('overloaded', [], RETRY_MS)
      claim.run(session)
      const opening = encodeKeygenOpening({ request, attempt, nonce, evalTime: now(), budgetMs })
      return await this.#conductAsLeader(session, asked, opening)
    } finally {
      this.#leading -= 1
      claim.release()
    }
  }

  /** Another guest opens a key generation. */
  take(from: PartyIndex, letter: Letter): void {
    this.#init.followers.take('keygen', from, letter, (begun) => this.#follow(from, letter, begun))
  }

  async #conductAsLeader(
    session: Session,
    asked: CreateRequest,
    opening: Uint8Array,
  ): Promise<LeadReply> {
    const { router, answers, accounts } = this.#init
    const heard = answers.watch(session, (result) => this.#learn(result))
    try {
      await this.#during(asked, session.me, () =>
        router.conduct(session, (party) =>
          openEverywhere(router, session, opening, party, () => this.#generate(party, asked)),
        ),
      )
    } catch (error) {
      const account = await accounts.get(asked.accountId)
      return account === undefined ? leadFailure(error, heard, session) : await this.#done(account)
    } finally {
      answers.unwatch(session)
    }
    const account = await accounts.get(asked.accountId)
    if (account === undefined) throw new Error('bug: a generated key without an account')
    return await this.#done(account)
  }

  async #follow(
    from: PartyIndex,
    letter: Letter,
    begun: (session: Session) => void,
  ): Promise<void> {
    const { authorize, accounts, assignments, keys, limits, live, router, now } = this.#init
    const opening = decodeKeygenOpening(letter.body)
    if (Math.abs(opening.evalTime - now()) > MAX_SKEW_S) throw later('clock')
    const asked = await authorize(opening.request)
    if (asked.kind !== 'create') throw new RequestError('REQ_MALFORMED')
    const { attempt, nonce } = opening
    const instance = this.#instance(asked, attempt, nonce)
    if (attempt !== letter.attempt || !Buffer.from(instance).equals(letter.session))
      throw new Declined({ kind: 'abort', fault: { kind: 'binding', round: 'session/open', from } })
    const account = await accounts.get(asked.accountId)
    if (account !== undefined) {
      const result = encodeKeyCertificate(account.certificate)
      throw new Declined({ kind: 'result', result })
    }
    // What this guest has certified stays the account's key; the leader has to ask for it.
    if (keys.ofAccount(asked.accountId).some(({ proofs }) => proofs !== null))
      throw later('pending')
    if (assignments.has(asked.accountId)) {
      assignments.tell(asked.accountId, from) // it may not know that a ready key was named
      throw later('pending')
    }
    this.#assertNoKey(asked.accountId)
    limits.assertOpen(from)
    const claim = live.claim(asked.request.digest, attempt, from)
    if (claim === undefined) throw later('busy')
    try {
      const budgetMs = Math.min(Math.max(opening.budgetMs, MIN_BUDGET_MS), KEYGEN_MS)
      const session = this.#open(asked, attempt, nonce, budgetMs)
      if (session === 'reused') throw new RequestError('SESSION_ID_REUSED')
      if (session === 'overloaded') throw later('overloaded')
      claim.run(session)
      begun(session)
      await this.#during(asked, from, () =>
        router.conduct(session, (party) => this.#generate(party, asked)),
      )
    } finally {
      claim.release()
    }
  }

  /** An account whose key was certified here has a record of it: without one there is no second key. */
  #assertNoKey(accountId: Uint8Array): void {
    const { keys, assignments } = this.#init
    if (assignments.has(accountId)) return
    if (keys.isCertified(accountId) && keys.ofAccount(accountId).length === 0)
      throw new RequestError('STORAGE_FAILED', "the record of this account's key is missing")
  }

  async #generate(party: Party, { accountId, credential, request }: CreateRequest): Promise<void> {
    const { digest } = request
    await runKeygen(this.#init, party, { kind: 'account', accountId, digest, credential }, 1)
  }

  /** While it runs, the account's earlier keys are neither certified nor called dead. */
  async #during(
    { accountId }: CreateRequest,
    opener: PartyIndex,
    run: () => Promise<void>,
  ): Promise<void> {
    const { keys, limits, pending } = this.#init
    const key = hex(accountId)
    const before = keys.ofAccount(accountId).length
    this.#running.add(key)
    limits.ran(opener)
    try {
      await run()
    } finally {
      this.#running.delete(key)
      if (keys.ofAccount(accountId).length > before) limits.lost(opener)
      pending.resume()
    }
  }

  /**
   * A follower has a certificate for this account. It names no account, so it proves nothing about one:
   * only the key that is pending here is believed to be the account's, and asking settles that.
   */
  #learn(result: Uint8Array): boolean {
    return isValidCertificate(this.#init.committee, decodeKeyCertificate(result))
  }

  /** The address is told only when a quorum holds its key (03 §6.1). */
  async #done(account: Account): Promise<LeadReply> {
    const released = await this.#init.gate.release([account.certificate], RELEASE_MS)
    if (!released) return failed('not-yet', [], RETRY_MS)
    const signers = this.#init.committee.guests.map(({ index }) => index)
    return { kind: 'done', result: KeygenManager.resultOf(account), signers }
  }

  #open(asked: CreateRequest, attempt: number, nonce: Uint8Array, deadlineMs: number) {
    const { router, committee } = this.#init
    const everyone = committee.guests.map(({ index }) => index)
    const instance = this.#instance(asked, attempt, nonce)
    const kind = KINDS.keygen
    return router.open({ kind, instanceId: instance, attempt, everyone, deadlineMs })
  }

  #instance(
    { request, accountId, credential }: CreateRequest,
    attempt: number,
    coordinatorNonce: Uint8Array,
  ): Uint8Array {
    const { networkId, epoch, epochId, guests, threshold } = this.#init.committee
    const nothing = new Uint8Array()
    const requestDigest = sessionBinding({
      networkId,
      epoch: epoch.e,
      digest: request.digest,
      intentDigest: nothing,
      chainDigest: nothing,
      keyId: nothing,
      path: [],
      policyHash: policyHashOf(credentialIdOf(accountId, credential)),
      engine: ENGINE_VERSION,
      signers: guests.map(({ index }) => index),
      attempt,
      presignatureId: null,
    })
    return instanceId({
      kind: KINDS.keygen,
      networkId,
      epochId,
      participants: { dealers: guests, receivers: guests },
      params: { curve: SECP256K1, threshold, count: 1, chunk: 0, subAttempt: 0 },
      form: FORMS.none,
      requestDigest,
      attempt,
      coordinatorNonce,
    })
  }
}

/** Votes are out and the account is not decided yet: this attempt is over, and the next one goes on from there. */
const unassigned = ({ refused, silent }: Unassigned): LeadReply => {
  if (refused.length > 0)
    return {
      ...failed(
        'refused',
        refused.map(({ from }) => from),
      ),
      ids: [...new Set(refused.map(({ id }) => id))],
    }
  return failed(silent.length > 0 ? 'timeout' : 'not-yet', silent, RETRY_MS)
}

const later = (reason: 'busy' | 'overloaded' | 'clock' | 'pending'): Declined =>
  new Declined({ kind: 'notYet', reason, retryAfterMs: RETRY_MS })

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')
