import type { Kernel } from '../../../protocols/kernel/kernel.ts'
import type { LeadReply } from '../../port/messages.ts'
import type { Committee } from '../committee.ts'
import type { Finished, ResultCache } from '../requests/result-cache.ts'
import { decodeFinished } from './finished-bytes.ts'
import { isSignerSet, type SignRequest } from './signing-plan.ts'

export interface FinishedSignaturesInit {
  readonly committee: Committee
  readonly kernel: Pick<Kernel, 'ecdsaVerify'>
  readonly results: ResultCache
  /** Unix seconds. */
  readonly now: () => number
}

/** Signatures that exist, for whoever asks again. */
export class FinishedSignatures {
  readonly #init: FinishedSignaturesInit

  constructor(init: FinishedSignaturesInit) {
    this.#init = init
  }

  of({ request }: SignRequest): Finished | undefined {
    return this.ofDigest(request.digest)
  }

  ofDigest(digest: Uint8Array): Finished | undefined {
    return this.#init.results.get(digest, this.#init.now())
  }

  /** One that was made here, and verified when its parts came together. */
  keep({ request }: SignRequest, finished: Finished): void {
    this.#init.results.put(request.digest, finished, request.core.exp)
  }

  /**
   * One that another guest tells of: believed when it verifies under the account's key, recovery id included;
   * who signed is its word. Throws `DecodeError`.
   */
  learn(asked: SignRequest, bytes: Uint8Array): boolean {
    const { committee, kernel } = this.#init
    const { account, intent } = asked
    const finished = decodeFinished(bytes)
    if (!isSignerSet(committee, finished.signers)) return false
    if (!kernel.ecdsaVerify(account.derived.publicKey, intent.digest, finished.signature))
      return false
    this.keep(asked, finished)
    return true
  }
}

/** What the request returns, made from its signature: the same bytes every time. */
export const doneReply = (
  { intent }: SignRequest,
  { signature, signers }: Finished,
): Extract<LeadReply, { kind: 'done' }> => ({
  kind: 'done',
  result: intent.finish(signature),
  signers,
})
