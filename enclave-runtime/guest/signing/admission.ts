import { RequestError } from '../../../protocols/request/errors.ts'
import type { PartyIndex } from '../../../protocols/session/faults.ts'
import type { LeadReply } from '../../port/messages.ts'
import { Declined } from '../sessions/followers.ts'
import { failed } from '../sessions/lead-reply.ts'
import type { SigningCollaborators } from './collaborators.ts'
import type { SignRequest } from './signing-plan.ts'

export const RETRY_MS = 500

type Deps = Pick<SigningCollaborators, 'committee' | 'pairs' | 'bans' | 'shares' | 'activities'>

/** Row 19 of 05 §3.3, and what else stands in the way of signing in this guest. */
export class Admission {
  readonly #init: Deps

  constructor(init: Deps) {
    this.#init = init
  }

  /** Why this guest cannot lead an attempt of these signers now; undefined when it can. */
  obstacle({ account }: SignRequest, signers: readonly PartyIndex[]): LeadReply | undefined {
    const { bans, pairs, shares } = this.#init
    if (shares.isHalted(account)) return this.withoutMe()
    const banned = bans.among(signers)
    if (banned !== undefined) return failed('banned', banned)
    const missing = pairs.missing(this.#others(signers))
    return missing.length > 0 ? failed('setup-missing', missing, RETRY_MS) : undefined
  }

  /** The key is halted here, and only here: the others sign on. */
  withoutMe(): LeadReply {
    return { ...failed('refused', [this.#init.committee.me.index]), ids: ['KEY_NOT_FOUND'] }
  }

  /** The same for a follower. Throws `RequestError` or `Declined`. */
  assertOpen({ account }: SignRequest, signers: readonly PartyIndex[]): void {
    const { bans, pairs, shares } = this.#init
    if (shares.isHalted(account)) throw new RequestError('KEY_NOT_FOUND')
    if (bans.among(signers) !== undefined) throw new RequestError('PAIR_BANNED')
    if (pairs.missing(this.#others(signers)).length > 0) throw later('setup-missing')
  }

  /** Two requests of other meaning, checked at the same time, may not both have the nonce. Throws `RequestError`. */
  claimNonce({ request, account, meaning }: SignRequest): void {
    if (!this.#init.activities.claim(account.id, request.core.nonce, meaning))
      throw new RequestError('NONCE_REUSED')
  }

  #others(signers: readonly PartyIndex[]): PartyIndex[] {
    return signers.filter((signer) => signer !== this.#init.committee.me.index)
  }
}

export const later = (reason: 'busy' | 'setup-missing' | 'overloaded' | 'clock'): Declined =>
  new Declined({ kind: 'notYet', reason, retryAfterMs: RETRY_MS })
