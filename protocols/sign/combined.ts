import type { Kernel, Signature } from '../kernel/kernel.ts'
import { ProtocolError } from '../session/faults.ts'

/**
 * The signature that the parts make, verified: nothing leaves a guest that does not verify under P'.
 * If it does not, someone cheated, and nothing shows who (02 §6.2).
 */
export function combined(
  kernel: Kernel,
  round: string,
  R: Uint8Array,
  parts: readonly { readonly u: Uint8Array; readonly w: Uint8Array }[],
  publicKey: Uint8Array,
  digest: Uint8Array,
): Signature {
  const signature = kernel.combine(R, parts)
  if (signature === undefined || !kernel.ecdsaVerify(publicKey, digest, signature))
    throw new ProtocolError({ kind: 'signature', round })
  return signature
}
