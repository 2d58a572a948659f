import type { PartyIndex } from '../../../protocols/session/faults.ts'
import { type Guest, guestAt } from '../../../protocols/session/guest.ts'
import { instanceId, KINDS } from '../../../protocols/session/instance.ts'
import type { Account } from '../accounts/account.ts'
import type { Committee } from '../committee.ts'
import type { MakingForm } from './presignature-opening.ts'

/** One run that makes one presignature, as this guest computes it from its own view (02 §11). */
export interface PresignaturePlan {
  readonly signers: readonly PartyIndex[]
  readonly guests: readonly Guest[]
  readonly attempt: number
  readonly form: MakingForm
  readonly instanceId: Uint8Array
}

/** `signers`: exactly t members, ascending. There is no request, and no digest. */
export function presignaturePlan(
  { networkId, epochId, guests: members }: Committee,
  { certificate, derived }: Account,
  run: {
    readonly signers: readonly PartyIndex[]
    readonly attempt: number
    readonly form: MakingForm
    readonly nonce: Uint8Array
  },
): PresignaturePlan {
  const { signers, attempt, form, nonce } = run
  const guests = signers.map((party) => guestAt(members, party))
  return {
    signers,
    guests,
    attempt,
    form,
    instanceId: instanceId({
      kind: KINDS.presignature,
      networkId,
      epochId,
      keyIds: [certificate.keyId],
      path: derived.path,
      publicKey: derived.publicKey,
      participants: guests,
      form,
      attempt,
      coordinatorNonce: nonce,
    }),
  }
}
