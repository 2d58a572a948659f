import type { ErrorId } from '../../../protocols/request/errors.ts'
import { RequestError } from '../../../protocols/request/errors.ts'
import { DecodeError } from '../../../protocols/session/codec.ts'
import type { PartyIndex } from '../../../protocols/session/faults.ts'
import { MESSAGE_TYPES } from '../../../protocols/session/numbers.ts'
import { type Account, accountOf } from '../accounts/account.ts'
import { type Committee, otherGuests } from '../committee.ts'
import type { Tell } from '../events.ts'
import type { Authorized } from '../requests/authorize.ts'
import type { Clock } from '../sessions/clock.ts'
import type { Letter } from '../sessions/post.ts'
import type { SessionRouter } from '../sessions/session-router.ts'
import { AccountTurns } from './account-turns.ts'
import type { Decision } from './account-votes.ts'
import {
  type AssignmentLetter,
  decodeAssignmentLetter,
  MAX_ASSIGNED_REQUEST_BYTES,
} from './assignment-letters.ts'
import { AssignmentPost } from './assignment-post.ts'
import { decodeVotes, encodeVotes } from './assignment-votes.ts'
import { Ballot, type BallotInit } from './ballot.ts'
import { Changes } from './changes.ts'
import { decoded, type HeldKeys } from './held-keys.ts'
import type { KeyGate } from './key-gate.ts'
import { madeName } from './key-part.ts'
import type { KeygenLimits } from './keygen-limits.ts'
import {
  assigningName,
  decodeAssigning,
  encodeAssigning,
  OpenAssignment,
} from './open-assignment.ts'

/** Accounts led at once; each costs the others a verification and a synced write. Beyond it keys are generated. */
const MAX_LED = 16
/** Letters of one member that are looked at: what it leads, and what it asks about. */
const MAX_LOOKS = 32
/** A leader asks again while its client waits; a guest that merely remembers, more seldom. */
const FIRST_RETRY_MS = 100
const MAX_RETRY_MS = 1_000
const FIRST_ASK_MS = 1_000
const MAX_ASK_MS = 60_000
const OPEN_PER_TICK = 4

type CreateRequest = Extract<Authorized, { kind: 'create' }>

/** Why an account that was begun is not decided yet. */
export interface Unassigned {
  readonly refused: readonly { readonly from: PartyIndex; readonly id: ErrorId }[]
  /** Whose votes are missing. */
  readonly silent: readonly PartyIndex[]
}

export interface AssignmentsInit extends BallotInit {
  readonly router: SessionRouter
  readonly clock: Clock
  readonly held: HeldKeys
  readonly limits: KeygenLimits
  readonly gate: Pick<KeyGate, 'isReleased'>
  /** `voted`: so many members voted for it that an honest one checked its times when they were right. */
  readonly authorize: (request: Uint8Array, voted: boolean) => Promise<Authorized>
  /** Whether a key is being generated for this account, or was and may still become its key. */
  readonly isBusy: (accountId: Uint8Array) => boolean
  /** Whether every member is connected. */
  readonly isComplete: () => boolean
  /** This guest's pool is smaller now. */
  readonly onUsed: () => void
  readonly tell: Tell
  readonly onError: (error: unknown) => void
}

/**
 * Ready keys given to accounts. Every member votes once for each account and once for each key, durably before
 * it says so; the first vote for a key is its owner's. The votes of all for one key are the decision. Where they
 * differ, for two leaders raced, each member that knows all of them gives one final vote, for the key that most
 * name; a quorum of those decides. What is decided is followed by everyone, whatever it voted itself: only votes
 * make a decision unique. Votes never change and never expire, so every letter may be lost, doubled or late, and
 * what was begun before a crash goes on after it.
 */
export class Assignments {
  readonly #init: AssignmentsInit
  readonly #open = new Map<string, OpenAssignment>()
  readonly #turns = new AccountTurns()
  readonly #post: AssignmentPost
  readonly #ballot: Ballot
  readonly #looks = new Map<PartyIndex, number>()
  /** Keys that are about to be an account's. */
  readonly #following = new Set<string>()
  #led = 0
  #disarm: (() => void) | undefined
  #delay = FIRST_ASK_MS
  #closed = false

  constructor(init: AssignmentsInit) {
    this.#init = init
    this.#post = new AssignmentPost(init.committee, init.router)
    this.#ballot = new Ballot(init)
    for (const name of init.records.criticalNames('assigning/')) {
      const record = init.records.critical(name)
      if (record === undefined) throw new Error(`bug: ${name} is listed and not there`)
      const open = decoded(name, () => decodeAssigning(init.committee, record))
      this.#open.set(hex(open.accountId), open)
    }
    init.router.on(MESSAGE_TYPES.assignment, (from, letter) => this.#look(from, letter))
  }

  /** Whether this guest gave a vote for this account, and its key is not decided. */
  has(accountId: Uint8Array): boolean {
    return this.#open.has(hex(accountId))
  }

  /** Accounts that are not decided. */
  get count(): number {
    return this.#open.size
  }

  /** Keys of this owner that were named and are no account's yet. */
  countOf(owner: PartyIndex): number {
    return [...this.#open.values()].filter((open) =>
      open.votes.some(({ party, final }) => party === owner && !final),
    ).length
  }

  /** Asks now, and again until nothing is open: at boot, and when a peer comes up. */
  resume(): void {
    this.#delay = FIRST_ASK_MS
    this.#tick()
  }

  /** Lets this member know what is known of the account. */
  tell(accountId: Uint8Array, to: PartyIndex): void {
    this.#background(
      this.#turns.run(accountId, async () => {
        const open = this.#open.get(hex(accountId))
        if (open !== undefined) await this.#post.ask(open, to)
      }),
    )
  }

  /**
   * Gives the account a key of this guest's pool, or goes on with what was begun: 'none' when nothing was, and
   * nothing can be begun now. When it resolves otherwise, the account exists or the votes are not complete.
   */
  async lead(
    request: Uint8Array,
    asked: CreateRequest,
    budgetMs: number,
  ): Promise<'none' | Unassigned> {
    const { accountId } = asked
    if (!this.has(accountId) && !this.#mayBegin(request, accountId)) return 'none'
    this.#led += 1
    try {
      const begun = await this.#turns.run(accountId, () => this.#begin(request, asked))
      return begun ? await this.#settle(accountId, budgetMs) : 'none'
    } finally {
      this.#led -= 1
    }
  }

  close(): void {
    this.#closed = true
    this.#disarm?.()
  }

  /** A key of this guest's pool that no change of epoch can lose (03 §6.1). */
  #nextKey(): Uint8Array | undefined {
    const { committee, ready, gate } = this.#init
    return ready.keysOf(committee.me.index).find((keyId) => gate.isReleased(keyId))
  }

  #mayBegin(request: Uint8Array, accountId: Uint8Array): boolean {
    const { certified, isBusy, isComplete } = this.#init
    return (
      !this.#closed &&
      this.#led < MAX_LED &&
      request.length <= MAX_ASSIGNED_REQUEST_BYTES &&
      this.#nextKey() !== undefined &&
      isComplete() &&
      !certified.has(accountId) &&
      !isBusy(accountId)
    )
  }

  async #begin(request: Uint8Array, { accountId }: CreateRequest): Promise<boolean> {
    const { committee, limits, onUsed } = this.#init
    if (this.has(accountId) || (await this.#account(accountId)) !== undefined) return true
    const keyId = this.#nextKey()
    if (keyId === undefined || !this.#mayBegin(request, accountId)) return false
    limits.ran(committee.me.index)
    await this.#vote(new OpenAssignment(committee, request, []), keyId)
    onUsed()
    return true
  }

  /** Asks until the account has its key, somebody refuses or the time is over. */
  async #settle(accountId: Uint8Array, budgetMs: number): Promise<Unassigned> {
    const { clock, committee } = this.#init
    const end = clock.monotonicMs() + budgetMs
    const open = this.#open.get(hex(accountId))
    if (open === undefined) return { refused: [], silent: [] }
    open.refused.clear()
    const changed = new Changes(open.changed)
    try {
      for (let delay = 0; this.has(accountId); delay = Math.min(2 * delay, MAX_RETRY_MS)) {
        const left = end - clock.monotonicMs()
        if (left <= 0 || this.#closed || open.refused.size > 0) break
        this.#background(this.#turns.run(accountId, () => this.#askAll(open)))
        delay ||= FIRST_RETRY_MS
        const done = () => !this.has(accountId) || open.refused.size > 0
        await changed.until(done, (ring) => clock.after(Math.min(delay, left), ring))
      }
    } finally {
      changed.close()
    }
    const refused = this.has(accountId) ? [...open.refused].map(([from, id]) => ({ from, id })) : []
    const silent = otherGuests(committee).flatMap(({ index }) =>
      open.has({ party: index, final: false }) ? [] : [index],
    )
    return { refused, silent }
  }

  #look(from: PartyIndex, { body }: Letter): void {
    const looks = this.#looks.get(from) ?? 0
    if (looks >= MAX_LOOKS || this.#closed) return // it asks again
    const letter = decodedLetter(body)
    if (letter === undefined || letter.votes.length > 2 * this.#size) return
    this.#looks.set(from, looks + 1)
    const done = this.#turns.run(letter.accountId, () => this.#take(from, letter))
    this.#background(done.finally(() => this.#looks.set(from, (this.#looks.get(from) ?? 1) - 1)))
  }

  async #take(from: PartyIndex, letter: AssignmentLetter): Promise<void> {
    const { accountId, asks } = letter
    const account = await this.#account(accountId)
    if (account !== undefined) {
      if (asks) await this.#post.reply(from, accountId, decodeVotes(account.votes))
      return
    }
    const open = this.#open.get(hex(accountId)) ?? (await this.#join(from, letter))
    if (open === undefined) return
    if (letter.refused !== null) open.refused.set(from, letter.refused)
    const votes = this.#ballot.genuine(from, accountId, letter.votes, open)
    open.hear(votes, this.#size, this.#init.committee.quorum)
    await this.#advance(open)
    if (asks) await this.#post.reply(from, accountId, this.#decided(open)?.votes ?? open.votes)
  }

  /** Every account has its mark: without one there is nothing to read. */
  async #account(accountId: Uint8Array): Promise<Account | undefined> {
    const { accounts, certified } = this.#init
    return certified.has(accountId) ? await accounts.get(accountId) : undefined
  }

  /** Another member's request: verified here as any, and voted for if its owner names a key that is ready. */
  async #join(from: PartyIndex, letter: AssignmentLetter): Promise<OpenAssignment | undefined> {
    const { committee, certified, ready, limits, isBusy, authorize, onUnknownKey } = this.#init
    const { accountId, request, asks } = letter
    if (request === null || !asks || !letter.votes.some((vote) => this.#ballot.isNaming(vote)))
      return undefined
    try {
      const votes = this.#ballot.genuine(from, accountId, letter.votes)
      const firsts = votes.filter(({ final }) => !final)
      const forgotten = firsts.find(({ party }) => party === committee.me.index)
      const named = [...(forgotten ? [forgotten] : []), ...firsts].find(
        (vote) => this.#ballot.isNaming(vote) && ready.ownerOf(vote.keyId) !== undefined,
      )
      if (named === undefined) {
        const early = firsts.find((vote) => this.#ballot.isNaming(vote))
        if (early !== undefined) onUnknownKey(early.keyId)
        return undefined
      }
      const voters = new Set(firsts.map(({ party }) => party))
      const asked = await authorize(request, voters.size > maxFaulty(committee))
      if (asked.kind !== 'create' || !equal(asked.accountId, accountId))
        throw new RequestError('REQ_MALFORMED')
      if (isBusy(accountId)) return undefined
      if (certified.has(accountId))
        throw new RequestError('STORAGE_FAILED', "the record of this account's key is missing")
      const owner = ready.ownerOf(named.keyId)
      if (owner === undefined) return undefined // named for another account meanwhile
      limits.assertOpen(owner)
      limits.ran(owner)
      const others = votes.filter((vote) => vote !== forgotten)
      const open = new OpenAssignment(committee, request, others)
      await this.#vote(open, named.keyId)
      return open
    } catch (error) {
      if (!(error instanceof RequestError)) throw error
      await this.#post.reply(from, accountId, [], error.id)
      return undefined
    }
  }

  /** The first vote: key and account taken, in one turn and one write; known to anyone only after that. */
  async #vote(open: OpenAssignment, keyId: Uint8Array): Promise<void> {
    const { records, certified, ready } = this.#init
    const { accountId, request } = open
    this.#open.set(hex(accountId), open)
    const mine = this.#ballot.sign(accountId, keyId, false)
    await records.write({
      critical: new Map([
        ready.take(keyId),
        certified.add(accountId, keyId),
        [assigningName(accountId), encodeAssigning(request, [...open.votes, mine])],
      ]),
    })
    open.add(mine)
    this.#arm()
    this.#background(this.#init.held.expect(keyId))
  }

  /** What follows from the votes that are known now. */
  async #advance(open: OpenAssignment): Promise<void> {
    const choice = open.choice(this.#size)
    if (this.#decided(open) === undefined && choice !== undefined) {
      if (open.vote(true) === undefined && this.#ballot.mayVoteFor(open, choice)) {
        await this.#voteFinally(open, choice)
        await this.#askAll(open)
      }
    }
    const decision = this.#decided(open)
    if (decision !== undefined) await this.#decide(open, decision)
    for (const wake of open.changed) wake()
  }

  get #size(): number {
    return this.#init.committee.guests.length
  }

  #decided(open: OpenAssignment): Decision | undefined {
    return open.decided(this.#size, this.#init.committee.quorum)
  }

  async #voteFinally(open: OpenAssignment, keyId: Uint8Array): Promise<void> {
    const { records, certified } = this.#init
    const { accountId, request } = open
    const mine = this.#ballot.sign(accountId, keyId, true)
    await records.write({
      critical: new Map([
        ...this.#taken(keyId),
        certified.set(accountId, keyId),
        [assigningName(accountId), encodeAssigning(request, [...open.votes, mine])],
      ]),
    })
    open.add(mine)
  }

  async #decide(open: OpenAssignment, decision: Decision): Promise<void> {
    const place = hex(decision.keyId)
    if (this.#following.has(place)) return
    this.#following.add(place)
    try {
      if (await this.#ballot.mayFollow(open, decision.keyId)) await this.#follow(open, decision)
    } finally {
      this.#following.delete(place)
    }
  }

  /** The account is there. Every vote was durable where it was given, so the others may know at once. */
  async #follow(open: OpenAssignment, { keyId, votes }: Decision): Promise<void> {
    const { accounts, certified, held, tell } = this.#init
    const { accountId, digest, credential } = open
    const led = open.changed.size > 0
    const told = led ? this.#post.tellAll(accountId, votes) : Promise.resolve()
    const certificate = await held.certificate(keyId)
    const account = accountOf(accountId, digest, credential, certificate, encodeVotes(votes))
    await accounts.add(account, () => ({
      bulk: new Map([[madeName(keyId), null]]), // the account's record has it now
      critical: new Map([
        ...this.#taken(keyId),
        certified.set(accountId, keyId),
        [assigningName(accountId), null],
      ]),
    }))
    this.#open.delete(hex(accountId))
    tell('KEY_ACTIVE')
    this.#background(told)
  }

  /** The account has a key that was made for it: a quorum certified that one, so no ready key can become it. */
  async #dropDecided({ accountId }: OpenAssignment): Promise<void> {
    const { accounts, records } = this.#init
    if (!this.has(accountId) || (await accounts.get(accountId)) === undefined) return
    await records.write({ critical: new Map([[assigningName(accountId), null]]) })
    this.#open.delete(hex(accountId))
  }

  #taken(keyId: Uint8Array): readonly (readonly [string, Uint8Array | null])[] {
    const { ready } = this.#init
    return ready.ownerOf(keyId) === undefined ? [] : [ready.take(keyId)]
  }

  async #askAll(open: OpenAssignment): Promise<void> {
    if (this.has(open.accountId)) await this.#post.askAll(open)
  }

  #tick(): void {
    this.#disarm?.()
    this.#disarm = undefined
    if (this.#closed || this.#open.size === 0) return
    const next = [...this.#open.values()].sort((a, b) => a.asks - b.asks).slice(0, OPEN_PER_TICK)
    for (const open of next) {
      open.asks += 1
      this.#background(
        this.#turns.run(open.accountId, async () => {
          await this.#advance(open)
          await this.#askAll(open)
          await this.#dropDecided(open)
        }),
      )
    }
    this.#arm()
  }

  /** The next question, unless one is due already. */
  #arm(): void {
    if (this.#closed || this.#disarm !== undefined) return
    this.#disarm = this.#init.clock.after(this.#delay, () => this.#tick())
    this.#delay = Math.min(2 * this.#delay, MAX_ASK_MS)
  }

  #background(work: Promise<void>): void {
    work.catch((error: unknown) => {
      if (!this.#closed) this.#init.onError(error)
    })
  }
}

/** f of 03 §2. */
const maxFaulty = ({ guests }: Committee): number => Math.floor((guests.length - 1) / 3)

function decodedLetter(body: Uint8Array): AssignmentLetter | undefined {
  try {
    return decodeAssignmentLetter(body)
  } catch (cause) {
    if (cause instanceof DecodeError) return undefined // it tells and asks nothing
    throw cause
  }
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')
const equal = (a: Uint8Array, b: Uint8Array): boolean => Buffer.from(a).equals(b)
