import type { Handle, Kernel } from '../../../protocols/kernel/kernel.ts'
import { ProtocolError } from '../../../protocols/session/faults.ts'
import type { Account } from '../accounts/account.ts'
import type { KeyStore } from '../keys/key-store.ts'
import { VaultError } from '../vault/vault-error.ts'

/**
 * Lends this guest's share of the account's key for one use; it is wiped afterwards, whatever happens.
 * A share that is not the one of the certificate halts the key (02 §12).
 */
export async function withShare<T>(
  keys: KeyStore,
  kernel: Kernel,
  me: number,
  { certificate: { keyId, commitment } }: Account,
  use: (share: Handle<'share'>) => Promise<T>,
): Promise<T> {
  const share = await keys.share(keyId).catch((cause: unknown) => {
    if (!(cause instanceof VaultError) || cause.code !== 'RECORD_CORRUPT') throw cause
    throw new ProtocolError({ kind: 'own-share', reason: 'the share cannot be read' }, { cause })
  })
  try {
    const expected = kernel.evaluateCommitment(commitment, me)
    if (expected === undefined || !Buffer.from(expected).equals(kernel.sharePublic(share)))
      throw new ProtocolError({ kind: 'own-share', reason: 'the share is not the certified one' })
    return await use(share)
  } finally {
    kernel.wipe(share)
  }
}
