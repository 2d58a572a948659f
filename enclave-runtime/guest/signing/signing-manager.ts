import type { PartyIndex } from '../../../protocols/session/faults.ts'
import type { LeadPlan, LeadReply } from '../../port/messages.ts'
import type { Timeline } from '../requests/timeline.ts'
import type { Letter } from '../sessions/post.ts'
import { Admission } from './admission.ts'
import { Announcements } from './announcements.ts'
import type { SigningCollaborators } from './collaborators.ts'
import { FinishedSignatures } from './finished-signatures.ts'
import { SignatureFollower } from './follow-signatures.ts'
import { FormChoice } from './form-choice.ts'
import { SignatureLeader } from './lead-signatures.ts'
import type { SignRequest } from './signing-plan.ts'

/** Signatures in which this guest takes part: those that it leads, and those that others open. */
export class SigningManager {
  readonly #leader: SignatureLeader
  readonly #follower: SignatureFollower
  readonly #announcements: Announcements

  constructor(init: SigningCollaborators) {
    const admission = new Admission(init)
    const finished = new FinishedSignatures(init)
    const announcements = new Announcements(init, finished, admission)
    const forms = new FormChoice(init)
    this.#announcements = announcements
    this.#leader = new SignatureLeader(init, { admission, finished, announcements, forms })
    this.#follower = new SignatureFollower(init, admission, finished)
  }

  /** One attempt led here, for a request that was authorised here. */
  lead(
    request: Uint8Array,
    asked: SignRequest,
    plan: LeadPlan,
    timeline: Timeline,
  ): Promise<LeadReply> {
    return this.#leader.lead(request, asked, plan, timeline)
  }

  /** See `Announcements.settle`. */
  settle(accountId: Uint8Array, nonce: Uint8Array): Promise<void> | undefined {
    return this.#announcements.settle(accountId, nonce)
  }

  /** Another guest opens an attempt. */
  take(from: PartyIndex, letter: Letter): void {
    this.#follower.take(from, letter)
  }
}
