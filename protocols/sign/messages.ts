import { concatBytes } from '@noble/hashes/utils.js'
import { M1_BYTES, M2_BYTES } from '../ot/sizes.ts'
import { type Codec, type FixedCodec, fixed, Reader, u8 } from '../session/codec.ts'
import { type BroadcastRound, broadcast, type DirectRound, direct } from '../session/round.ts'

/** Bytes of a setupId that R1 carries: enough to notice another generation. */
export const PREFIX_BYTES = 8
/** Bytes of the name of a correlation (02 §4.3). */
export const CORRELATION_ID_BYTES = 16

/** R1: a promise of R_i, and which setup I hold with each other signer, in order of its index. */
export interface Commit {
  readonly nonce: Uint8Array
  readonly commitment: Uint8Array
  readonly prefixes: Uint8Array
}
/** R1b, to each: my choice as Bob. */
export interface Extend {
  readonly sid1: Uint8Array
  readonly m1: Uint8Array
}
/** R2, to each: R_i opened, my key share's point, and my inputs as Alice. */
export interface Multiply {
  readonly sid1: Uint8Array
  readonly blind: Uint8Array
  readonly R: Uint8Array
  readonly pk: Uint8Array
  readonly gammaU: Uint8Array
  readonly gammaV: Uint8Array
  readonly psi: Uint8Array
  readonly m2: Uint8Array
}
/** R1 of form (b): also which correlation I name in each pair in which I am lo, in order of hi's index. */
export interface Name extends Commit {
  readonly correlationIds: Uint8Array
}
/** R2 of form (b), to each: δ^u and δ^v in the place of m2. */
export interface Open extends Omit<Multiply, 'm2'> {
  readonly deltaU: Uint8Array
  readonly deltaV: Uint8Array
}
/** R3: my parts of denominator and numerator. */
export interface Combine {
  readonly sid1: Uint8Array
  readonly u: Uint8Array
  readonly w: Uint8Array
}
/** The one message of form (c). */
export interface Online {
  readonly onlineSid: Uint8Array
  readonly presignatureId: Uint8Array
  readonly u: Uint8Array
  readonly w: Uint8Array
}

/** The length of R1 depends on how many sign: t in all. */
export const Commit = (signers: number): FixedCodec<Commit> =>
  fixed({ nonce: 32, commitment: 32, prefixes: PREFIX_BYTES * (signers - 1) })
/** How many are named depends on who sends it: u8 count ‖ 16 bytes each, at most one per other signer. */
export const Name = (signers: number): Codec<Name> => {
  const commit = Commit(signers)
  return {
    encode: ({ correlationIds, ...rest }) => {
      const count = correlationIds.length / CORRELATION_ID_BYTES
      if (!Number.isInteger(count) || count >= signers)
        throw new Error('bug: names of another length')
      return concatBytes(commit.encode(rest), u8(count), correlationIds)
    },
    decode: (bytes) => {
      const reader = new Reader(bytes)
      const rest = commit.decode(reader.take(commit.size))
      const count = reader.u8(signers - 1)
      const correlationIds = reader.take(CORRELATION_ID_BYTES * count)
      return reader.end({ ...rest, correlationIds })
    },
  }
}
export const Open: FixedCodec<Open> = fixed({
  sid1: 32,
  blind: 32,
  R: 33,
  pk: 33,
  gammaU: 33,
  gammaV: 33,
  psi: 32,
  deltaU: 32,
  deltaV: 32,
})
export const Extend: FixedCodec<Extend> = fixed({ sid1: 32, m1: M1_BYTES })
export const Multiply: FixedCodec<Multiply> = fixed({
  sid1: 32,
  blind: 32,
  R: 33,
  pk: 33,
  gammaU: 33,
  gammaV: 33,
  psi: 32,
  m2: M2_BYTES,
})
export const Combine: FixedCodec<Combine> = fixed({ sid1: 32, u: 32, w: 32 })
export const Online: FixedCodec<Online> = fixed({
  onlineSid: 32,
  presignatureId: 16,
  u: 32,
  w: 32,
})

export interface SignRounds {
  readonly commit: BroadcastRound<Commit>
  readonly extend: DirectRound<Extend>
  readonly multiply: DirectRound<Multiply>
  readonly combine: BroadcastRound<Combine>
  readonly online: BroadcastRound<Online>
  readonly name: BroadcastRound<Name>
  readonly open: DirectRound<Open>
}

/** The rounds among `signers` guests: exactly t. */
export const rounds = (signers: number): SignRounds => ({
  commit: broadcast('sign/1-commit', Commit(signers)),
  extend: direct('sign/1b-extend', Extend),
  multiply: direct('sign/2-multiply', Multiply),
  combine: broadcast('sign/3-combine', Combine),
  online: broadcast('sign/online', Online),
  name: broadcast('sign/1-name', Name(signers)),
  open: direct('sign/2-open', Open),
})
