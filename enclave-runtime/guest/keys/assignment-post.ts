import type { ErrorId } from '../../../protocols/request/errors.ts'
import type { PartyIndex } from '../../../protocols/session/faults.ts'
import { type Committee, otherGuests } from '../committee.ts'
import type { SessionRouter } from '../sessions/session-router.ts'
import { type AssignmentLetter, assignmentLetter } from './assignment-letters.ts'
import type { Vote } from './assignment-votes.ts'
import type { OpenAssignment } from './open-assignment.ts'

/** What a guest says of accounts and their votes. Every letter may be lost: whoever misses it asks again. */
export class AssignmentPost {
  readonly #router: Pick<SessionRouter, 'send'>
  readonly #others: readonly PartyIndex[]

  constructor(committee: Committee, router: Pick<SessionRouter, 'send'>) {
    this.#router = router
    this.#others = otherGuests(committee).map(({ index }) => index)
  }

  /** Tells one member all, the request too, and asks what it knows. */
  async ask({ accountId, request, votes }: OpenAssignment, to: PartyIndex): Promise<void> {
    await this.#send(to, { accountId, request, asks: true, refused: null, votes })
  }

  /** All others, also those whose votes are known: one of them may have heard a third member's, and decided. */
  async askAll(open: OpenAssignment): Promise<void> {
    await Promise.all(this.#others.map((to) => this.ask(open, to)))
  }

  async tellAll(accountId: Uint8Array, votes: readonly Vote[]): Promise<void> {
    await Promise.all(this.#others.map((to) => this.reply(to, accountId, votes)))
  }

  async reply(
    to: PartyIndex,
    accountId: Uint8Array,
    votes: readonly Vote[],
    refused: ErrorId | null = null,
  ): Promise<void> {
    await this.#send(to, { accountId, request: null, asks: false, refused, votes })
  }

  async #send(to: PartyIndex, letter: AssignmentLetter): Promise<void> {
    await this.#router.send(to, assignmentLetter(letter))
  }
}
