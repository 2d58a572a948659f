import { Answer, type SignedAnswer } from '../objects/proposal.ts'
import { isSignedBy, type Signed, type SignedCodec } from '../objects/signed.ts'
import { verifySigned } from '../signed-object.ts'
import { type MemberNames, memberKeysReason } from './member-keys.ts'

/** The cryptography of the rules: what a simulation without any replaces. */
export interface Verify {
  /** Whether this key signed exactly these bytes, for this network and as an object of this type (03 §1.1). */
  isSignedBy<T>(
    of: SignedCodec<T>,
    signed: Signed<T>,
    networkId: Uint8Array,
    key: Uint8Array,
  ): boolean
  /** Whether the operatorSig of an answer, which has one, is this operator's (03 §1.1). */
  isOperatorAnswer(answer: SignedAnswer, networkId: Uint8Array, operatorKey: Uint8Array): boolean
  /** What is wrong with the keys and the peer id of `whose`; undefined if nothing is (03 §1.1). */
  keysReason(names: MemberNames, whose: string): string | undefined
}

/** Ed25519 in the strict sense, and keys as 03 §1.1 wants them. */
export const STRICT: Verify = {
  isSignedBy,
  isOperatorAnswer: ({ object }, networkId, operatorKey) => {
    const { operatorSig } = object
    if (operatorSig === null) return false
    const unsigned = Answer.encode({ ...object, operatorSig: null })
    return verifySigned('answer', networkId, unsigned, operatorKey, operatorSig)
  },
  keysReason: memberKeysReason,
}
