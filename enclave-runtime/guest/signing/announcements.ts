import { RequestError } from '../../../protocols/request/errors.ts'
import { DecodeError } from '../../../protocols/session/codec.ts'
import { MESSAGE_TYPES } from '../../../protocols/session/numbers.ts'
import { otherGuests } from '../committee.ts'
import type { Finished } from '../requests/result-cache.ts'
import type { Letter } from '../sessions/post.ts'
import type { Admission } from './admission.ts'
import { decodeAnnouncement, encodeAnnouncement, MAX_ANNOUNCED_REQUEST } from './announcement.ts'
import type { SigningCollaborators } from './collaborators.ts'
import { encodeFinished } from './finished-bytes.ts'
import type { FinishedSignatures } from './finished-signatures.ts'
import type { SignRequest } from './signing-plan.ts'

/** Announced results that are verified at once; more are not waited for. */
const MAX_ANNOUNCEMENTS = 16

/** Finished requests, told to members that did not sign them, and heard of from others (03 §9.1). */
export class Announcements {
  readonly #init: Pick<SigningCollaborators, 'committee' | 'router' | 'authorizeDone' | 'onError'>
  readonly #finished: FinishedSignatures
  readonly #admission: Admission
  #running = 0

  constructor(init: SigningCollaborators, finished: FinishedSignatures, admission: Admission) {
    this.#init = init
    this.#finished = finished
    this.#admission = admission
    init.answers.onAnnounced((_, letter) => this.#take(letter))
  }

  /** Tells those that did not sign. Nobody waits for it; who does not hear it asks. */
  announce(request: Uint8Array, { request: { digest } }: SignRequest, done: Finished): void {
    if (request.length > MAX_ANNOUNCED_REQUEST) return
    const { committee, router } = this.#init
    const body = encodeAnnouncement({ request, finished: encodeFinished(done) })
    const type = MESSAGE_TYPES.result
    const letter = { session: digest, attempt: 0, round: 0, type, body }
    for (const { index } of otherGuests(committee))
      if (!done.signers.includes(index)) void router.send(index, letter)
  }

  #take({ session, body }: Letter): void {
    if (this.#running >= MAX_ANNOUNCEMENTS) return // it is asked for, when it is needed
    if (this.#finished.ofDigest(session) !== undefined) return
    this.#running += 1
    this.#learn(body)
      .catch((error: unknown) => {
        const untrue = error instanceof DecodeError || error instanceof RequestError
        if (!untrue) this.#init.onError(error)
      })
      .finally(() => {
        this.#running -= 1
      })
  }

  /** Believed when the request is its account's and the signature is that of the account's key. */
  async #learn(body: Uint8Array): Promise<void> {
    const { request, finished } = decodeAnnouncement(body)
    const asked = await this.#init.authorizeDone(request)
    if (asked.kind === 'sign' && this.#finished.learn(asked, finished))
      this.#admission.claimNonce(asked)
  }
}
