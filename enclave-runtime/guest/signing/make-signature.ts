import type { Signature } from '../../../protocols/kernel/kernel.ts'
import { type PartyIndex, ProtocolError } from '../../../protocols/session/faults.ts'
import { FORMS } from '../../../protocols/session/instance.ts'
import type { Party } from '../../../protocols/session/round.ts'
import type { SigningForm } from '../../../protocols/sign/prepare.ts'
import { signOnline } from '../../../protocols/sign/sign-online.ts'
import type { Timeline } from '../requests/timeline.ts'
import type { SigningCollaborators } from './collaborators.ts'
import type { Ended, SessionSource } from './correlations-for-signing.ts'
import type { SigningPlan, SignRequest } from './signing-plan.ts'

/** An attempt whose leader notes where its time goes. */
export type Timed = SigningPlan & { readonly timeline?: Timeline }

type Deps = Pick<
  SigningCollaborators,
  | 'committee'
  | 'kernel'
  | 'random'
  | 'pairs'
  | 'shares'
  | 'presignatures'
  | 'correlations'
  | 'activities'
  | 'converse'
>

/**
 * The conversation of one attempt, the same for leader and followers; the signature is verified. Row 20 of
 * 05 §3.3 in every form: what this guest is about to sign is durable before its last message leaves.
 */
export function makeSignature(
  deps: Deps,
  party: Party,
  asked: SignRequest,
  plan: Timed,
  leader: PartyIndex,
  session: Ended['session'],
): Promise<Signature> {
  const record = (): Promise<void> => recordActivity(deps, asked, plan)
  const recorded = (): Promise<void> => plan.timeline?.during('record', record) ?? record()
  const { manner } = plan
  switch (manner.form) {
    case FORMS.presigned:
      return signPresigned(deps, party, asked, plan, manner.presignature, recorded)
    case FORMS.correlated: {
      const others = party.everyone.filter((signer) => signer !== party.me)
      const source = deps.correlations.forSession(leader, others)
      return fromCorrelations(source, session, (correlations) =>
        signTogether(deps, party, asked, plan, recorded, { form: 'correlated', correlations }),
      )
    }
    default:
      return signTogether(deps, party, asked, plan, recorded, { form: 'full' })
  }
}

/** Runs a session of form (b): what it took is spent, and whoever was the reason is charged when it fails. */
export async function fromCorrelations<T>(
  source: SessionSource,
  session: Ended['session'],
  run: (source: SessionSource) => Promise<T>,
): Promise<T> {
  try {
    return await run(source)
  } catch (error) {
    source.failed({ fault: error instanceof ProtocolError ? error.fault : undefined, session })
    throw error
  } finally {
    source.over()
  }
}

/** Form (c): the record, then the presignature is taken, then the one message leaves (02 §6.3). */
async function signPresigned(
  { kernel, presignatures }: Deps,
  party: Party,
  { intent }: SignRequest,
  { binding }: SigningPlan,
  id: Uint8Array,
  recorded: () => Promise<void>,
): Promise<Signature> {
  await recorded()
  const presignature = presignatures.take(id)
  if (presignature === undefined)
    throw new ProtocolError({ kind: 'presig-unknown', round: 'sign/online', from: party.me })
  return signOnline(party, kernel, presignature, intent.digest, binding)
}

/** Forms (a) and (b). */
function signTogether(
  { committee, kernel, random, pairs, shares, converse }: Deps,
  party: Party,
  { account, intent }: SignRequest,
  { signers, guests }: SigningPlan,
  recorded: () => Promise<void>,
  form: SigningForm,
): Promise<Signature> {
  const { networkId, epochId, me } = committee
  const others = signers.filter((signer) => signer !== me.index)
  return shares.withShare(account, (share) => {
    const setups = pairs.withAll(others)
    if (setups === undefined) {
      const [from = 0] = pairs.missing(others)
      throw new ProtocolError({ kind: 'setup-missing', round: 'sign/1-commit', from })
    }
    return converse(party, kernel, random, {
      ...form,
      networkId,
      epochId,
      keyPublic: account.certificate.publicKey,
      derived: account.derived,
      share,
      guests,
      pairs: setups,
      digest: intent.digest,
      beforeLast: recorded,
    })
  })
}

async function recordActivity(
  { activities }: Deps,
  { request, account, intent, meaning }: SignRequest,
  { attempt, signers }: SigningPlan,
): Promise<void> {
  const { digest, core } = request
  await activities.record({
    accountId: account.id,
    nonce: core.nonce,
    digest,
    meaning,
    intentDigest: intent.intentDigest,
    keyId: account.certificate.keyId,
    attempt,
    signers,
    exp: core.exp,
  })
}
