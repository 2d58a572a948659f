import { RequestError } from '../../../protocols/request/errors.ts'
import type { PartyIndex } from '../../../protocols/session/faults.ts'
import { FORMS, KINDS } from '../../../protocols/session/instance.ts'
import type { LeadPlan, LeadReply } from '../../port/messages.ts'
import { nextTurn } from '../pairs/next-turn.ts'
import type { Finished } from '../requests/result-cache.ts'
import type { Timeline } from '../requests/timeline.ts'
import type { Leave } from '../sessions/choice-room.ts'
import { failed, leadFailure } from '../sessions/lead-reply.ts'
import { openEverywhere } from '../sessions/lead-session.ts'
import type { LiveAttempts } from '../sessions/live-attempts.ts'
import type { Session } from '../sessions/session.ts'
import { type Admission, RETRY_MS } from './admission.ts'
import type { Announcements } from './announcements.ts'
import { attemptMs } from './attempt-budget.ts'
import type { SigningCollaborators } from './collaborators.ts'
import { doneReply, type FinishedSignatures } from './finished-signatures.ts'
import type { FormChoice } from './form-choice.ts'
import { makeSignature, type Timed } from './make-signature.ts'
import { type Manner, nameOf } from './manner.ts'
import { encodeSigningOpening } from './signing-opening.ts'
import { isSignerSet, type SignRequest, signingPlan } from './signing-plan.ts'
import { signingProgress } from './signing-progress.ts'

/** How long a session in full waits for room in this guest before the host is told to come back. */
const IN_LINE_MS = 1_000

type Claim = NonNullable<ReturnType<LiveAttempts['claim']>>

/** Attempts led by this guest, for requests that were authorised here. */
export class SignatureLeader {
  readonly #init: SigningCollaborators
  readonly #admission: Admission
  readonly #finished: FinishedSignatures
  readonly #announcements: Announcements
  readonly #forms: FormChoice

  constructor(
    init: SigningCollaborators,
    parts: {
      readonly admission: Admission
      readonly finished: FinishedSignatures
      readonly announcements: Announcements
      readonly forms: FormChoice
    },
  ) {
    this.#init = init
    this.#admission = parts.admission
    this.#finished = parts.finished
    this.#announcements = parts.announcements
    this.#forms = parts.forms
  }

  async lead(
    request: Uint8Array,
    asked: SignRequest,
    plan: LeadPlan,
    timeline: Timeline,
  ): Promise<LeadReply> {
    const { committee, live, presignatures } = this.#init
    const done = this.#finished.of(asked)
    if (done !== undefined) return doneReply(asked, done)
    const { signers } = plan
    if (!isSignerSet(committee, signers) || !signers.includes(committee.me.index))
      throw new RequestError('MPC_QUORUM', 'not a set of signers with this guest')
    timeline.enter('reserve')
    const obstacle = this.#admission.obstacle(asked, signers)
    if (obstacle !== undefined) return obstacle
    const attempt = live.ownAttempt(asked.request.digest, plan.attempt)
    const claim = live.claim(asked.request.digest, attempt, committee.me.index)
    if (claim === undefined) return failed('busy', [], RETRY_MS)
    const over = this.#init.requestBegan()
    try {
      this.#admission.claimNonce(asked)
      const manner = this.#forms.choose(asked, signers)
      let leave: Leave | undefined
      try {
        if (manner.form === FORMS.full) {
          leave = await this.#init.room.wait(signers.length - 1, IN_LINE_MS)
          if (leave === undefined) return failed('overloaded', [], RETRY_MS)
        }
        return await this.#attempt(
          request,
          asked,
          { ...plan, attempt },
          { manner, claim, timeline },
        )
      } finally {
        leave?.()
        if (manner.presignature !== null) presignatures.spend(manner.presignature)
      }
    } finally {
      claim.release()
      over()
    }
  }

  async #attempt(
    request: Uint8Array,
    asked: SignRequest,
    { attempt, signers, ...budgets }: LeadPlan,
    { manner, claim, timeline }: { manner: Manner; claim: Claim; timeline: Timeline },
  ): Promise<LeadReply> {
    const { committee, router, random, now } = this.#init
    const nonce = random(32)
    const plan = signingPlan(committee, asked, signers, attempt, nonce, manner)
    const budgetMs = attemptMs(budgets, manner)
    const session = router.open({
      kind: KINDS.signature,
      instanceId: plan.instanceId,
      attempt,
      form: manner.form,
      everyone: signers,
      deadlineMs: budgetMs,
      progress: signingProgress(timeline),
    })
    if (typeof session === 'string') return failed('overloaded', [], RETRY_MS)
    claim.run(session)
    const { certificate, derived } = asked.account
    const opening = encodeSigningOpening({
      ...{ request, keyId: certificate.keyId, path: derived.path, signers, attempt, manner, nonce },
      ...{ evalTime: now(), budgetMs },
    })
    return this.#conduct(session, request, asked, { ...plan, timeline }, opening)
  }

  async #conduct(
    session: Session,
    request: Uint8Array,
    asked: SignRequest,
    plan: Timed,
    opening: Uint8Array,
  ): Promise<LeadReply> {
    const { router, answers, shares } = this.#init
    plan.timeline?.enter('forward')
    const heard = answers.watch(session, (result) => this.#finished.learn(asked, result))
    try {
      const signature = await router.conduct(session, (party) =>
        openEverywhere(router, session, opening, party, async () => {
          // The record comes first then, and sealing it takes a while: the openings leave before.
          if (plan.manner.form === FORMS.presigned) await nextTurn()
          return makeSignature(this.#init, party, asked, plan, session.me, session)
        }),
      )
      this.#finished.keep(asked, { signature, signers: plan.signers })
    } catch (error) {
      const learnt = this.#finished.of(asked)
      if (learnt !== undefined) return doneReply(asked, learnt)
      if (shares.isHalted(asked.account)) return this.#admission.withoutMe()
      const reply = leadFailure(error, heard, session)
      if (reply.kind === 'failed') this.#forms.failed(asked, plan.manner, reply.fault)
      return reply
    } finally {
      answers.unwatch(session)
    }
    const done = this.#finished.of(asked)
    if (done === undefined) throw new Error('bug: a signature without a result')
    this.#afterAnswer(() => this.#tellOf(request, asked, done, plan.signers))
    return { ...doneReply(asked, done), form: nameOf(plan.manner) }
  }

  /** Nobody waits for it, and somebody does for the answer. */
  #tellOf(
    request: Uint8Array,
    asked: SignRequest,
    done: Finished,
    signers: readonly PartyIndex[],
  ): void {
    const { tell, onLed } = this.#init
    tell('SIGNED')
    this.#announcements.announce(request, asked, done)
    onLed(asked, signers)
  }

  #afterAnswer(run: () => void): void {
    const { clock, onError } = this.#init
    clock.after(0, () => {
      try {
        run()
      } catch (error) {
        onError(error)
      }
    })
  }
}
