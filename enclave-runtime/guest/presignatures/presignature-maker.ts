import type { Breathe } from '../../../protocols/crypto/breathe.ts'
import type { Random } from '../../../protocols/crypto/random.ts'
import type { Kernel } from '../../../protocols/kernel/kernel.ts'
import type { PairSetup } from '../../../protocols/pair-setup/set-up-pair.ts'
import { RequestError } from '../../../protocols/request/errors.ts'
import { type PartyIndex, ProtocolError } from '../../../protocols/session/faults.ts'
import { FORMS, KINDS } from '../../../protocols/session/instance.ts'
import type { Party } from '../../../protocols/session/round.ts'
import { sideBySide } from '../../../protocols/session/side-by-side.ts'
import type { SigningForm } from '../../../protocols/sign/prepare.ts'
import { type Presignature, presign } from '../../../protocols/sign/presign.ts'
import type { Account } from '../accounts/account.ts'
import type { AccountStore } from '../accounts/account-store.ts'
import type { Background, Cost } from '../background/background.ts'
import { meteredKernel } from '../background/metered-kernel.ts'
import { meteredParty } from '../background/metered-party.ts'
import type { Committee } from '../committee.ts'
import type { PairSetups } from '../pairs/pair-setups.ts'
import type { RoomBans } from '../pairs/room-bans.ts'
import type { Answers } from '../sessions/answers.ts'
import type { ChoiceRoom, Leave } from '../sessions/choice-room.ts'
import type { Clock } from '../sessions/clock.ts'
import { Declined, type Followers } from '../sessions/followers.ts'
import { openEverywhere } from '../sessions/lead-session.ts'
import type { Letter } from '../sessions/post.ts'
import type { Session } from '../sessions/session.ts'
import type { SessionRouter } from '../sessions/session-router.ts'
import type { CorrelationsForSigning } from '../signing/correlations-for-signing.ts'
import type { KeyShares } from '../signing/key-shares.ts'
import { fromCorrelations } from '../signing/make-signature.ts'
import { isSignerSet } from '../signing/signing-plan.ts'
import {
  decodePresignatureOpening,
  encodePresignatureOpening,
  MAX_PRESIGNED,
  type MakingForm,
  type PresignatureKey,
} from './presignature-opening.ts'
import { type PresignaturePlan, presignaturePlan } from './presignature-plan.ts'
import type { PresignaturePool } from './presignature-pool.ts'

/** Nobody waits for one: as long as a batch of correlations may take (02 §11). */
const MAKING_MS = 30_000
const RETRY_MS = 1_000
/** Whoever is short of correlations makes some meanwhile. */
const SHORT_MS = 200
const NOT_BEFORE_MS = 20
/** Of one pair, both directions: what a guest sends (02 §6.1), and about what it computes, by form. */
const BYTES_PER_PAIR = { full: 58_908, correlated: 477 } as const
const CPU_MS_PER_PAIR = {
  wasm: { full: 2, correlated: 0.7 },
  reference: { full: 30, correlated: 8 },
} as const

export interface PresignatureMakerInit {
  readonly committee: Committee
  readonly router: SessionRouter
  readonly answers: Answers
  readonly followers: Followers
  readonly room: ChoiceRoom
  readonly pairs: PairSetups
  readonly bans: RoomBans
  readonly accounts: Pick<AccountStore, 'get'>
  readonly shares: KeyShares
  readonly pool: PresignaturePool
  readonly background: Pick<Background, 'admit' | 'admittedIn'>
  readonly correlations: CorrelationsForSigning
  /** Whether correlations are made here at all: then one may wait for them. */
  readonly makesCorrelations: boolean
  readonly kernel: Kernel
  readonly random: Random
  readonly clock: Pick<Clock, 'monotonicMs'>
  /** Between two that are made in one session. */
  readonly breathe: Breathe
}

/** What rounds are called in which several are made. */
const BUNDLED: Readonly<Record<string, string>> = {
  'sign/1-name': 'presign/1-name',
  'sign/2-open': 'presign/2-open',
}

/** Runs of the signing rounds that stop before a digest is needed (02 §6.3): led here, or opened by another guest. */
export class PresignatureMaker {
  readonly #init: PresignatureMakerInit
  #attempt = 0
  /** A peer did not know a correlation: the next one is made without. */
  #inFull = false

  constructor(init: PresignatureMakerInit) {
    this.#init = init
  }

  /** How many of so many may be made at once with these signers now: one at least, in full. */
  most(signers: readonly PartyIndex[], wanted: number): number {
    const { correlations, committee } = this.#init
    const others = this.#others(signers)
    let count = this.#inFull ? 1 : Math.min(wanted, MAX_PRESIGNED)
    while (count > 1 && !correlations.serves(others, committee.me.index, count)) count -= 1
    return count
  }

  /** What making so many costs this guest, with these signers, now. */
  cost(signers: readonly PartyIndex[], count: number): Cost {
    return this.#costOf(signers.length, this.#form(signers, count), count)
  }

  /** Correlations with these signers are few just now: requests need them, and in full it would cost more. */
  isShort(signers: readonly PartyIndex[]): boolean {
    const { correlations, committee, makesCorrelations } = this.#init
    return makesCorrelations && !correlations.serves(this.#others(signers), committee.me.index)
  }

  /**
   * Makes one for each of these accounts, of which this guest then owns all, or none: then what is returned is how
   * long a follower asks to wait, in ms. Throws `ProtocolError` when something else was in the way.
   */
  async make(
    accounts: readonly Account[],
    signers: readonly PartyIndex[],
    signal: AbortSignal,
    spent: (cost: Partial<Cost>) => void,
  ): Promise<number> {
    const { committee, router, answers, random } = this.#init
    const { me } = committee
    const form = this.#form(signers, accounts.length)
    const run = { signers, attempt: this.#attempt++, form, nonce: random(32) }
    const plan = presignaturePlan(committee, accounts, run)
    const leave = this.#reserve(plan, me.index)
    const session = leave && this.#open(plan)
    if (typeof session !== 'object') {
      leave?.()
      throw cancelled()
    }
    const stop = (): void => session.end({ kind: 'cancelled', round: 'session/open' })
    if (signal.aborted) stop()
    signal.addEventListener('abort', stop, { once: true })
    const heard = answers.watch(session, () => false)
    const keys = accounts.map(({ id, certificate, derived }) => ({
      accountId: id,
      keyId: certificate.keyId,
      path: derived.path,
    }))
    const opening = encodePresignatureOpening({ keys, ...run })
    try {
      await router.conduct(session, (party) =>
        openEverywhere(router, session, opening, party, () =>
          this.#presign(party, plan, me.index, session, spent),
        ),
      )
      this.#inFull = false
      return 0
    } catch (error) {
      const [notYet] = heard.notYet
      if (notYet !== undefined && error instanceof ProtocolError)
        return Math.max(1, notYet.retryAfterMs)
      this.#inFull = error instanceof ProtocolError && error.fault.kind === 'corr-unknown'
      throw error
    } finally {
      leave?.()
      answers.unwatch(session)
      signal.removeEventListener('abort', stop)
    }
  }

  /** Another guest makes some, in which this guest takes part. */
  take(from: PartyIndex, letter: Letter): void {
    const { followers } = this.#init
    followers.take('presignature', from, letter, (begun) => this.#follow(from, letter, begun))
  }

  async #follow(
    from: PartyIndex,
    letter: Letter,
    begun: (session: Session) => void,
  ): Promise<void> {
    const { committee, router, background } = this.#init
    const opening = decodePresignatureOpening(letter.body)
    const { keys, signers, attempt } = opening
    const accounts = await Promise.all(keys.map((key) => this.#accountOf(key)))
    if (!isSignerSet(committee, signers) || !signers.includes(from))
      throw new RequestError('MPC_QUORUM')
    if (!signers.includes(committee.me.index)) throw new RequestError('MPC_QUORUM')
    const plan = presignaturePlan(committee, accounts, opening)
    if (attempt !== letter.attempt || !Buffer.from(plan.instanceId).equals(letter.session))
      throw new Declined({ kind: 'abort', fault: { kind: 'binding', round: 'session/open', from } })
    const leave = this.#reserve(plan, from)
    if (leave === undefined) throw later('overloaded')
    const took = { bytes: 0, cpuMs: 0 }
    let ended: ((took: Cost) => void) | undefined
    try {
      this.#assertOpen(from, plan)
      const cost = this.#costOf(signers.length, plan.form, keys.length)
      const isFull = keys.length === MAX_PRESIGNED
      const isUrgent = isFull || keys.some((key) => !this.#init.pool.hasReady(from, key))
      ended = background.admit(from, cost, isUrgent)
      if (ended === undefined) {
        const wait = Math.ceil(background.admittedIn(from, cost, isUrgent))
        throw later('busy', Math.min(Math.max(wait, NOT_BEFORE_MS), RETRY_MS))
      }
      const session = this.#open(plan)
      if (session === 'reused') throw new RequestError('SESSION_ID_REUSED')
      if (session === 'overloaded') throw later('overloaded')
      begun(session)
      await router.conduct(session, (party) =>
        this.#presign(party, plan, from, session, ({ bytes = 0, cpuMs = 0 }) => {
          took.bytes += bytes
          took.cpuMs += cpuMs
        }),
      )
    } finally {
      leave()
      ended?.(took)
    }
  }

  /** The account that the opening names, whose own key that is. Throws `RequestError`. */
  async #accountOf({ accountId, keyId, path }: PresignatureKey): Promise<Account> {
    const account = await this.#init.accounts.get(accountId)
    if (account === undefined || !isItsKey(account, keyId, path))
      throw new RequestError('KEY_NOT_FOUND')
    return account
  }

  /** Room for the multiplications of one in full; those from correlations hold none open. */
  #reserve({ form, signers }: PresignaturePlan, owner: PartyIndex): Leave | undefined {
    if (form !== FORMS.full) return () => undefined
    return this.#init.room.take('ahead', owner, signers.length - 1)
  }

  /** What stands in the way here. Throws `RequestError` or `Declined`. */
  #assertOpen(from: PartyIndex, { signers, form, planned }: PresignaturePlan): void {
    const { bans, pairs, shares, pool, correlations, makesCorrelations } = this.#init
    if (planned.some(({ account }) => shares.isHalted(account)))
      throw new RequestError('KEY_NOT_FOUND')
    if (bans.among(signers) !== undefined) throw new RequestError('PAIR_BANNED')
    if (pairs.missing(this.#others(signers)).length > 0) throw later('setup-missing')
    const hasRoom = planned.every(({ account: { certificate, derived } }) =>
      pool.hasRoom(from, { keyId: certificate.keyId, path: derived.path }),
    )
    if (!hasRoom) throw later('overloaded')
    if (form !== FORMS.correlated) return
    if (!makesCorrelations)
      throw new Declined({
        kind: 'abort',
        fault: { kind: 'corr-unknown', round: 'session/open', from },
      })
    if (!correlations.serves(this.#others(signers), from, planned.length))
      throw later('busy', SHORT_MS)
  }

  /** The conversations, the same for owner and followers; what they made is kept when all of them are done. */
  async #presign(
    party: Party,
    { signers, guests, form, planned }: PresignaturePlan,
    owner: PartyIndex,
    session: Session,
    spent: (cost: Partial<Cost>) => void,
  ): Promise<void> {
    const { committee, kernel, clock, pairs, pool, correlations } = this.#init
    const { epochId } = committee
    const others = this.#others(signers)
    const setups = pairs.withAll(others, planned.length)
    if (setups === undefined) throw cancelled()
    const metered = meteredKernel(
      kernel,
      () => clock.monotonicMs(),
      (cpuMs) => spent({ cpuMs }),
    )
    const counted = meteredParty(party, (bytes) => spent({ bytes }))
    const run = { kernel: metered, guests, setups }
    const setupIds = new Map([...setups].map(([peer, { setupId }]) => [peer, setupId]))
    const made: Presignature[] = []
    try {
      if (form === FORMS.full)
        for (const { account } of planned)
          made.push(await this.#converse(counted, account, run, { form: 'full' }))
      else
        await sideBySide(
          {
            party: counted,
            instanceIds: planned.map(({ instanceId }) => instanceId),
            bundled: (round) => BUNDLED[round] ?? round,
            breathe: async () => {
              await this.#init.breathe()
              session.assertRunning(session.round) // what is over is checked no more
            },
          },
          (each, k) =>
            fromCorrelations(correlations.forSession(owner, others), session, async (source) => {
              const account = planned[k]?.account
              if (account === undefined) throw new Error('bug: a conversation about nothing')
              const by = { form: 'correlated', correlations: source } as const
              made.push(await this.#converse(each, account, run, by))
            }),
        )
    } catch (error) {
      for (const presignature of made) this.#wipe(presignature)
      throw error
    }
    for (const presignature of made) pool.put({ presignature, owner, epochId, setupIds })
  }

  #converse(
    party: Party,
    account: Account,
    run: Pick<PresignaturePlan, 'guests'> & {
      readonly kernel: Kernel
      readonly setups: ReadonlyMap<PartyIndex, PairSetup>
    },
    by: SigningForm,
  ): Promise<Presignature> {
    const { committee, random, shares } = this.#init
    const { networkId, epochId } = committee
    const { certificate, derived } = account
    return shares.withShare(account, (share) =>
      presign(party, run.kernel, random, {
        ...by,
        networkId,
        epochId,
        keyId: certificate.keyId,
        keyPublic: certificate.publicKey,
        derived,
        share,
        guests: run.guests,
        pairs: run.setups,
      }),
    )
  }

  #wipe(presignature: Presignature): void {
    const secret = presignature.take()
    if (secret !== undefined) this.#init.kernel.wipe(secret)
  }

  /** From correlations where all of so many can be, else in full. */
  #form(signers: readonly PartyIndex[], count: number): MakingForm {
    const { committee, correlations } = this.#init
    const serves = correlations.serves(this.#others(signers), committee.me.index, count)
    return serves && !this.#inFull ? FORMS.correlated : FORMS.full
  }

  #costOf(signers: number, form: MakingForm, count: number): Cost {
    const name = form === FORMS.full ? 'full' : 'correlated'
    const pairs = count * (signers - 1)
    const cpuMs = CPU_MS_PER_PAIR[this.#init.kernel.name][name]
    return { bytes: pairs * BYTES_PER_PAIR[name], cpuMs: pairs * cpuMs }
  }

  #open({
    signers,
    attempt,
    instanceId,
    form,
  }: PresignaturePlan): Session | 'reused' | 'overloaded' {
    const kind = KINDS.presignature
    const deadlineMs = MAKING_MS
    return this.#init.router.open({
      kind,
      instanceId,
      attempt,
      form,
      everyone: signers,
      deadlineMs,
    })
  }

  #others(signers: readonly PartyIndex[]): PartyIndex[] {
    return signers.filter((signer) => signer !== this.#init.committee.me.index)
  }
}

const isItsKey = (
  { certificate, derived }: Account,
  keyId: Uint8Array,
  path: readonly number[],
): boolean => Buffer.from(keyId).equals(certificate.keyId) && path.join() === derived.path.join()

const later = (
  reason: 'busy' | 'overloaded' | 'setup-missing',
  retryAfterMs: number = RETRY_MS,
): Declined => new Declined({ kind: 'notYet', reason, retryAfterMs })

const cancelled = (): ProtocolError =>
  new ProtocolError({ kind: 'cancelled', round: 'session/open' })
