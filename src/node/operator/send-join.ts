import { sameBytes } from '../../../protocols/agreement/compare-bytes.ts'
import { Join, SignedJoin } from '../../../protocols/agreement/objects/join.ts'
import { signedMessage } from '../../../protocols/agreement/signed-object.ts'
import type { OperatorKey } from '../operator-key.ts'
import { decoded, fromHex, toHex } from './base-of.ts'
import type { OperatorNode } from './client.ts'
import { OperatorError, type OperatorStatus } from './messages.ts'

/**
 * Has the guest of a node draft a join, signs it with the operator's key and leaves it with members. The operator signs
 * nothing but a join of this guest, to this network, with its own key. Of a member it is an update.
 */
export async function sendSignedJoin(
  node: OperatorNode,
  status: Pick<OperatorStatus, 'networkId' | 'guestSig'>,
  wish: { readonly operator: OperatorKey; readonly label: string; readonly expiresAt: number },
  signal: AbortSignal,
): Promise<{ readonly guestSig: string; readonly join: Join }> {
  const { operator, label, expiresAt } = wish
  const draft = await node.ask(
    'join-draft',
    { operatorKey: toHex(operator.publicKey), label, expiresAt },
    signal,
  )
  const objectBytes = fromHex(draft.join)
  const join = decoded(() => Join.decode(objectBytes))
  const isOurs =
    toHex(join.networkId) === status.networkId &&
    toHex(join.guestSig) === status.guestSig &&
    sameBytes(join.operatorKey, operator.publicKey) &&
    join.label === label &&
    join.expiresAt === expiresAt
  if (!isOurs)
    throw new OperatorError('failed', 'the node drafts another join than it was asked for')
  const operatorSignature = operator.sign(signedMessage('join', join.networkId, objectBytes))
  const guestSignature = fromHex(draft.guestSignature)
  const signed = SignedJoin.encode({ object: join, objectBytes, guestSignature, operatorSignature })
  await node.ask('join-send', { join: toHex(signed) }, signal)
  return { guestSig: status.guestSig, join }
}
