import { bytesToHex, hexToBytes } from '@noble/hashes/utils.js'
import { sameBytes } from '../../../protocols/agreement/compare-bytes.ts'
import { Letter } from '../../../protocols/agreement/objects/letter.ts'
import { signed, signObject } from '../../../protocols/agreement/objects/signed.ts'
import { signedMessage } from '../../../protocols/agreement/signed-object.ts'
import { DecodeError } from '../../../protocols/session/codec.ts'
import { isSignedBy } from '../keys/vote-verifier.ts'
import type { Clock } from '../sessions/clock.ts'
import { decodeLetterBody, encodeLetterBody } from './letter-body.ts'
import { bodiesOf, Reassembly } from './reassembly.ts'
import { SenderLimits } from './sender-limits.ts'

export interface LettersInit {
  readonly networkId: Uint8Array
  /** Own guest key. */
  readonly guestSig: Uint8Array
  /** Ed25519 by that key. */
  sign(message: Uint8Array): Uint8Array
  readonly clock: Pick<Clock, 'monotonicMs'>
  /** To the host: one-way, may be lost. */
  post(to: Uint8Array, bytes: Uint8Array): void
  /** Whether this guest key has anything to say here: of a member of an epoch or attempt, or of a joiner. */
  isKnown(from: string): boolean
}

/** What a guest said: sender and boot are proven. */
export interface Said {
  /** Guest key, hexadecimal. */
  readonly from: string
  /** Boot of the sender, hexadecimal. */
  readonly boot: string
  readonly bytes: Uint8Array
}

/** Why letters were not taken, counted: nothing of it is a reason for a ban (03 §1.1). */
export interface Dropped {
  malformed: number
  /** For another guest or network. */
  misled: number
  unsigned: number
  flood: number
}

const codec = signed(Letter)

/** Signed letters of the committee, out and in (03 §4.5). */
export class Letters {
  readonly #init: LettersInit
  readonly #parts = new Reassembly()
  readonly #limits: SenderLimits
  readonly dropped: Dropped = { malformed: 0, misled: 0, unsigned: 0, flood: 0 }

  constructor(init: LettersInit) {
    this.#init = init
    this.#limits = new SenderLimits(init.clock.monotonicMs())
  }

  /** `to`: guest key, hexadecimal. */
  send(to: string, boot: Uint8Array, whole: Uint8Array): void {
    const { networkId, guestSig, sign, post } = this.#init
    const receiver = hexToBytes(to)
    for (const body of bodiesOf(whole)) {
      const letter = { networkId, from: guestSig, to: receiver, boot, body: encodeLetterBody(body) }
      post(receiver, codec.encode(signObject(Letter, letter, networkId, sign)))
    }
  }

  /** What a letter says, once it is whole; undefined for one that is dropped, or that waits for the rest. */
  receive(bytes: Uint8Array): Said | undefined {
    try {
      return this.#open(bytes)
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error
      this.dropped.malformed++
      return undefined
    }
  }

  #open(bytes: Uint8Array): Said | undefined {
    const { networkId, guestSig, clock, isKnown } = this.#init
    const letter = codec.decode(bytes)
    const { object } = letter
    if (!sameBytes(object.to, guestSig) || !sameBytes(object.networkId, networkId))
      return this.#drop('misled')
    const message = signedMessage('letter', networkId, letter.objectBytes)
    if (!isSignedBy(object.from, message, letter.signature)) return this.#drop('unsigned')
    const from = bytesToHex(object.from)
    const now = clock.monotonicMs()
    if (!this.#limits.takes(from, isKnown(from), now)) return this.#drop('flood')
    const body = decodeLetterBody(object.body)
    const whole = body.type === 'whole' ? body.bytes : this.#parts.add(from, body, now)
    return whole && { from, boot: bytesToHex(object.boot), bytes: whole }
  }

  #drop(reason: keyof Dropped): undefined {
    this.dropped[reason]++
  }
}
