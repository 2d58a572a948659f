import type { Random } from '../../../protocols/crypto/random.ts'
import type { Kernel } from '../../../protocols/kernel/kernel.ts'
import { RequestError } from '../../../protocols/request/errors.ts'
import { type PartyIndex, ProtocolError } from '../../../protocols/session/faults.ts'
import { FORMS, KINDS } from '../../../protocols/session/instance.ts'
import type { Party } from '../../../protocols/session/round.ts'
import type { SigningForm } from '../../../protocols/sign/prepare.ts'
import { presign } from '../../../protocols/sign/presign.ts'
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
  type MakingForm,
} from './presignature-opening.ts'
import { type PresignaturePlan, presignaturePlan } from './presignature-plan.ts'
import type { PresignaturePool } from './presignature-pool.ts'

/** Nobody waits for one: as long as a batch of correlations may take (02 §11). */
const MAKING_MS = 30_000
const RETRY_MS = 1_000
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
  readonly background: Pick<Background, 'admit'>
  readonly correlations: CorrelationsForSigning
  /** Whether correlations are made here at all: then one may wait for them. */
  readonly makesCorrelations: boolean
  readonly kernel: Kernel
  readonly random: Random
  readonly clock: Pick<Clock, 'monotonicMs'>
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

  /** What making one costs this guest, with these signers, now. */
  cost(signers: readonly PartyIndex[]): Cost {
    return this.#costOf(signers.length, this.#form(signers))
  }

  /** Correlations with these signers are few just now: requests need them, and in full it would cost more. */
  isShort(signers: readonly PartyIndex[]): boolean {
    const { correlations, committee, makesCorrelations } = this.#init
    return makesCorrelations && !correlations.serves(this.#others(signers), committee.me.index)
  }

  /** Makes one, which this guest then owns. Throws `ProtocolError`, also when a follower does not take part now. */
  async make(
    account: Account,
    signers: readonly PartyIndex[],
    signal: AbortSignal,
    spent: (cost: Partial<Cost>) => void,
  ): Promise<void> {
    const { committee, router, answers, random } = this.#init
    const { me } = committee
    const run = { signers, attempt: this.#attempt++, form: this.#form(signers), nonce: random(32) }
    const plan = presignaturePlan(committee, account, run)
    const leave = this.#reserve(plan, me.index)
    const session = leave && this.#open(plan)
    if (typeof session !== 'object') {
      leave?.()
      throw cancelled()
    }
    const stop = (): void => session.end({ kind: 'cancelled', round: 'session/open' })
    if (signal.aborted) stop()
    signal.addEventListener('abort', stop, { once: true })
    answers.watch(session, () => false)
    const { certificate, derived } = account
    const named = { accountId: account.id, keyId: certificate.keyId, path: derived.path }
    const opening = encodePresignatureOpening({ ...named, ...run })
    try {
      await router.conduct(session, (party) =>
        openEverywhere(router, session, opening, party, () =>
          this.#presign(party, account, plan, me.index, session, spent),
        ),
      )
      this.#inFull = false
    } catch (error) {
      this.#inFull = error instanceof ProtocolError && error.fault.kind === 'corr-unknown'
      throw error
    } finally {
      leave?.()
      answers.unwatch(session)
      signal.removeEventListener('abort', stop)
    }
  }

  /** Another guest makes one, in which this guest takes part. */
  take(from: PartyIndex, letter: Letter): void {
    const { followers } = this.#init
    followers.take('presignature', from, letter, (begun) => this.#follow(from, letter, begun))
  }

  async #follow(
    from: PartyIndex,
    letter: Letter,
    begun: (session: Session) => void,
  ): Promise<void> {
    const { committee, accounts, router, background } = this.#init
    const opening = decodePresignatureOpening(letter.body)
    const { accountId, keyId, path, signers, attempt } = opening
    const account = await accounts.get(accountId)
    if (account === undefined || !isItsKey(account, keyId, path))
      throw new RequestError('KEY_NOT_FOUND')
    if (!isSignerSet(committee, signers) || !signers.includes(from))
      throw new RequestError('MPC_QUORUM')
    if (!signers.includes(committee.me.index)) throw new RequestError('MPC_QUORUM')
    const plan = presignaturePlan(committee, account, opening)
    if (attempt !== letter.attempt || !Buffer.from(plan.instanceId).equals(letter.session))
      throw new Declined({ kind: 'abort', fault: { kind: 'binding', round: 'session/open', from } })
    const leave = this.#reserve(plan, from)
    if (leave === undefined) throw later('overloaded')
    const took = { bytes: 0, cpuMs: 0 }
    let ended: ((took: Cost) => void) | undefined
    try {
      this.#assertOpen(from, account, plan)
      ended = background.admit(from, this.#costOf(plan.signers.length, plan.form))
      if (ended === undefined) throw later('busy')
      const session = this.#open(plan)
      if (session === 'reused') throw new RequestError('SESSION_ID_REUSED')
      if (session === 'overloaded') throw later('overloaded')
      begun(session)
      await router.conduct(session, (party) =>
        this.#presign(party, account, plan, from, session, ({ bytes = 0, cpuMs = 0 }) => {
          took.bytes += bytes
          took.cpuMs += cpuMs
        }),
      )
    } finally {
      leave()
      ended?.(took)
    }
  }

  /** Room for the multiplications of one in full; one from correlations holds none open. */
  #reserve({ form, signers }: PresignaturePlan, owner: PartyIndex): Leave | undefined {
    if (form !== FORMS.full) return () => undefined
    return this.#init.room.take('ahead', owner, signers.length - 1)
  }

  /** What stands in the way here. Throws `RequestError` or `Declined`. */
  #assertOpen(from: PartyIndex, account: Account, { signers, form }: PresignaturePlan): void {
    const { bans, pairs, shares, pool, correlations } = this.#init
    if (shares.isHalted(account)) throw new RequestError('KEY_NOT_FOUND')
    if (bans.among(signers) !== undefined) throw new RequestError('PAIR_BANNED')
    if (pairs.missing(this.#others(signers)).length > 0) throw later('setup-missing')
    const { certificate, derived } = account
    if (!pool.hasRoom(from, { keyId: certificate.keyId, path: derived.path }))
      throw later('overloaded')
    if (form === FORMS.correlated && !correlations.serves(this.#others(signers), from))
      throw new Declined({
        kind: 'abort',
        fault: { kind: 'corr-unknown', round: 'session/open', from },
      })
  }

  /** The conversation, the same for owner and followers. */
  async #presign(
    party: Party,
    account: Account,
    { signers, guests, form }: PresignaturePlan,
    owner: PartyIndex,
    session: Session,
    spent: (cost: Partial<Cost>) => void,
  ): Promise<void> {
    const { committee, kernel, random, clock, pairs, shares, pool, correlations } = this.#init
    const { networkId, epochId } = committee
    const others = this.#others(signers)
    const made = (by: SigningForm): Promise<void> =>
      shares.withShare(account, async (share) => {
        const setups = pairs.withAll(others)
        if (setups === undefined) throw cancelled()
        const { certificate, derived } = account
        const metered = meteredKernel(
          kernel,
          () => clock.monotonicMs(),
          (cpuMs) => spent({ cpuMs }),
        )
        const counted = meteredParty(party, (bytes) => spent({ bytes }))
        const presignature = await presign(counted, metered, random, {
          ...by,
          networkId,
          epochId,
          keyId: certificate.keyId,
          keyPublic: certificate.publicKey,
          derived,
          share,
          guests,
          pairs: setups,
        })
        const setupIds = new Map([...setups].map(([peer, { setupId }]) => [peer, setupId]))
        pool.put({ presignature, owner, epochId, setupIds })
      })
    if (form === FORMS.full) return made({ form: 'full' })
    await fromCorrelations(correlations.forSession(owner, others), session, (source) =>
      made({ form: 'correlated', correlations: source }),
    )
  }

  #form(signers: readonly PartyIndex[]): MakingForm {
    const { committee, correlations } = this.#init
    const serves = correlations.serves(this.#others(signers), committee.me.index)
    return serves && !this.#inFull ? FORMS.correlated : FORMS.full
  }

  #costOf(signers: number, form: MakingForm): Cost {
    const name = form === FORMS.full ? 'full' : 'correlated'
    const cpuMs = CPU_MS_PER_PAIR[this.#init.kernel.name][name]
    return { bytes: (signers - 1) * BYTES_PER_PAIR[name], cpuMs: (signers - 1) * cpuMs }
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

const later = (reason: 'busy' | 'overloaded' | 'setup-missing'): Declined =>
  new Declined({ kind: 'notYet', reason, retryAfterMs: RETRY_MS })

const cancelled = (): ProtocolError =>
  new ProtocolError({ kind: 'cancelled', round: 'session/open' })
