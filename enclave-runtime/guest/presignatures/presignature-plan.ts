import { u16 } from '../../../protocols/session/codec.ts'
import type { PartyIndex } from '../../../protocols/session/faults.ts'
import { type Guest, guestAt } from '../../../protocols/session/guest.ts'
import { FORMS, instanceId, KINDS } from '../../../protocols/session/instance.ts'
import type { Account } from '../accounts/account.ts'
import type { Committee } from '../committee.ts'
import type { MakingForm } from './presignature-opening.ts'

/** One of the presignatures that a run makes. */
export interface PlannedPresignature {
  readonly account: Account
  /** Of its own conversation. */
  readonly instanceId: Uint8Array
}

/** One run that makes presignatures, as this guest computes it from its own view (02 §6.3, §11). */
export interface PresignaturePlan {
  readonly signers: readonly PartyIndex[]
  readonly guests: readonly Guest[]
  readonly attempt: number
  readonly form: MakingForm
  readonly planned: readonly PlannedPresignature[]
  /** Of the session. */
  readonly instanceId: Uint8Array
}

/**
 * `signers`: exactly t members, ascending. There is no request, and no digest: in form (b) its field tells the
 * conversations of one session apart, and in the session's own id it is all of theirs.
 */
export function presignaturePlan(
  { networkId, epochId, guests: members }: Committee,
  accounts: readonly Account[],
  run: {
    readonly signers: readonly PartyIndex[]
    readonly attempt: number
    readonly form: MakingForm
    readonly nonce: Uint8Array
  },
): PresignaturePlan {
  const { signers, attempt, form, nonce } = run
  const guests = signers.map((party) => guestAt(members, party))
  const common = {
    ...({ kind: KINDS.presignature, networkId, epochId, participants: guests } as const),
    ...{ form, attempt, coordinatorNonce: nonce },
  }
  const planned = accounts.map((account, place) => {
    const { certificate, derived } = account
    const key = {
      keyIds: [certificate.keyId],
      path: derived.path,
      publicKey: derived.publicKey,
    }
    const digest = form === FORMS.correlated && { digest: u16(place) }
    return { account, instanceId: instanceId({ ...common, ...key, ...digest }) }
  })
  const ids = planned.map((each) => each.instanceId)
  const [only] = ids
  const id =
    form === FORMS.full && only !== undefined
      ? only
      : instanceId({ ...common, digest: Buffer.concat(ids) })
  return { signers, guests, attempt, form, planned, instanceId: id }
}
