import type { PartyIndex } from '../../../protocols/session/faults.ts'
import { FORMS, type Form } from '../../../protocols/session/instance.ts'
import { BoundedMap } from '../bounded-map.ts'
import type { Committee } from '../committee.ts'
import type { PresignaturePool, Purpose } from '../presignatures/presignature-pool.ts'
import type { CorrelationsForSigning } from './correlations-for-signing.ts'
import { FROM_CORRELATIONS, fromPresignature, IN_FULL, type Manner } from './manner.ts'
import type { SignRequest } from './signing-plan.ts'

/** Requests whose failed forms are remembered: more than a guest works on before they expire. */
const MAX_REQUESTS = 16_384

export interface FormChoiceInit {
  readonly committee: Committee
  readonly presignatures: Pick<PresignaturePool, 'nameOwn'>
  readonly correlations: Pick<CorrelationsForSigning, 'serves'>
}

/**
 * How an attempt led here comes about: from a presignature, else from correlations, else in full (03 §9.1). A
 * request whose attempt from a presignature failed gets none again, whatever the reason was (a wrong final
 * signature blames nobody); one whose correlations were unknown to a peer goes on in full.
 */
export class FormChoice {
  readonly #init: FormChoiceInit
  readonly #best = new BoundedMap<Form>(MAX_REQUESTS)

  constructor(init: FormChoiceInit) {
    this.#init = init
  }

  /** Names a presignature where there is one: the caller spends it, whatever happens. */
  choose(asked: SignRequest, signers: readonly PartyIndex[]): Manner {
    const { committee, presignatures, correlations } = this.#init
    const me = committee.me.index
    const best = this.#best.get(asked.request.digest) ?? FORMS.presigned
    if (best >= FORMS.presigned) {
      const id = presignatures.nameOwn(purposeOf(committee, asked, signers))
      if (id !== undefined) return fromPresignature(id)
    }
    const others = signers.filter((party) => party !== me)
    const serves = best >= FORMS.correlated && correlations.serves(others, me)
    return serves ? FROM_CORRELATIONS : IN_FULL
  }

  /** An attempt failed: what may be tried next. `fault` as the host is told it. */
  failed({ request }: SignRequest, { form }: Manner, fault: string): void {
    if (form === FORMS.presigned) this.#best.set(request.digest, FORMS.correlated)
    else if (fault === 'corr-unknown') this.#best.set(request.digest, FORMS.full)
  }
}

/** What a presignature has to be for, so that this request may use it. */
export const purposeOf = (
  { epochId }: Committee,
  { account: { certificate, derived } }: Pick<SignRequest, 'account'>,
  signers: readonly PartyIndex[],
): Purpose => ({
  keyId: certificate.keyId,
  path: derived.path,
  publicKey: derived.publicKey,
  signers,
  epochId,
})
