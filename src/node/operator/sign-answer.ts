import { Answer } from '../../../protocols/agreement/objects/proposal.ts'
import type { Base } from '../../../protocols/agreement/rules/base.ts'
import { signedMessage } from '../../../protocols/agreement/signed-object.ts'
import type { OperatorKey } from '../operator-key.ts'
import type { OperatorAnswer } from './messages.ts'

/** What an operator signs of an answer: all of it, with null in the signature's place (03 §1.1). */
export function signAnswer(
  base: Base,
  answer: Omit<OperatorAnswer, 'operatorSig'> & { readonly index: number },
  key: OperatorKey,
): OperatorAnswer {
  const { proposalHash, yes, seq, index } = answer
  const unsigned = Answer.encode({
    committeeId: base.committeeId,
    baseHash: base.hash,
    proposalHash: new Uint8Array(Buffer.from(proposalHash, 'hex')),
    seq,
    yes,
    index,
    operatorSig: null,
  })
  const signature = key.sign(signedMessage('answer', base.networkId, unsigned))
  return { proposalHash, yes, seq, operatorSig: Buffer.from(signature).toString('hex') }
}
