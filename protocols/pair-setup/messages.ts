import { PHI_BYTES, PPRF_BYTES } from '../ot/sizes.ts'
import { type FixedCodec, fixed } from '../session/codec.ts'
import { type DirectRound, direct } from '../session/round.ts'

/** P1: a nonce, the point of the direction in which I am Bob, and a promise of z. */
export interface Commit {
  readonly nonce: Uint8Array
  readonly A: Uint8Array
  readonly commitment: Uint8Array
}
/** P2: 256 × (φ_0 ‖ φ_1) for the direction in which I am Alice. */
export interface Transfer {
  readonly pairSid: Uint8Array
  readonly phi: Uint8Array
}
/** P3: the PPRF message for the direction in which I am Bob; z and what opens its promise. */
export interface Open {
  readonly pairSid: Uint8Array
  readonly pprf: Uint8Array
  readonly z: Uint8Array
  readonly blind: Uint8Array
}
/** P4: the hash of all that was said. */
export interface Confirm {
  readonly pairSid: Uint8Array
  readonly transcript: Uint8Array
}

export const Commit: FixedCodec<Commit> = fixed({ nonce: 32, A: 33, commitment: 32 })
export const Transfer: FixedCodec<Transfer> = fixed({ pairSid: 32, phi: PHI_BYTES })
export const Open: FixedCodec<Open> = fixed({ pairSid: 32, pprf: PPRF_BYTES, z: 32, blind: 32 })
export const Confirm: FixedCodec<Confirm> = fixed({ pairSid: 32, transcript: 32 })

export const rounds: {
  readonly commit: DirectRound<Commit>
  readonly transfer: DirectRound<Transfer>
  readonly open: DirectRound<Open>
  readonly confirm: DirectRound<Confirm>
} = {
  commit: direct('pair-setup/1-commit', Commit),
  transfer: direct('pair-setup/2-transfer', Transfer),
  open: direct('pair-setup/3-open', Open),
  confirm: direct('pair-setup/4-confirm', Confirm),
}
