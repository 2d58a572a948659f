import { equalBytes } from '@noble/curves/utils.js'
import type { Kernel, Signature } from '../kernel/kernel.ts'
import { ProtocolError } from '../session/faults.ts'
import type { Party } from '../session/round.ts'
import { checkParts, checkSession } from './checks.ts'
import { combined } from './combined.ts'
import { onlineSidOf } from './hashes.ts'
import { rounds } from './messages.ts'
import type { Presignature } from './presign.ts'

/**
 * Form (c): the one message that turns a presignature into a signature (02 §6.3). The presignature is
 * spent before anything leaves, also when this fails.
 */
export async function signOnline(
  party: Party,
  kernel: Kernel,
  presignature: Presignature,
  digest: Uint8Array,
  requestDigest: Uint8Array,
): Promise<Signature> {
  const { id, keyId, derived, signers, R } = presignature
  const { online } = rounds(signers.length)
  if (signers.join() !== party.everyone.join())
    throw new Error('bug: the presignature is of another signer set')
  const secret = presignature.take()
  if (secret === undefined)
    throw new ProtocolError({ kind: 'presig-unknown', round: online.name, from: party.me })

  const onlineSid = onlineSidOf(id, keyId, derived.publicKey, digest, requestDigest, kernel.oracle)
  const mine = { onlineSid, presignatureId: id, ...kernel.online(secret, digest) }
  const parts = await party.publish(online, mine)
  const others = party.everyone.filter((index) => index !== party.me)
  for (const index of others) {
    const { presignatureId, onlineSid: theirs } = parts.from(index)
    if (!equalBytes(presignatureId, id))
      throw new ProtocolError({ kind: 'presig-unknown', round: online.name, from: index })
    checkSession(online.name, index, theirs, onlineSid)
    checkParts(kernel, online.name, index, parts.from(index))
  }
  const all = [mine, ...others.map((index) => parts.from(index))]
  return combined(kernel, online.name, R, all, derived.publicKey, digest)
}
