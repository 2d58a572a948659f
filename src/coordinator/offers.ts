import type { LeadOffer, LeadReply } from '../../enclave-runtime/host/guest.ts'
import { uuidText } from '../../protocols/request/account-id.ts'
import type { RequestCore } from '../../protocols/request/core.ts'
import type { PartyIndex } from '../../protocols/session/faults.ts'
import { attemptBudget, SHORTEST_ATTEMPT_MS } from './budget.ts'
import { isSignature } from './gate.ts'
import { endOf, type LeadDependencies, type Outcome } from './lead.ts'

/** An offer that is open: its place among the attempts is held until it is over. */
export interface Open {
  readonly offer: LeadOffer
  /** The attempt that came of it, as the guest tells of it. */
  took(reply: LeadReply, signers: readonly PartyIndex[]): Outcome
  /** Nothing came of it, or everything is told. */
  over(): void
}

/**
 * Lets the own guest lead the first attempt of a request as soon as it has checked it, where nothing would hold that
 * up: a place is free, nothing else of the account is under way, and it has a token left. Who asks is known only
 * then; so an account has one offer at a time, and its token is taken when its request was good.
 */
export class Offers {
  readonly #deps: LeadDependencies
  readonly #accounts = new Set<string>()

  constructor(deps: LeadDependencies) {
    this.#deps = deps
  }

  /** `isFree`: whether this account may have a request led now. */
  open(
    { method, accountId }: Pick<RequestCore, 'method' | 'accountId'>,
    remainingMs: number,
    isFree: (account: string) => boolean,
  ): Open | undefined {
    const { standing, pace, budgetFactor } = this.#deps
    if (accountId === null || !isSignature(method) || remainingMs < SHORTEST_ATTEMPT_MS)
      return undefined
    const account = uuidText(accountId)
    const able = standing.able()
    if (able === undefined || this.#accounts.has(account) || !isFree(account)) return undefined
    const leave = pace.enterNow()
    if (leave === undefined) return undefined
    this.#accounts.add(account)
    const times = { rttMs: standing.slowestMs(able), remainingMs, factor: budgetFactor }
    return {
      offer: { able, ...attemptBudget('sign', times) },
      took: (reply, signers) => endOf(this.#deps, leave, reply, signers),
      over: () => {
        leave('other')
        this.#accounts.delete(account)
      },
    }
  }
}
