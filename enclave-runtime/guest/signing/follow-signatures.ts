import { sameBytes } from '../../../protocols/agreement/compare-bytes.ts'
import { RequestError } from '../../../protocols/request/errors.ts'
import { DecodeError } from '../../../protocols/session/codec.ts'
import { type PartyIndex, ProtocolError } from '../../../protocols/session/faults.ts'
import { FORMS, KINDS } from '../../../protocols/session/instance.ts'
import type { Leave } from '../sessions/choice-room.ts'
import { Declined } from '../sessions/followers.ts'
import type { Letter } from '../sessions/post.ts'
import type { Session } from '../sessions/session.ts'
import { type Admission, later } from './admission.ts'
import { boundedMs } from './attempt-budget.ts'
import type { SigningCollaborators } from './collaborators.ts'
import type { Ended } from './correlations-for-signing.ts'
import { encodeFinished } from './finished-bytes.ts'
import type { FinishedSignatures } from './finished-signatures.ts'
import { purposeOf } from './form-choice.ts'
import { makeSignature } from './make-signature.ts'
import type { Manner } from './manner.ts'
import { decodeSigningOpening, type SigningOpening } from './signing-opening.ts'
import { isSignerSet, type SigningPlan, type SignRequest, signingPlan } from './signing-plan.ts'

/** The opener's clock and mine (05 §3.2). */
const MAX_SKEW_S = 30
/** The multiplications of a session in full take three messages: a signer that is silent in them holds their slots so long, not for the opener's budget. */
const MULTIPLIED_MS = { wasm: 3_000, reference: 10_000 } as const
const LAST_ROUND = 'sign/3'

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
    const { presignatures, correlations, requestBegan } = this.#init
    const opening = decodeSigningOpening(letter.body)
    const id = opening.manner.presignature
    const named = id !== null && presignatures.name(id, from)
    const over = requestBegan()
    let session: Session | undefined
    let failure: unknown
    try {
      await this.#takePart(from, letter, opening, named, (own) => {
        session = own
        begun(own)
      })
    } catch (error) {
      failure = error
      throw error
    } finally {
      over()
      if (named) presignatures.spend(id)
      const made = named && failure !== undefined ? opening.signers.length - 1 : 0
      if (made > 0) correlations.wasted(made, endOf(from, failure, session))
    }
  }

  async #takePart(
    from: PartyIndex,
    letter: Letter,
    opening: SigningOpening,
    named: boolean,
    begun: (session: Session) => void,
  ): Promise<void> {
    const { committee, activities, live, router, clock, tell, now, onError } = this.#init
    const asked = await this.#authorized(opening)
    const { attempt, nonce, signers, manner } = opening
    this.#assertOfEpoch(asked, opening, letter)
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
    let leave: Leave | undefined
    let disarm = (): void => undefined
    try {
      leave = this.#reserve(manner, signers, from)
      this.#admission.claimNonce(asked)
      const session = this.#open(plan, boundedMs(opening.budgetMs))
      claim.run(session)
      begun(session)
      if (manner.form === FORMS.full)
        disarm = clock.after(MULTIPLIED_MS[this.#init.kernel.name], () => {
          if (!session.round.startsWith(LAST_ROUND)) session.expire()
        })
      const signature = await router.conduct(session, (party) =>
        makeSignature(this.#init, party, asked, plan, from, session),
      )
      this.#finished.keep(asked, { signature, signers })
      tell('SIGNED')
    } finally {
      disarm()
      leave?.()
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

  /** A session of another epoch is no fault of this one: whoever opened it goes on in its own room. */
  #assertOfEpoch(
    asked: SignRequest,
    { signers, attempt, nonce, manner }: SigningOpening,
    { session }: Letter,
  ): void {
    for (const other of this.#init.otherCommittees()) {
      if (!isSignerSet(other, signers)) continue
      const { instanceId } = signingPlan(other, asked, signers, attempt, nonce, manner)
      if (sameBytes(instanceId, session)) throw new RequestError('EPOCH_MISMATCH')
    }
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

  /** Room for the multiplications of a session in full; the other forms hold none open. */
  #reserve(
    { form }: Manner,
    { length }: readonly PartyIndex[],
    from: PartyIndex,
  ): Leave | undefined {
    if (form !== FORMS.full) return undefined
    const leave = this.#init.room.take('request', from, length - 1)
    if (leave === undefined) throw later('overloaded')
    return leave
  }

  #open({ signers, attempt, instanceId, manner }: SigningPlan, deadlineMs: number): Session {
    const kind = KINDS.signature
    const spec = { kind, instanceId, attempt, form: manner.form, everyone: signers, deadlineMs }
    const session = this.#init.router.open(spec)
    if (session === 'reused') throw new RequestError('SESSION_ID_REUSED')
    if (session === 'overloaded') throw later('overloaded')
    return session
  }

  /** Nobody looks at this opening; what it names is spent all the same (02 §13). */
  #burn(from: PartyIndex, letter: Letter): void {
    const { presignatures, correlations } = this.#init
    try {
      const { manner, signers } = decodeSigningOpening(letter.body)
      const id = manner.presignature
      if (id === null || !presignatures.name(id, from)) return
      presignatures.spend(id)
      correlations.wasted(signers.length - 1, { leader: from })
    } catch (cause) {
      if (!(cause instanceof DecodeError)) throw cause // it names nothing
    }
  }
}

/** How the session, or the opening, that named a presignature ended. */
function endOf(leader: PartyIndex, failure: unknown, session: Session | undefined): Ended {
  if (session === undefined || !(failure instanceof ProtocolError)) return { leader }
  return { leader, fault: failure.fault, session }
}

const refusedWith = (
  kind: 'binding' | 'presig-unknown' | 'corr-unknown',
  from: PartyIndex,
): Declined => new Declined({ kind: 'abort', fault: { kind, round: 'session/open', from } })
