import type { NotYet } from '../../../enclave-runtime/guest/sessions/answer-letters.ts'
import {
  decodeNotYet,
  decodeRefuse,
  decodeResult,
} from '../../../enclave-runtime/guest/sessions/answer-letters.ts'
import { MESSAGE_TYPES } from '../../../protocols/session/numbers.ts'
import type { Carried, GuestNet, Tamper } from './guest-net.ts'

/** Writes down every letter that goes through the net, before it is tampered with. */
export function record(
  net: Pick<GuestNet, 'tamper'>,
  tamper: Tamper = (carried) => [carried],
): Carried[] {
  const seen: Carried[] = []
  net.tamper = (carried) => {
    seen.push(carried)
    return tamper(carried)
  }
  return seen
}

/** What a follower said to an opening, in words. */
export function answerIn(letters: readonly Carried[], from: number): string {
  for (const { from: sender, letter } of letters) {
    if (sender !== from) continue
    const { type, body } = letter
    if (type === MESSAGE_TYPES.refuse) return decodeRefuse(body)
    if (type === MESSAGE_TYPES.notYet)
      return `not yet: ${(decodeNotYet(body) satisfies NotYet).reason}`
    if (type === MESSAGE_TYPES.result) return `result of ${decodeResult(body).length} bytes`
    if (type === MESSAGE_TYPES.abort) return `abort ${body.join()}`
    if (type === MESSAGE_TYPES.round) return 'takes part'
  }
  return 'silence'
}
