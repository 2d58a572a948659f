import { MESSAGE_TYPES } from '../../../protocols/session/numbers.ts'
import type { Letter } from '../sessions/post.ts'

const NO_SESSION = new Uint8Array(32) // it opens none: the body's first item says what it is

/** A letter about the root key that belongs to no session. */
export const openLetter = (body: Uint8Array): Letter => ({
  session: NO_SESSION,
  attempt: 0,
  round: 0,
  type: MESSAGE_TYPES.open,
  body,
})
