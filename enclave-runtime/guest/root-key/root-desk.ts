import type { Stamp } from '../../../protocols/agreement/objects/root-signatures.ts'
import { DecodeError } from '../../../protocols/session/codec.ts'
import type { PartyIndex } from '../../../protocols/session/faults.ts'
import { otherGuests } from '../committee.ts'
import type { Clock } from '../sessions/clock.ts'
import { openingName } from '../sessions/opening.ts'
import type { Letter } from '../sessions/post.ts'
import { openLetter } from './open-letter.ts'
import { ROOT } from './root-opening.ts'
import type { RootRoom } from './root-room.ts'
import type { Followed, RootSigner } from './root-signer.ts'
import { decodeStampLetter, encodeStampLetter, STAMPED } from './stamp-letter.ts'
import type { Stamps } from './stamps.ts'
import { SubsetTests } from './subset-tests.ts'
import { TESTED, TESTED_ASK } from './test-letters.ts'

export interface RootDeskInit {
  readonly room: RootRoom
  /** Both are shared by all rooms. */
  readonly signer: RootSigner
  readonly stamps: Pick<Stamps, 'take' | 'consider'>
  readonly clock: Pick<Clock, 'after'>
  /** A defect, or a disk that does not take records. */
  readonly onError: (error: unknown) => void
}

/** Everything about the root key that comes to the room of one epoch. */
export class RootDesk {
  readonly tests: SubsetTests
  readonly #init: RootDeskInit

  constructor(init: RootDeskInit) {
    this.#init = init
    this.tests = new SubsetTests(init)
  }

  /** An epoch that the root key says is active wants its stamp (03 §4.1 S11). */
  readonly #followed: Followed = (statement, signers, end) => {
    this.tests.followed(statement, signers, end)
    if (statement.domain === 'epoch-active' && 'signature' in end) this.#init.stamps.consider()
  }

  /** A letter of type `open`; false if it is about something else. */
  take(from: PartyIndex, letter: Letter): boolean {
    const { room, signer, stamps, onError } = this.#init
    try {
      switch (openingName(letter.body)) {
        case ROOT:
          signer.follow(room, from, letter, this.#followed)
          return true
        case TESTED:
          this.tests.takeTested(from, letter.body)
          return true
        case TESTED_ASK:
          this.tests.takeAsk(from, letter.body)
          return true
        case STAMPED:
          stamps.take(decodeStampLetter(letter.body)).catch(onError)
          return true
        default:
          return false
      }
    } catch (cause) {
      if (!(cause instanceof DecodeError)) throw cause
      return true // a broken letter tells nothing
    }
  }
}

/** Tells a stamp that was made here to the other members of its room. */
export function tellStamp(stamp: Stamp, { committee, router }: RootRoom): void {
  const letter = openLetter(encodeStampLetter(stamp))
  for (const { index } of otherGuests(committee)) void router.send(index, letter)
}
