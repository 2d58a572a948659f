import { ENGINE_VERSION, sessionBinding } from '../../../protocols/request/binding.ts'
import { RequestError } from '../../../protocols/request/errors.ts'
import type { PartyIndex } from '../../../protocols/session/faults.ts'
import { type Guest, guestAt } from '../../../protocols/session/guest.ts'
import { instanceId, KINDS } from '../../../protocols/session/instance.ts'
import { ETHEREUM_PATH } from '../accounts/account.ts'
import type { Committee } from '../committee.ts'
import type { Authorized } from '../requests/authorize.ts'
import { IN_FULL, type Manner } from './manner.ts'

export type SignRequest = Extract<Authorized, { kind: 'sign' }>

/** One attempt at one signature, as this guest computes it from its own view (02 §11). */
export interface SigningPlan {
  readonly signers: readonly PartyIndex[]
  readonly guests: readonly Guest[]
  readonly attempt: number
  readonly manner: Manner
  /** What the signers agree on (05 §3.4), form and presignature included. */
  readonly binding: Uint8Array
  readonly instanceId: Uint8Array
}

/** Throws `RequestError` MPC_QUORUM for a signer set that is not exactly t members, ascending. */
export function signingPlan(
  committee: Committee,
  { request, account, intent }: SignRequest,
  signers: readonly PartyIndex[],
  attempt: number,
  coordinatorNonce: Uint8Array,
  manner: Manner = IN_FULL,
): SigningPlan {
  if (!isSignerSet(committee, signers)) throw new RequestError('MPC_QUORUM', 'not a set of signers')
  const { networkId, epochId, epoch } = committee
  const { keyId } = account.certificate
  const binding = sessionBinding({
    networkId,
    epoch: epoch.e,
    digest: request.digest,
    intentDigest: intent.intentDigest,
    chainDigest: intent.digest,
    keyId,
    path: ETHEREUM_PATH,
    policyHash: account.policyHash,
    engine: ENGINE_VERSION,
    signers,
    attempt,
    presignatureId: manner.presignature,
  })
  const guests = signers.map((party) => guestAt(committee.guests, party))
  return {
    signers,
    guests,
    attempt,
    manner,
    binding,
    instanceId: instanceId({
      kind: KINDS.signature,
      networkId,
      epochId,
      keyIds: [keyId],
      path: ETHEREUM_PATH,
      publicKey: account.derived.publicKey,
      participants: guests,
      form: manner.form,
      requestDigest: binding,
      digest: intent.digest,
      attempt,
      coordinatorNonce,
    }),
  }
}

/** Exactly t members, ascending. */
export function isSignerSet(
  { guests, threshold }: Committee,
  signers: readonly PartyIndex[],
): boolean {
  const members = guests.map(({ index }) => index)
  const ascending = signers.every((party, i) => i === 0 || party > (signers[i - 1] ?? 0))
  return signers.length === threshold && ascending && signers.every((p) => members.includes(p))
}
