import { b16, b32, bytesUpTo } from './items.ts'
import { type SignedCodec, signedObject } from './signed.ts'

/** A part of a larger message, or a whole one: what a letter may carry. */
export const MAX_LETTER_BODY_BYTES: number = 48 * 1024 + 128
const HEAD_BYTES = 512

/**
 * What one guest says to another about epochs, relayed by hosts and signed by the guest that says it. Nothing in it is
 * secret. Signed letters reach joiners and leavers as well as members, and prove sender and boot without a channel.
 *
 * One that is shown again does no harm: everything that binds anybody is signed inside, for its own epoch and attempt,
 * and comes a second time in any case when it was not answered; a beat of an earlier boot is dated before the next, so
 * it makes no clone; and what is unsigned inside only asks, and is answered to the guest that signed the letter.
 */
export interface Letter {
  readonly networkId: Uint8Array
  /** Guest key of the sender, who signs it. */
  readonly from: Uint8Array
  /** Guest key of the receiver: nobody else takes it. */
  readonly to: Uint8Array
  /** Random, 16 bytes, of the start of the sender that sent it. */
  readonly boot: Uint8Array
  readonly body: Uint8Array
}

export const Letter: SignedCodec<Letter> = signedObject<Letter>(
  'letter',
  {
    networkId: b32,
    from: b32,
    to: b32,
    boot: b16,
    body: bytesUpTo(MAX_LETTER_BODY_BYTES),
  },
  { maxBytes: MAX_LETTER_BODY_BYTES + HEAD_BYTES },
)
