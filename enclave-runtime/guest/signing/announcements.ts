import { RequestError } from '../../../protocols/request/errors.ts'
import { DecodeError } from '../../../protocols/session/codec.ts'
import type { PartyIndex } from '../../../protocols/session/faults.ts'
import { MESSAGE_TYPES } from '../../../protocols/session/numbers.ts'
import { otherGuests } from '../committee.ts'
import type { Finished } from '../requests/result-cache.ts'
import type { Letter } from '../sessions/post.ts'
import type { Admission } from './admission.ts'
import {
  type Announcement,
  announcedBytes,
  decodeAnnouncements,
  encodeAnnouncements,
  FULL_LETTER_BYTES,
  MAX_ANNOUNCED,
  MAX_ANNOUNCED_REQUEST,
  placeOf,
} from './announcement.ts'
import type { SigningCollaborators } from './collaborators.ts'
import { encodeFinished } from './finished-bytes.ts'
import type { FinishedSignatures } from './finished-signatures.ts'
import { type Heard, HeardResults } from './heard-results.ts'
import type { SignRequest } from './signing-plan.ts'

/** Nobody waits for what is announced; so long it waits for more of its kind. */
const GATHER_MS = 500

interface Outbox {
  readonly announcements: Announcement[]
  bytes: number
}

/**
 * Finished requests, told to members that did not sign them, and heard of from others (03 §9.1). Telling is
 * gathered: a letter for many. What is heard is verified when a request of the same account and nonce comes,
 * and before anything is decided about that; most are never asked for again, and cost nothing here.
 */
export class Announcements {
  readonly #init: Pick<
    SigningCollaborators,
    'committee' | 'router' | 'clock' | 'now' | 'authorizeDone' | 'onError'
  >
  readonly #finished: FinishedSignatures
  readonly #admission: Admission
  readonly #outboxes = new Map<PartyIndex, Outbox>()
  readonly #heard = new HeardResults()
  readonly #settling = new Map<string, Promise<void>>()

  constructor(init: SigningCollaborators, finished: FinishedSignatures, admission: Admission) {
    this.#init = init
    this.#finished = finished
    this.#admission = admission
    init.answers.onAnnounced((from, letter) => this.#take(from, letter))
  }

  /** Tells those that did not sign, soon. Nobody waits for it; who does not hear it asks. */
  announce(request: Uint8Array, asked: SignRequest, done: Finished): void {
    if (request.length > MAX_ANNOUNCED_REQUEST) return
    const place = placeOf(asked.account.id, asked.request.core.nonce)
    const announcement = { place, request, finished: encodeFinished(done) }
    for (const { index } of otherGuests(this.#init.committee))
      if (!done.signers.includes(index)) this.#post(index, announcement)
  }

  /** Verifies what was heard of this account and nonce; undefined when that is nothing. */
  settle(accountId: Uint8Array, nonce: Uint8Array): Promise<void> | undefined {
    const place = placeOf(accountId, nonce)
    const key = Buffer.from(place).toString('hex')
    const running = this.#settling.get(key)
    if (running !== undefined) return running
    const heard = this.#heard.take(place)
    if (heard.length === 0) return undefined
    const settled = this.#learnAll(heard).finally(() => this.#settling.delete(key))
    this.#settling.set(key, settled)
    return settled
  }

  #post(to: PartyIndex, announcement: Announcement): void {
    const bytes = announcedBytes(announcement)
    const waiting = this.#outboxes.get(to)
    if (waiting !== undefined && waiting.bytes + bytes > FULL_LETTER_BYTES) this.#send(to, waiting)
    let box = this.#outboxes.get(to)
    if (box === undefined) {
      const fresh: Outbox = { announcements: [], bytes: 0 }
      box = fresh
      this.#outboxes.set(to, fresh)
      this.#init.clock.after(GATHER_MS, () => this.#send(to, fresh))
    }
    box.announcements.push(announcement)
    box.bytes += bytes
    if (box.announcements.length >= MAX_ANNOUNCED) this.#send(to, box)
  }

  #send(to: PartyIndex, box: Outbox): void {
    if (this.#outboxes.get(to) !== box) return // it left when it was full
    this.#outboxes.delete(to)
    const { router, committee } = this.#init
    const body = encodeAnnouncements(box.announcements)
    const type = MESSAGE_TYPES.result
    void router.send(to, { session: committee.committeeId, attempt: 0, round: 0, type, body })
  }

  #take(from: PartyIndex, { body }: Letter): void {
    try {
      const at = this.#init.now()
      for (const each of decodeAnnouncements(body)) this.#heard.put({ ...each, from, at })
    } catch (cause) {
      if (!(cause instanceof DecodeError)) throw cause // nothing is heard
    }
  }

  async #learnAll(heard: readonly Heard[]): Promise<void> {
    for (const each of heard) {
      try {
        await this.#learn(each)
      } catch (error) {
        const untrue = error instanceof DecodeError || error instanceof RequestError
        if (!untrue) this.#init.onError(error)
      }
    }
  }

  /** Believed when the request was its account's as it came, and the signature is that of the account's key. */
  async #learn({ request, finished, at }: Heard): Promise<void> {
    const asked = await this.#init.authorizeDone(request, at)
    if (asked.kind === 'sign' && this.#finished.learn(asked, finished))
      this.#admission.claimNonce(asked)
  }
}
