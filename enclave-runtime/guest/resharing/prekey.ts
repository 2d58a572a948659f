import { x25519 } from '@noble/curves/ed25519.js'
import type { Random } from '../../../protocols/crypto/random.ts'
import type { EpochName } from '../epochs/epoch-work.ts'
import type { WorkVault } from './chunk-store.ts'

const PREKEY = 'prekey'

/** The public half of the prekey of this epoch, 32 bytes, whose secret is durable under the epoch's key (04 §5): made if there is none. */
export async function durablePrekey(
  vault: Pick<WorkVault, 'secret' | 'write'>,
  epoch: EpochName,
  random: Random,
): Promise<Uint8Array> {
  const found = await vault.secret(epoch, PREKEY)
  const secret = found ?? random(32)
  try {
    if (found === undefined) await vault.write({ epoch, secrets: new Map([[PREKEY, secret]]) })
    return x25519.getPublicKey(secret)
  } finally {
    secret.fill(0)
  }
}
