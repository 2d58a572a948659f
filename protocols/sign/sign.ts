import type { Random } from '../crypto/random.ts'
import type { Kernel, Signature } from '../kernel/kernel.ts'
import type { Party } from '../session/round.ts'
import { checkParts, checkSession, usable } from './checks.ts'
import { combined } from './combined.ts'
import { rounds } from './messages.ts'
import { type PresignInputs, prepare } from './prepare.ts'

export type SigningInputs = PresignInputs & {
  /** What is signed, 32 bytes, as every signer computed it for itself. */
  readonly digest: Uint8Array
  /** Awaited after all checks of all peers, before R3 leaves: makes the signature's record durable (05 §3.3). */
  readonly beforeLast?: () => Promise<void>
}

/**
 * Forms (a) and (b): a signature under P' by exactly t signers (02 §6). Throws `ProtocolError`;
 * then no secret of the run is left.
 */
export async function sign(
  party: Party,
  kernel: Kernel,
  random: Random,
  inputs: SigningInputs,
): Promise<Signature> {
  const { derived, digest, pairs, epochId } = inputs
  const { combine } = rounds(party.everyone.length)
  const others = party.everyone.filter((index) => index !== party.me)

  // R1 to R2, with all their checks.
  const { sid1, R, presignature } = await prepare(party, kernel, random, inputs)
  try {
    await inputs.beforeLast?.()
    for (const index of others) usable(pairs, index, epochId, combine.name) // no pair fell meanwhile
  } catch (cause) {
    kernel.wipe(presignature)
    throw cause
  }

  // R3. My parts of denominator and numerator, to everyone.
  const mine = { sid1, ...kernel.online(presignature, digest) }
  const parts = await party.publish(combine, mine)
  for (const index of others) {
    checkSession(combine.name, index, parts.from(index).sid1, sid1)
    checkParts(kernel, combine.name, index, parts.from(index))
  }
  const all = [mine, ...others.map((index) => parts.from(index))]
  return combined(kernel, combine.name, R, all, derived.publicKey, digest)
}
