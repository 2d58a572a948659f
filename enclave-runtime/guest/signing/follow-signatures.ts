import { RequestError } from '../../../protocols/request/errors.ts'
import { DecodeError } from '../../../protocols/session/codec.ts'
import type { PartyIndex } from '../../../protocols/session/faults.ts'
import { FORMS, KINDS } from '../../../protocols/session/instance.ts'
import { Declined } from '../sessions/followers.ts'
import type { Letter } from '../sessions/post.ts'
import type { Session } from '../sessions/session.ts'
import { type Admission, later } from './admission.ts'
import { boundedMs } from './attempt-budget.ts'
import type { SigningCollaborators } from './collaborators.ts'
import { encodeFinished } from './finished-bytes.ts'
import type { FinishedSignatures } from './finished-signatures.ts'
import { purposeOf } from './form-choice.ts'
import { makeSignature } from './make-signature.ts'
import type { Manner } from './manner.ts'
import { decodeSigningOpening, type SigningOpening } from './signing-opening.ts'
import { type SigningPlan, type SignRequest, signingPlan } from './signing-plan.ts'

/** The opener's clock and mine (05 §3.2). */
const MAX_SKEW_S = 30

/** Attempts that other guests open: everything they say is checked, or computed, here. */
export class SignatureFollower {
  readonly #init: SigningCollaborators
  readonly #admission: Admission
  readonly #finished: FinishedSignatures

  constructor(init: SigningCollaborators, admission: Admission, finished: FinishedSignatures) {
    this.#init = init
    this.#admission = admission
    this.#finished = finished
  }

  take(from: PartyIndex, letter: Letter): void {
    const { followers } = this.#init
    const follow = (begun: (session: Session) => void) => this.#follow(from, letter, begun)
    followers.take('sign', from, letter, follow, () => this.#burn(from, letter))
  }

  /** What an opening names is spent with it, whatever comes of it. */
  async #follow(
    from: PartyIndex,
    letter: Letter,
    begun: (session: Session) => void,
  ): Promise<void> {
    const { presignatures, requestBegan } = this.#init
    const opening = decodeSigningOpening(letter.body)
    const id = opening.manner.presignature
    const named = id !== null && presignatures.name(id, from)
    const over = requestBegan()
    try {
      await this.#takePart(from, letter, opening, named, begun)
    } finally {
      over()
      if (named) presignatures.spend(id)
    }
  }

  async #takePart(
    from: PartyIndex,
    letter: Letter,
    opening: SigningOpening,
    named: boolean,
    begun: (session: Session) => void,
  ): Promise<void> {
    const { committee, activities, live, router, tell, now, onError } = this.#init
    const asked = await this.#authorized(opening)
    const { attempt, nonce, signers, manner } = opening
    const plan = signingPlan(committee, asked, signers, attempt, nonce, manner)
    if (!signers.includes(from) || !signers.includes(committee.me.index))
      throw new RequestError('MPC_QUORUM')
    if (attempt !== letter.attempt || !Buffer.from(plan.instanceId).equals(letter.session))
      throw refusedWith('binding', from)
    const done = this.#finished.of(asked)
    if (done !== undefined) throw new Declined({ kind: 'result', result: encodeFinished(done) })
    this.#admission.assertOpen(asked, signers)
    if (!this.#has(manner, named, asked, plan)) throw refusedWith('presig-unknown', from)
    if (!this.#serves(manner, signers, from)) throw refusedWith('corr-unknown', from)
    const claim = live.claim(asked.request.digest, attempt, from)
    if (claim === undefined) throw later('busy')
    try {
      this.#admission.claimNonce(asked)
      const session = this.#open(plan, boundedMs(opening.budgetMs))
      claim.run(session)
      begun(session)
      const signature = await router.conduct(session, (party) =>
        makeSignature(this.#init, party, asked, plan, from),
      )
      this.#finished.keep(asked, { signature, signers })
      tell('SIGNED')
    } finally {
      claim.release()
    }
    activities.prune(now()).catch(onError)
  }

  /** Rows 4 to 16 of 05 §3.3, and that the opening is about the account's own key. */
  async #authorized({ request, keyId, path, evalTime }: SigningOpening): Promise<SignRequest> {
    const { authorize, now } = this.#init
    if (Math.abs(evalTime - now()) > MAX_SKEW_S) throw later('clock')
    const asked = await authorize(request)
    if (asked.kind !== 'sign') throw new RequestError('REQ_MALFORMED')
    const { certificate, derived } = asked.account
    const sameKey = Buffer.from(keyId).equals(certificate.keyId)
    if (!sameKey || path.join() !== derived.path.join()) throw new RequestError('KEY_NOT_FOUND')
    return asked
  }

  /** The presignature that the opening names is the opener's, was named by nobody before, and is for exactly this. */
  #has(manner: Manner, named: boolean, asked: SignRequest, { signers }: SigningPlan): boolean {
    const { committee, presignatures } = this.#init
    if (manner.presignature === null) return true
    return named && presignatures.isFor(manner.presignature, purposeOf(committee, asked, signers))
  }

  /** There are correlations with the other signers, and none of them wastes them (02 §4.4). */
  #serves({ form }: Manner, signers: readonly PartyIndex[], leader: PartyIndex): boolean {
    const { committee, correlations } = this.#init
    const others = signers.filter((signer) => signer !== committee.me.index)
    return form !== FORMS.correlated || correlations.serves(others, leader)
  }

  #open({ signers, attempt, instanceId }: SigningPlan, deadlineMs: number): Session {
    const kind = KINDS.signature
    const spec = { kind, instanceId, attempt, everyone: signers, deadlineMs }
    const session = this.#init.router.open(spec)
    if (session === 'reused') throw new RequestError('SESSION_ID_REUSED')
    if (session === 'overloaded') throw later('overloaded')
    return session
  }

  /** Nobody looks at this opening; what it names is spent all the same (02 §13). */
  #burn(from: PartyIndex, letter: Letter): void {
    const { presignatures } = this.#init
    try {
      const id = decodeSigningOpening(letter.body).manner.presignature
      if (id !== null && presignatures.name(id, from)) presignatures.spend(id)
    } catch (cause) {
      if (!(cause instanceof DecodeError)) throw cause // it names nothing
    }
  }
}

const refusedWith = (
  kind: 'binding' | 'presig-unknown' | 'corr-unknown',
  from: PartyIndex,
): Declined => new Declined({ kind: 'abort', fault: { kind, round: 'session/open', from } })
